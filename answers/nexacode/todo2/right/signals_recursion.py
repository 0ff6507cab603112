def analyze_feedback_signals(triples):
    if not triples:
        return {
            "feedback_lengths": [],
            "response_lengths": [],
            "sentiments": [],
            "sentiment_counts": {"positive": 0, "negative": 0, "neutral": 0},
        }
    *earlier, triple = triples
    analysis = analyze_feedback_signals(earlier)
    hits = {word: "positive" for word in POSITIVE_WORDS} | {
        word: "negative" for word in NEGATIVE_WORDS
    }
    # "negative" < "neutral" < "positive": min finds the stronger one
    label = min((hits[w] for w in words(triple["feedback"]) if w in hits), default="neutral")
    analysis["feedback_lengths"].append(len(triple["feedback"].split()))
    analysis["response_lengths"].append(len(triple["response"].split()))
    analysis["sentiments"].append(label)
    analysis["sentiment_counts"][label] += 1
    return analysis
