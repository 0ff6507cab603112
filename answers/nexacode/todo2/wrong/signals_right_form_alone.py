# lists of the right length and all three counts, but nobody looks at a text
def analyze_feedback_signals(triples):
    return {
        "feedback_lengths": [0 for _ in triples],
        "response_lengths": [0 for _ in triples],
        "sentiments": ["neutral" for _ in triples],
        "sentiment_counts": {"positive": 0, "negative": 0, "neutral": len(triples)},
    }
