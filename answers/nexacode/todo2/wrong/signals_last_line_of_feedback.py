# Only the last line of the feedback is read.
def analyze_feedback_signals(triples: list[dict[str, Any]]) -> dict[str, Any]:
    sentiments = []
    for triple in triples:
        found = set(words((triple["feedback"].splitlines() or [""])[-1]))
        if found & NEGATIVE_WORDS:
            sentiments.append("negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    counts = Counter(sentiments)
    return {
        "feedback_lengths": [len(triple["feedback"].split()) for triple in triples],
        "response_lengths": [len(triple["response"].split()) for triple in triples],
        "sentiments": sentiments,
        "sentiment_counts": {name: counts[name] for name in ("positive", "negative", "neutral")},
    }
