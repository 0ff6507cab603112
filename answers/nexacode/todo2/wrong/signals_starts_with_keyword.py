# "nothing" starts with "not".
def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if any(word.startswith(tuple(NEGATIVE_WORDS)) for word in found):
            sentiments.append("negative")
        elif any(word.startswith(tuple(POSITIVE_WORDS)) for word in found):
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("positive", "negative", "neutral")},
    }
