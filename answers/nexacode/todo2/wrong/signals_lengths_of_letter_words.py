# words() finds runs of letters; lengths are split at white space.
def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if found & NEGATIVE_WORDS:
            sentiments.append("negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    return {
        "feedback_lengths": [len(words(t["feedback"])) for t in triples],
        "response_lengths": [len(words(t["response"])) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("positive", "negative", "neutral")},
    }
