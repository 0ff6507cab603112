import pandas as pd


def plot_feedback_signals(analysis):
    fig, axes = plt.subplots(1, 3, figsize=(16, 4), constrained_layout=True)
    counts, edges = np.histogram(analysis["feedback_lengths"], bins=25)
    axes[0].stairs(counts, edges, fill=True)
    pd.Series(analysis["response_lengths"]).plot.hist(ax=axes[1], bins=25, weights=None)
    pd.Series(analysis["sentiment_counts"]).plot.bar(ax=axes[2], rot=0)
    axes[0].set(title="Feedback", xlabel="Length in words", ylabel="Triples")
    axes[1].set(title="Response", xlabel="Length in words", ylabel="Triples")
    axes[2].set(title="Sentiment", xlabel="Class", ylabel="Triples")
    return fig
