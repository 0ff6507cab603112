# three axes with labels and titles, and nothing in them
def plot_feedback_signals(analysis):
    figure, axes = plt.subplots(1, 3, figsize=(12, 4))
    for axis, name in zip(axes, ("feedback length", "response length", "sentiment")):
        axis.set(xlabel=name, ylabel="triples", title=name)
    return figure
