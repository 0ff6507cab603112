def analyze_feedback_signals(triples):
    feedback_lengths = []
    response_lengths = []
    sentiments = []
    sentiment_counts = {"positive": 0, "negative": 0, "neutral": 0}
    for triple in triples:
        feedback_lengths.append(len(triple["feedback"].split()))
        response_lengths.append(len(triple["response"].split()))
        label = "neutral"
        for word in words(triple["feedback"]):
            if word in NEGATIVE_WORDS:
                label = "negative"
                break
            if word in POSITIVE_WORDS:
                label = "positive"
        sentiments.append(label)
        sentiment_counts[label] += 1
    analysis = {}
    analysis["feedback_lengths"] = feedback_lengths
    analysis["response_lengths"] = response_lengths
    analysis["sentiments"] = sentiments
    analysis["sentiment_counts"] = sentiment_counts
    return analysis
