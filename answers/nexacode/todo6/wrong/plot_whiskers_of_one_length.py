# Each whisker is half of its interval, above and below.
def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure, axis = plt.subplots()
    heights = [baseline_accuracy, policy_accuracy]
    axis.bar(["baseline", "policy"], heights)
    for x, interval in enumerate((baseline_interval, policy_interval)):
        if interval is not None:
            half = (interval[1] - interval[0]) / 2
            axis.errorbar(x, heights[x], yerr=half, color="black", capsize=4)
    axis.set_ylim(0, 1)
    axis.set_xlabel("method")
    axis.set_ylabel("preference accuracy")
    axis.set_title("Baseline and policy")
    return figure
