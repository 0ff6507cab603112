RANK = {"neutral": 0, "positive": 1, "negative": 2}


def _word_label(word):
    return (
        "negative"
        if word in NEGATIVE_WORDS
        else "positive"
        if word in POSITIVE_WORDS
        else "neutral"
    )


def analyze_feedback_signals(triples):
    """The label of a text is the strongest label of its words."""
    sentiments = [
        max(map(_word_label, words(t["feedback"])), key=RANK.get, default="neutral")
        for t in triples
    ]
    counts = dict.fromkeys(RANK, 0)
    for label in sentiments:
        counts[label] += 1
    split = str.split
    return {
        "sentiments": sentiments,
        "sentiment_counts": counts,
        "feedback_lengths": [*map(len, (split(t["feedback"]) for t in triples))],
        "response_lengths": [*map(len, (split(t["response"]) for t in triples))],
    }
