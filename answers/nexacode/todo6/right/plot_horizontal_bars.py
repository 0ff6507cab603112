def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure, axis = plt.subplots(figsize=(6, 2))
    axis.barh(["policy", "baseline"], [policy_accuracy, baseline_accuracy])
    for name, interval in (("policy", policy_interval), ("baseline", baseline_interval)):
        if interval is not None:
            axis.hlines(name, interval[0], interval[1], color="black")
    axis.set_xlim(0, 1)
    axis.set_xlabel("preference accuracy")
    axis.set_ylabel("method")
    axis.set_title("Baseline and policy")
    return figure
