def analyze_feedback_signals(triples):
    def tokens(text):
        return re.sub(r"[^a-z']", " ", text.casefold()).split()

    labels = tuple(
        "negative"
        if any(token in NEGATIVE_WORDS for token in tokens(triple["feedback"]))
        else "positive"
        if any(token in POSITIVE_WORDS for token in tokens(triple["feedback"]))
        else "neutral"
        for triple in triples
    )
    analysis = {
        f"{part}_lengths": list(map(len, map(str.split, (triple[part] for triple in triples))))
        for part in ("response", "feedback")
    }
    return analysis | {
        "sentiments": labels,
        "sentiment_counts": {
            name: sum(label == name for label in labels)
            for name in ["positive", "neutral", "negative"]
        },
    }
