def plot_feedback_signals(analysis):
    figure, axes = plt.subplots(1, 3, figsize=(13, 4))
    axes[0].hist(analysis["feedback_lengths"], bins=30)
    axes[0].set(xlabel="words", ylabel="triples", title="Feedback length")
    axes[1].hist(analysis["response_lengths"], bins=30)
    axes[1].set(xlabel="words", ylabel="triples", title="Response length")
    counts = analysis["sentiment_counts"]
    axes[2].pie(list(counts.values()), labels=list(counts))
    axes[2].set(xlabel="sentiment", ylabel="triples", title="Feedback sentiment")
    return figure
