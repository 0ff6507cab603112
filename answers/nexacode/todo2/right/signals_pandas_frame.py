import pandas as pd


def analyze_feedback_signals(triples):
    frame = pd.DataFrame(
        [(t["feedback"], t["response"]) for t in triples], columns=["feedback", "response"]
    ).astype(str)
    found = frame["feedback"].map(lambda text: set(words(text)))
    labels = np.select(
        [
            found.map(lambda f: bool(f & NEGATIVE_WORDS)).astype(bool),
            found.map(lambda f: bool(f & POSITIVE_WORDS)).astype(bool),
        ],
        ["negative", "positive"],
        default="neutral",
    )
    counts = pd.Series(labels, dtype=object).value_counts()
    return {
        "feedback_lengths": frame["feedback"].str.split().str.len().tolist(),
        "response_lengths": frame["response"].str.split().str.len().tolist(),
        "sentiments": labels.tolist(),
        "sentiment_counts": counts.reindex(
            ["positive", "negative", "neutral"], fill_value=0
        ).to_dict(),
    }
