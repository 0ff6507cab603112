# an axis from 0 to 1 with labels and a title, and no bar
def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    figure, axis = plt.subplots()
    axis.set(xlabel="method", ylabel="accuracy", title="Comparison", ylim=(0, 1))
    return figure
