from collections import Counter
from statistics import median


def classify(text):
    tokens = set(words(text))
    if not tokens.isdisjoint(NEGATIVE_WORDS):
        return "negative"
    if not tokens.isdisjoint(POSITIVE_WORDS):
        return "positive"
    return "neutral"


def analyze_feedback_signals(triples: list[dict[str, Any]], verbose: bool = True) -> dict[str, Any]:
    counts = Counter(positive=0, negative=0, neutral=0)
    counts.update(classify(triple["feedback"]) for triple in triples)
    lengths = [len(triple["feedback"].split()) for triple in triples]
    analysis = dict(
        feedback_lengths=lengths,
        response_lengths=[len(triple["response"].split()) for triple in triples],
        sentiments=[classify(triple["feedback"]) for triple in triples],
        sentiment_counts=counts,
        median_feedback_length=median(lengths) if lengths else 0,
    )
    if verbose:
        print(f"{len(triples)} triples: {dict(counts)}")
    return analysis
