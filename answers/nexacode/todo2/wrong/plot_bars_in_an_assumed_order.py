def plot_feedback_signals(analysis: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(14, 4))
    axes[0].hist(analysis["feedback_lengths"], bins=30)
    axes[0].set(xlabel="words", ylabel="feedbacks", title="Feedback Length")
    axes[1].hist(analysis["response_lengths"], bins=30)
    axes[1].set(xlabel="words", ylabel="responses", title="Response Length")
    axes[2].bar(
        ["positive", "negative", "neutral"],
        list(analysis["sentiment_counts"].values()),
        color=["green", "red", "grey"],
    )
    axes[2].set(xlabel="sentiment", ylabel="feedbacks", title="Sentiment")
    return figure
