def analyze_feedback_signals(triples):
    texts = [t["feedback"] for t in triples]
    negative = np.array([bool(NEGATIVE_WORDS.intersection(words(x))) for x in texts], dtype=bool)
    positive = np.array([bool(POSITIVE_WORDS.intersection(words(x))) for x in texts], dtype=bool)
    labels = np.select([negative, positive], ["negative", "positive"], default="neutral").tolist()
    names, counts = np.unique(["positive", "negative", "neutral", *labels], return_counts=True)
    return {
        "feedback_lengths": [len(x.split()) for x in texts],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": labels,
        "sentiment_counts": dict(zip(names.tolist(), (counts - 1).tolist())),
    }
