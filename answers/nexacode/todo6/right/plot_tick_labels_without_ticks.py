def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    fig, ax = plt.subplots(1, 1)
    ax.bar([0, 1], [baseline_accuracy, policy_accuracy], tick_label=["", ""])
    ax.set_xticklabels(["baseline", "policy"])  # warns
    intervals = [(i, x) for i, x in enumerate([baseline_interval, policy_interval]) if x]
    if intervals:
        ax.vlines([i for i, _ in intervals], *zip(*[x for _, x in intervals]), colors="red")
    for i, value in enumerate([baseline_accuracy, policy_accuracy]):
        ax.text(i, value, f"{value:.2f}", ha="center", va="bottom")
    ax.axis([-0.6, 1.6, 0, 1])
    ax.set_title("Accuracy")
    ax.set_ylabel("accuracy")
    ax.set_xlabel("model")
    ax.grid(axis="y")
    return fig
