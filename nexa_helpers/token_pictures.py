"""Distillation, sections 4 and 8, given: which tokens does a hint change, and who learns faster?"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nexa_helpers.evaluation import share_of


def plot_token_advantages(
    tokens: Sequence[str], advantages: Sequence[float], title: str = "", width: int = 78
) -> Figure:
    """Write a response token by token, each on its shade, with its advantage as a number below.

    Args:
        tokens: The text of each token; a line break ends a line of the picture, too.
        advantages: One number per token, in nats.
        title: Above the picture.
        width: Most characters per line.

    Returns:
        A figure with one axis and a color bar. Numbers from 0.05 on are printed, so that it can
        be read without color.
    """
    places, row, column = [], 0, 0
    for token in tokens:
        shown = token.replace("\n", "↵").replace(" ", "·")
        size = max(len(shown), 4) + 1
        if column + size > width:
            row, column = row + 1, 0
        places.append((shown, row, column, size))
        column += size
        if "\n" in token:
            row, column = row + 1, 0
    figure, axis = plt.subplots(figsize=(10, 0.8 + 0.62 * (row + 1)), layout="constrained")
    largest = max([0.1, *map(abs, advantages)])
    norm, colors = TwoSlopeNorm(0, -largest, largest), plt.get_cmap("PuOr")
    for (shown, line, left, size), advantage in zip(places, advantages, strict=True):
        color = colors(norm(advantage))
        box = Rectangle((left, -line - 0.42), size - 0.15, 0.84, color=color, zorder=1)
        axis.add_patch(box)
        ink = "white" if sum(color[:3]) < 1.4 else "black"
        style: dict[str, Any] = {"ha": "center", "family": "monospace", "color": ink}
        axis.text(left + size / 2, -line + 0.14, shown, va="center", fontsize=8, **style)
        number = f"{advantage:+.1f}" if abs(advantage) >= 0.05 else ""
        axis.text(left + size / 2, -line - 0.24, number, va="center", fontsize=7, **style)
    axis.set(xlim=(0, width), ylim=(-row - 0.6, 0.6), title=title, xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)
    bar = plt.cm.ScalarMappable(norm, colors)
    figure.colorbar(bar, ax=axis, label="advantage (nats)", fraction=0.03)
    return figure


def plot_learning_curves(
    curves: dict[str, tuple[Sequence[float], Sequence[float]]],
    num_requests: int,
    levels: dict[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw satisfied first responses against the developer's answers consumed, 95 % intervals.

    Args:
        curves: For each contestant the answers consumed and the shares measured there.
        num_requests: Requests behind each share.
        levels: Shares that do not depend on answers, drawn as dashed lines.
        title: Of the axis.

    Returns:
        A figure with one axis.
    """
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for (name, (answers, shares)), marker in zip(curves.items(), "os^Dv", strict=False):
        found = [share_of(round(share * num_requests), num_requests) for share in shares]
        low = [max(0.0, one.value - one.low) for one in found]
        high = [max(0.0, one.high - one.value) for one in found]
        axis.errorbar(answers, shares, [low, high], marker=marker, capsize=3, label=name)
    for (name, level), style in zip((levels or {}).items(), ("--", ":"), strict=False):
        axis.axhline(level, color="black", linestyle=style, label=name)
    axis.set(xlabel="developer answers consumed", ylabel="satisfied first responses (share)")
    axis.set(ylim=(-0.02, 1.04), title=title)
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
