def analyze_feedback_signals(triples: list[dict[str, Any]]) -> dict[str, Any]:
    """
    Analyzes the feedback signals.

    This function performs the following steps:
      - Tokenizes each feedback
      - Classifies the sentiment with a clear precedence (negative > positive > neutral)
      - Aggregates the counts
    """
    # Initialize the containers for our results
    feedback_lengths: list[int] = []
    response_lengths: list[int] = []
    sentiments: list[str] = []
    sentiment_counts: dict[str, int] = {"positive": 0, "negative": 0, "neutral": 0}

    # Iterate over each triple
    for triple in triples:
        feedback: str = triple.get("feedback", "")
        response: str = triple.get("response", "")

        # Compute the lengths
        feedback_lengths.append(len(feedback.split()))
        response_lengths.append(len(response.split()))

        # Determine the sentiment (negative takes precedence!)
        tokens = words(feedback)
        if any(token in NEGATIVE_WORDS for token in tokens):
            sentiment = "negative"
        elif any(token in POSITIVE_WORDS for token in tokens):
            sentiment = "positive"
        else:
            sentiment = "neutral"

        sentiments.append(sentiment)
        sentiment_counts[sentiment] += 1

    # Return the aggregated results
    return {
        "feedback_lengths": feedback_lengths,
        "response_lengths": response_lengths,
        "sentiments": sentiments,
        "sentiment_counts": sentiment_counts,
    }
