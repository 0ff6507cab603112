def plot_comparison(
    baseline_accuracy: float,
    policy_accuracy: float,
    baseline_interval: tuple[float, float] | None = None,
    policy_interval: tuple[float, float] | None = None,
) -> Figure:
    """Create a bar chart comparing the baseline with the trained policy."""
    # Data preparation
    labels = ["Prompt Injection", "GRPO-TCR Policy"]
    values = [baseline_accuracy, policy_accuracy]
    intervals = [baseline_interval, policy_interval]
    colors = ["#888888", "#1f77b4"]

    # Create the figure
    fig, ax = plt.subplots(figsize=(6, 4))
    bars = ax.bar(labels, values, color=colors, width=0.5)

    # Add the confidence intervals
    for bar, value, interval in zip(bars, values, intervals):
        if interval is not None:
            low, high = interval
            x = bar.get_x() + bar.get_width() / 2
            ax.errorbar(
                x, value, yerr=[[value - low], [high - value]], color="black", capsize=6, fmt="none"
            )
        ax.text(bar.get_x() + bar.get_width() / 2, 0.02, f"{value:.1%}", ha="center", color="white")

    # Styling
    ax.set_ylim(0, 1)
    ax.set_xlabel("Method")
    ax.set_ylabel("Preference Accuracy")
    ax.set_title("Baseline vs. Personalized Policy")
    ax.grid(axis="y", alpha=0.3)
    fig.tight_layout()
    return fig
