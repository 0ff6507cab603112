def plot_feedback_signals(analysis):
    figure, axes = plt.subplots(1, 3, figsize=(13, 4))
    axes[0].bar(range(len(analysis["feedback_lengths"])), analysis["feedback_lengths"])
    axes[0].set(xlabel="words", ylabel="triples", title="Feedback length")
    axes[1].bar(range(len(analysis["response_lengths"])), analysis["response_lengths"])
    axes[1].set(xlabel="words", ylabel="triples", title="Response length")
    counts = analysis["sentiment_counts"]
    axes[2].bar(list(counts), list(counts.values()))
    axes[2].set(xlabel="sentiment", ylabel="triples", title="Feedback sentiment")
    return figure
