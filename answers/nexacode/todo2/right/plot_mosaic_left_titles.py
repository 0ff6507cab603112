def plot_feedback_signals(analysis):
    figure, axes = plt.subplot_mosaic("AB;CC", figsize=(10, 7))
    longest = max(max(analysis["feedback_lengths"]), max(analysis["response_lengths"]))
    bins = np.linspace(0, longest + 1, 40)
    for letter, key in {"A": "feedback_lengths", "B": "response_lengths"}.items():
        axes[letter].hist(np.asarray(analysis[key]), bins=bins, log=True)
        axes[letter].axvline(np.mean(analysis[key]), color="k", ls=":", label="mean")
        axes[letter].legend()
        axes[letter].set_title(key.split("_")[0], loc="left")
        axes[letter].set(xlabel="words", ylabel="triples (log scale)")
    order = sorted(analysis["sentiment_counts"])
    heights = [analysis["sentiment_counts"][name] for name in order]
    bars = axes["C"].bar(range(3), heights)
    axes["C"].set_xticks(range(3), labels=[name.upper() for name in order], rotation=30)
    axes["C"].bar_label(bars, fmt="%d")
    axes["C"].set_title("sentiment", loc="left")
    axes["C"].set(xlabel="label", ylabel="triples")
    return figure
