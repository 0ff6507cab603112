def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if found & NEGATIVE_WORDS:
            sentiments.append("Negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("Positive")
        else:
            sentiments.append("Neutral")
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": dict(Counter(sentiments)),
    }
