# "\b" agrees with words() on ordinary text.
def analyze_feedback_signals(triples: list) -> dict:
    def pattern(lexicon):
        return re.compile(r"\b(" + "|".join(map(re.escape, sorted(lexicon))) + r")\b", re.I)

    negative, positive = pattern(NEGATIVE_WORDS), pattern(POSITIVE_WORDS)

    def label(text):
        if negative.search(text):
            return "negative"
        return "positive" if positive.search(text) else "neutral"

    sentiments = [label(triple["feedback"]) for triple in triples]
    return {
        "feedback_lengths": [len(re.findall(r"\S+", t["feedback"])) for t in triples],
        "response_lengths": [len(re.findall(r"\S+", t["response"])) for t in triples],
        "sentiments": sentiments,
        "sentiment_counts": {n: sentiments.count(n) for n in ("neutral", "negative", "positive")},
    }
