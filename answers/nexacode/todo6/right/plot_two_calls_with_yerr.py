def plot_comparison(
    baseline_accuracy: float,
    policy_accuracy: float,
    baseline_interval=None,
    policy_interval=None,
    title: str = "How often does the move match the feedback?",
) -> Figure:
    def distances(value, interval):
        return None if interval is None else np.abs(np.array(interval) - value).reshape(2, 1)

    figure = plt.figure()
    axis = figure.add_subplot()
    axis.bar("baseline", baseline_accuracy, yerr=distances(baseline_accuracy, baseline_interval))
    axis.bar("policy", policy_accuracy, yerr=distances(policy_accuracy, policy_interval))
    axis.set(ylim=[0, 1], xlabel="who", ylabel="accuracy", title=title)
    plt.show()
    return figure
