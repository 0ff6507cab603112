def plot_feedback_signals(analysis):
    plt.figure(figsize=(15, 4))
    for number, key in enumerate(["feedback_lengths", "response_lengths"], start=1):
        plt.subplot(1, 3, number)
        plt.hist(analysis[key], bins=15, histtype="step")
        plt.title(key.replace("_", " ").title())
        plt.xlabel("words")
        plt.ylabel("frequency")
    plt.subplot(1, 3, 3)
    labels = list(analysis["sentiment_counts"].keys())
    plt.bar(labels, analysis["sentiment_counts"].values(), color=["green", "red", "gray"])
    plt.title("Sentiments")
    plt.xlabel("sentiment")
    plt.ylabel("frequency")
    plt.tight_layout()
    figure = plt.gcf()
    plt.show()
    return figure
