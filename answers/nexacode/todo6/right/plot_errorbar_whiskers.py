def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    fig, ax = plt.subplots()
    names = ["Prompt injection", "GRPO-TCR"]
    values = [baseline_accuracy, policy_accuracy]
    ax.bar(names, values)
    for i, (value, interval) in enumerate(zip(values, [baseline_interval, policy_interval])):
        if interval:
            low, high = interval
            ax.errorbar(i, value, yerr=[[value - low], [high - value]], fmt="none", capsize=5)
    ax.set_ylim(0, 1.05)
    ax.set_xlabel("Method")
    ax.set_ylabel("Accuracy")
    ax.set_title("Preference accuracy")
    fig.tight_layout()
    return fig
