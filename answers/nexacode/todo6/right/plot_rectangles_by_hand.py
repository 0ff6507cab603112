from matplotlib.patches import Rectangle


def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure, axis = plt.subplots()
    rows = [
        ("Baseline", baseline_accuracy, baseline_interval),
        ("Policy", policy_accuracy, policy_interval),
    ]
    for x, (name, height, interval) in enumerate(rows):
        axis.add_patch(Rectangle((x - 0.3, 0), 0.6, height, color=f"C{x}", alpha=0.7))
        if interval:
            axis.plot([x, x], list(interval), color="black", marker="_")
    axis.set_xlim(-0.6, 1.6)
    axis.set_ylim(0.0, 1.0)
    axis.set_xticks([0, 1], [name for name, *_ in rows])
    axis.set_xlabel("Who?")
    axis.set_ylabel("Accuracy")
    axis.set_title("Baseline and policy")
    return figure
