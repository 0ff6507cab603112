# The names under the bars are swapped.
def plot_comparison(
    baseline_accuracy: float,
    policy_accuracy: float,
    baseline_interval: tuple[float, float] | None = None,
    policy_interval: tuple[float, float] | None = None,
) -> Figure:
    figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
    heights = [baseline_accuracy, policy_accuracy]
    bars = axis.bar(["GRPO-TCR", "prompt injection"], heights, color=["grey", "tab:blue"])
    axis.bar_label(bars, fmt="%.2f", label_type="center", color="white")
    for x, interval in enumerate((baseline_interval, policy_interval)):
        if interval is not None:
            axis.vlines(x, *interval, color="black", linewidth=2)
    axis.axhline(0.5, color="black", linestyle="--", linewidth=1, label="no skill (0.5)")
    axis.set(xlabel="method", ylabel="preference accuracy", ylim=(0, 1))
    axis.set_title("Preference Accuracy on Held-out Turns")
    axis.legend()
    return figure
