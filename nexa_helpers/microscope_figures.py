"""Section 4.3: what the microscopes show, one figure per letter.

Readable without color: lines differ in style and marker, bars have their numbers.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from scipy import stats

from nexa_helpers.microscopes import estimate_mean


def draw_band(axis: Any, values: np.ndarray, style: str, label: str) -> None:
    """Draw a mean over seeds as a line, and its 95 % interval as a band.

    Args:
        axis: Where.
        values: (rounds, seeds).
        style: matplotlib's style of the line.
        label: Its name.
    """
    mean = values.mean(axis=1)
    margin = stats.t.ppf(0.975, values.shape[1] - 1) * stats.sem(values, axis=1)
    (line,) = axis.plot(mean, style, label=label, markersize=4, markevery=2)
    axis.fill_between(
        np.arange(len(mean)), mean - margin, mean + margin, color=line.get_color(), alpha=0.2
    )


def plot_token_level(runs: dict[str, torch.Tensor]) -> Figure:
    """Draw lengths of right and wrong responses against the round, one panel per normalizer.

    Args:
        runs: What ``run_token_level`` returns, by normalizer.
    """
    figure, axes = plt.subplots(
        1, len(runs), figsize=(9, 3.2), layout="constrained", sharey=True, squeeze=False
    )
    for axis, (name, history) in zip(axes[0], runs.items(), strict=True):
        draw_band(axis, history[..., 0].numpy(), "-", "right")
        draw_band(axis, history[..., 1].numpy(), "--", "wrong")
        axis.set(xlabel="round", title=name, ylim=(0, 40))
    axes[0, 0].set_ylabel("mean length (tokens)")
    axes[0, 0].legend()
    return figure


def plot_clipping(panels: dict[str, dict[str, torch.Tensor]]) -> Figure:
    """Draw the probability of the good token against the round, one panel per case.

    Args:
        panels: For each title what ``run_clipping`` returns, by clip range.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9.5, 3.2), layout="constrained", sharey=True, squeeze=False
    )
    for axis, (title, runs) in zip(axes[0], panels.items(), strict=True):
        for (name, history), style in zip(runs.items(), ("s-", "^--", "o:"), strict=True):
            draw_band(axis, history.numpy(), style, name)
        axis.set(xlabel="round", title=title, ylim=(0, 1.05))
    axes[0, 0].set_ylabel("probability of the good token")
    axes[0, 0].legend(loc="upper left")
    return figure


def plot_overlong(runs: dict[str, torch.Tensor]) -> Figure:
    """Draw the share of truncated responses at the end, a bar per shaping.

    Args:
        runs: What ``run_overlong`` returns, by shaping.
    """
    figure, axis = plt.subplots(figsize=(6, 2.8), layout="constrained")
    found = [estimate_mean(history[-1]) for history in runs.values()]
    bars = axis.barh(list(runs), [each.mean for each in found], color="lightgrey", edgecolor="k")
    axis.bar_label(bars, [f"{each.mean:.0%}" for each in found], padding=6)
    for place, each in enumerate(found):
        axis.hlines(place, each.low, each.high, color="black", linewidth=2)
    axis.invert_yaxis()  # the first on top
    axis.set(xlabel="share of truncated responses", xlim=(0, 1.1), ylabel="shaping")
    axis.set_xticks(np.linspace(0, 1, 6))
    return figure
