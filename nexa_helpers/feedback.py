"""Section 2: what developers reply. Keyword sentiment, lengths and their plots.

The keyword label is a rough, transparent signal. It looks at single words only: sarcasm,
negated praise and corrections without a keyword are beyond it.
"""

import re
from collections import Counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

POSITIVE_WORDS = frozenset(
    "thanks thank great perfect good correct yes nice excellent exactly helpful "
    "awesome".split()
)  # fmt: skip
NEGATIVE_WORDS = frozenset(
    "no not wrong incorrect bad don't doesn't didn't isn't can't won't never useless "
    "mistake error instead".split()
)
SENTIMENT_SCORES = {"negative": -1, "neutral": 0, "positive": 1}


def words(text: str) -> list[str]:
    """Split a text into lower-case words; a word is a run of letters and apostrophes.

    Args:
        text: Any text.

    Returns:
        The words in order: ``words("No, I don't.")`` is ``["no", "i", "don't"]``.
    """
    return re.findall(r"(?:[^\W\d_]|')+", text.lower())


def analyze_feedback_signals(triples: list[dict[str, Any]]) -> dict[str, Any]:
    """Measure lengths and keyword sentiment of the feedback.

    A feedback is ``negative`` if it contains a word of ``NEGATIVE_WORDS``, else
    ``positive`` if it contains one of ``POSITIVE_WORDS``, else ``neutral``. Whole words
    count, case does not. A correction with thanks is a correction. Only single words of
    the feedback are judged.

    Args:
        triples: Triples with the keys ``response`` and ``feedback``.

    Returns:
        A dict with ``feedback_lengths`` and ``response_lengths`` (lists of int, in
        words split at white space), ``sentiments`` (a list of ``"positive"``,
        ``"negative"``, ``"neutral"``, one per triple) and ``sentiment_counts`` (a dict
        with all three). With no triples the lists are empty and the counts are 0.
    """
    sentiments = []
    for triple in triples:
        found = set(words(triple["feedback"]))
        if found & NEGATIVE_WORDS:
            sentiments.append("negative")
        elif found & POSITIVE_WORDS:
            sentiments.append("positive")
        else:
            sentiments.append("neutral")
    counts = Counter(sentiments)
    return {
        "feedback_lengths": [len(triple["feedback"].split()) for triple in triples],
        "response_lengths": [len(triple["response"].split()) for triple in triples],
        "sentiments": sentiments,
        "sentiment_counts": {name: counts[name] for name in ("positive", "negative", "neutral")},
    }


def plot_feedback_signals(analysis: dict[str, Any]) -> Figure:
    """Draw the two length distributions and the sentiment counts.

    Args:
        analysis: What ``analyze_feedback_signals`` returns. It is not changed.

    Returns:
        A figure with three axes, each with an x label, a y label and a title: two
        histograms, and bars of the three counts.
    """
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for axis, part in zip(axes, ("feedback", "response"), strict=False):
        lengths = analysis[f"{part}_lengths"]
        longest = max(lengths, default=0)
        width = 1 + longest // 30  # a whole number: lengths are, and gaps would mean nothing
        axis.hist(lengths, np.arange(0, longest + 2 * width, width) - 0.5, color="tab:blue")
        axis.axvline(np.median(lengths), color="black", linestyle="--", label="median")
        axis.set(xlabel=f"{part} length (words)", ylabel="triples", title=f"{part} length".title())
        axis.legend()
    counts = analysis["sentiment_counts"]
    bars = axes[2].bar(list(counts), list(counts.values()), color=["tab:green", "tab:red", "grey"])
    axes[2].bar_label(bars)
    axes[2].margins(y=0.12)  # room for the number on the tallest bar
    axes[2].set(xlabel="keyword sentiment", ylabel="triples", title="Feedback Sentiment")
    return figure


def keyword_labels(triples: list[dict[str, Any]]) -> list[int]:
    """Score the feedback of each triple: -1 negative, 0 neutral, +1 positive.

    Args:
        triples: Triples with the keys ``response`` and ``feedback``.

    Returns:
        One integer per triple.
    """
    sentiments = analyze_feedback_signals(triples)["sentiments"]
    return [SENTIMENT_SCORES[sentiment] for sentiment in sentiments]
