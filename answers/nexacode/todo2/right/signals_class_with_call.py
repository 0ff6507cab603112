class Sentiment:
    """A judge that remembers what it has seen."""

    def __init__(self):
        self.counts = {"positive": 0, "negative": 0, "neutral": 0}

    def __call__(self, text: str) -> str:
        label = "neutral"
        for word in words(text):
            if word in NEGATIVE_WORDS:
                label = "negative"
                break
            if word in POSITIVE_WORDS:
                label = "positive"
        self.counts[label] += 1
        return label


def analyze_feedback_signals(triples):
    judge = Sentiment()
    labels = [judge(triple["feedback"]) for triple in triples]
    lengths = {
        f"{part}_lengths": [sum(1 for _ in triple[part].split()) for triple in triples]
        for part in ("feedback", "response")
    }
    return lengths | {"sentiments": labels, "sentiment_counts": judge.counts}
