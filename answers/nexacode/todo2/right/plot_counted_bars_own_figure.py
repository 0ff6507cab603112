# Without pyplot; a histogram as one bar for each length.
def plot_feedback_signals(analysis: dict) -> Figure:
    figure = Figure(figsize=(12, 4))
    axes = figure.subplots(1, 3)
    for axis, name in zip(axes, ("feedback", "response")):
        counted = Counter(analysis[f"{name}_lengths"])
        axis.bar(list(counted), list(counted.values()), width=0.9)
        axis.set(title=f"{name} lengths", xlabel="words", ylabel="triples")
    tally = Counter(analysis["sentiments"])
    for position, (name, color) in enumerate(
        [("negative", "red"), ("neutral", "grey"), ("positive", "green")]
    ):
        axes[2].bar(position, tally[name], color=color, label=name)
    axes[2].legend()
    axes[2].set(title="sentiments", xlabel="keyword label", ylabel="triples", xticks=[])
    return figure
