from collections import defaultdict


def analyze_feedback_signals(triples):
    result = defaultdict(list)
    for t in triples:
        result["feedback_lengths"].append(len(re.findall(r"\S+", t["feedback"])))
        result["response_lengths"].append(len(re.findall(r"\S+", t["response"])))
        bag = frozenset(words(t["feedback"]))
        hit = (len(bag & NEGATIVE_WORDS) > 0, len(bag & POSITIVE_WORDS) > 0)
        result["sentiments"].append(
            {(False, False): "neutral", (False, True): "positive"}.get(hit, "negative")
        )
    for name in ("feedback_lengths", "response_lengths", "sentiments"):
        result[name]
    result["sentiment_counts"] = {"neutral": 0, "negative": 0, "positive": 0} | Counter(
        result["sentiments"]
    )
    return dict(result)
