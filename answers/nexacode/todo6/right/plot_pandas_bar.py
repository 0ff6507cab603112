import pandas as pd


def plot_comparison(
    baseline_accuracy, policy_accuracy, baseline_interval=None, policy_interval=None
):
    table = pd.Series({"baseline": baseline_accuracy, "personalized policy": policy_accuracy})
    axis = table.plot.bar(
        rot=0, ylim=(0, 1.05), title="Preference accuracy", xlabel="method", ylabel="accuracy"
    )
    for place, interval in enumerate([baseline_interval, policy_interval]):
        if interval is not None:
            low, high = interval
            middle = (low + high) / 2
            axis.errorbar(place, middle, yerr=high - middle, fmt="none", ecolor="black", capsize=5)
    return axis.get_figure()
