def plot_feedback_signals(analysis: dict[str, Any]) -> Figure:
    figure, (ax1, ax2, ax3) = plt.subplots(1, 3, figsize=(12, 3.5), layout="constrained")
    bins = range(0, 51, 2)
    ax1.hist(analysis["feedback_lengths"], bins=bins, color="tab:blue")
    ax1.set(xlabel="feedback length (words)", ylabel="triples", title="Feedback Lengths")
    ax2.hist(analysis["response_lengths"], bins=bins, color="tab:orange")
    ax2.set(xlabel="response length (words)", ylabel="triples", title="Response Lengths")
    counts = analysis["sentiment_counts"]
    ax3.bar(list(counts.keys()), list(counts.values()))
    ax3.set(xlabel="sentiment", ylabel="triples", title="Sentiment of the Feedback")
    return figure
