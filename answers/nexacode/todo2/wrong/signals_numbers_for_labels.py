def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if found & NEGATIVE_WORDS:
            sentiments.append(-1)
        elif found & POSITIVE_WORDS:
            sentiments.append(1)
        else:
            sentiments.append(0)
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {
            "positive": sentiments.count(1),
            "negative": sentiments.count(-1),
            "neutral": sentiments.count(0),
        },
    }
