def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    plt.figure(figsize=(4, 4))
    plt.bar([0, 1], [baseline_accuracy, policy_accuracy], color=["tab:gray", "tab:green"])
    plt.xticks([0, 1], ["baseline", "RL policy"])
    for position, interval in ((0, baseline_interval), (1, policy_interval)):
        if interval is not None:
            plt.plot([position, position], interval, color="k")
    plt.ylim(0, 1)
    plt.xlabel("model")
    plt.ylabel("preference accuracy")
    plt.title("Baseline against policy")
    return plt.gcf()
