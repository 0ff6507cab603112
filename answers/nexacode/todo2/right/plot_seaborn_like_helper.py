def _decorate(axis, title, x, y):
    axis.set_title(title)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def plot_feedback_signals(analysis):
    fig, (left, middle, right) = plt.subplots(ncols=3, figsize=(15, 4))
    left.hist(analysis["feedback_lengths"], bins=20, density=True, alpha=0.8)
    middle.hist(analysis["response_lengths"], bins=20, density=True, alpha=0.8)
    counts = analysis["sentiment_counts"]
    order = sorted(counts, key=counts.get)
    right.barh(order, [counts[name] for name in order])
    _decorate(left, "Feedback", "words", "density")
    _decorate(middle, "Response", "words", "density")
    _decorate(right, "Sentiment", "count", "label")
    fig.tight_layout()
    return fig
