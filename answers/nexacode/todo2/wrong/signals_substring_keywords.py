# The origin's way, and that of many models: "no" is found in "know".
def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        text = triple["feedback"].lower()
        if any(word in text for word in NEGATIVE_WORDS):
            sentiments.append("negative")
        elif any(word in text for word in POSITIVE_WORDS):
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("positive", "negative", "neutral")},
    }
