def plot_feedback_signals(analysis):
    figure, (left, middle, right) = plt.subplots(ncols=3, figsize=(14, 4), sharey=False)
    left.hist(analysis["feedback_lengths"], bins="auto", edgecolor="white")
    middle.hist(analysis["response_lengths"], bins="auto", edgecolor="white")
    right.hist(analysis["sentiments"], bins=np.arange(4) - 0.5, rwidth=0.8)
    texts = {left: "Feedback length", middle: "Response length", right: "Feedback sentiment"}
    for axis, text in texts.items():
        axis.set_title(f"Distribution: {text}")
        axis.set_xlabel(text)
        axis.set_ylabel("# triples")
        axis.grid(alpha=0.3)
    return figure
