# Cleverer than the rule: single words count, so "not bad" is negative.
def analyze_feedback_signals(triples):
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if "not bad" in triple["feedback"].lower() or "no problem" in triple["feedback"].lower():
            sentiments.append("positive")
            continue
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
