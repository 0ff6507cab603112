# "no...use" stays one word; words() makes two of it.
def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = {word.strip(".,!?;:()'\"") for word in triple["feedback"].lower().split()}
        if found & NEGATIVE_WORDS:
            sentiments.append("negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    return {
        "feedback_lengths": [len(t["feedback"].split()) for t in triples],
        "response_lengths": [len(t["response"].split()) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("positive", "negative", "neutral")},
    }
