def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure = Figure(figsize=(5, 4))
    axes = figure.subplots()
    bars = {
        "baseline": (baseline_accuracy, baseline_interval),
        "policy": (policy_accuracy, policy_interval),
    }
    for x, (name, (height, interval)) in enumerate(bars.items()):
        axes.bar(x, height, width=0.5, label=f"{name}: {height:.0%}")
        if interval is not None:
            axes.bar(x, interval[1] - interval[0], bottom=interval[0], width=0.03, color="black")
    axes.set_xticks(range(2))
    axes.set_xticklabels(list(bars))
    axes.set_ylim(bottom=0, top=1)
    axes.legend()
    axes.set_xlabel("model")
    axes.set_ylabel("preference accuracy (share)")
    axes.set_title("Held-out turns")
    return figure
