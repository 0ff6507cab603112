def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure, axis = plt.subplots()
    heights = [baseline_accuracy, policy_accuracy]
    axis.bar(["baseline", "policy"], heights)
    axis.set_ylim(0, 1)
    axis.set_xlabel("method")
    axis.set_ylabel("preference accuracy")
    axis.set_title("Baseline and policy")
    return figure
