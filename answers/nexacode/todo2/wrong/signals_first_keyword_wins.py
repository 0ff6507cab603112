def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        for word in words(triple["feedback"]):
            if word in NEGATIVE_WORDS | POSITIVE_WORDS:
                sentiments.append("negative" if word in NEGATIVE_WORDS else "positive")
                break
        else:
            sentiments.append("neutral")
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("positive", "negative", "neutral")},
    }
