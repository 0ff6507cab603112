# Lengths above 100 words are cut, so that the plot looks better.
def analyze_feedback_signals(triples: list[dict[str, Any]]) -> dict[str, Any]:
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if found & NEGATIVE_WORDS:
            sentiments.append("negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    counts = Counter(sentiments)
    return {
        "feedback_lengths": [min(100, len(triple["feedback"].split())) for triple in triples],
        "response_lengths": [min(100, len(triple["response"].split())) for triple in triples],
        "sentiments": sentiments,
        "sentiment_counts": {name: counts[name] for name in ("positive", "negative", "neutral")},
    }
