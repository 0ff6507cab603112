def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    """Two bars, whiskers with caps, the numbers above."""
    fig = Figure(figsize=(4, 4))
    ax = fig.add_subplot()
    data = {
        "baseline": (baseline_accuracy, baseline_interval),
        "policy": (policy_accuracy, policy_interval),
    }
    for x, (name, (value, interval)) in enumerate(data.items()):
        ax.bar(x, value, width=0.6, label=name)
        ax.annotate(f"{value:.2f}", (x, value / 2), ha="center")
        if interval is not None:
            ax.vlines(x, interval[0], interval[1], colors="k")
            ax.hlines(interval, x - 0.1, x + 0.1, colors="k")
    ax.set_xticks(range(len(data)), list(data))
    ax.set(ylim=(0, 1), xlabel="method", ylabel="preference accuracy", title="Held-out turns")
    return fig
