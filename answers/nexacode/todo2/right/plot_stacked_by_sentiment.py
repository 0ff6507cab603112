# Histograms with a colour for each sentiment.
def plot_feedback_signals(analysis):
    colours = {"positive": "seagreen", "neutral": "silver", "negative": "firebrick"}
    labels = np.array(analysis["sentiments"])
    figure, axes = plt.subplots(1, 3, figsize=(15, 4))
    for axis, part in zip(axes, ("feedback", "response")):
        lengths = np.array(analysis[part + "_lengths"])
        groups = [lengths[labels == name] for name in colours]
        axis.hist(groups, bins=20, stacked=True, color=list(colours.values()), label=list(colours))
        axis.set_title(f"{part.capitalize()} length by sentiment")
        axis.set_xlabel(f"{part.capitalize()} length [words]")
        axis.set_ylabel("Triples")
        axis.legend()
    for name, colour in colours.items():
        bar = axes[2].bar(name.capitalize(), analysis["sentiment_counts"][name], color=colour)
        axes[2].bar_label(bar)
    axes[2].set_title("Sentiment")
    axes[2].set_xlabel("Keyword label")
    axes[2].set_ylabel("Triples")
    return figure
