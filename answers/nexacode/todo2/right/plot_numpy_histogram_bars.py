def plot_feedback_signals(analysis: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(3, 1, figsize=(6, 10))
    parts = [("feedback_lengths", "Feedback lengths"), ("response_lengths", "Response lengths")]
    for axis, (key, title) in zip(axes[:2], parts):
        heights, edges = np.histogram(analysis[key], bins=25)
        axis.bar(edges[:-1], heights, width=np.diff(edges), align="edge", edgecolor="white")
        axis.set_title(title)
        axis.set_xlabel("words")
        axis.set_ylabel("number of triples")
    labels, values = zip(*analysis["sentiment_counts"].items())
    axes[2].bar(range(len(labels)), values, tick_label=labels)
    axes[2].set_title("Sentiments")
    axes[2].set_xlabel("sentiment")
    axes[2].set_ylabel("number of triples")
    figure.subplots_adjust(hspace=0.5)
    return figure
