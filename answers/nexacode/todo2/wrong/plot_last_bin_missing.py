# The range ends before the longest text.
def plot_feedback_signals(analysis: dict[str, Any]) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for axis, part in zip(axes, ("feedback", "response"), strict=False):
        lengths = analysis[f"{part}_lengths"]
        longest = max(lengths, default=0)
        width = 1 + longest // 30  # a whole number: lengths are, and gaps would mean nothing
        axis.hist(lengths, np.arange(0, longest, width), color="tab:blue")
        axis.axvline(np.median(lengths), color="black", linestyle="--", label="median")
        axis.set(xlabel=f"{part} length (words)", ylabel="triples", title=f"{part} length".title())
        axis.legend()
    counts = analysis["sentiment_counts"]
    bars = axes[2].bar(list(counts), list(counts.values()), color=["tab:green", "tab:red", "grey"])
    axes[2].bar_label(bars)
    axes[2].margins(y=0.12)  # room for the number on the tallest bar
    axes[2].set(xlabel="keyword sentiment", ylabel="triples", title="Feedback Sentiment")
    return figure
