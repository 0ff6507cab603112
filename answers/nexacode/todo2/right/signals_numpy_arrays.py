def analyze_feedback_signals(triples):
    names = np.array(["negative", "neutral", "positive"])
    signs = np.zeros(len(triples), dtype=int)
    lengths = np.zeros((2, len(triples)), dtype=np.int64)
    for i, triple in enumerate(triples):
        tokens = words(triple["feedback"])
        signs[i] = np.isin(tokens, list(POSITIVE_WORDS)).any()
        if np.isin(tokens, list(NEGATIVE_WORDS)).any():
            signs[i] = -1
        lengths[:, i] = len(triple["feedback"].split()), len(triple["response"].split())
    counts = np.bincount(signs + 1, minlength=3)
    return {
        "feedback_lengths": lengths[0],
        "response_lengths": lengths[1],
        "sentiments": names[signs + 1],
        "sentiment_counts": dict(zip(names, counts)),
    }
