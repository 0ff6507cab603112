def plot_feedback_signals(analysis):
    figure = plt.figure(figsize=(12, 4))
    grid = figure.add_gridspec(1, 3)
    for place, part in enumerate(["response", "feedback"]):
        axis = figure.add_subplot(grid[0, place])
        axis.hist(analysis[part + "_lengths"], bins="auto", histtype="step", cumulative=False)
        axis.set(
            title=f"How long is the {part}?", xlabel=f"words of the {part}", ylabel="how often"
        )
    axis = figure.add_subplot(grid[0, 2])
    for name in ("positive", "neutral", "negative"):
        axis.bar(name, analysis["sentiment_counts"][name])
    axis.set(title="Sentiment", xlabel="sentiment of the feedback", ylabel="how often")
    return figure
