"""Distillation, sections 1 and 8: how much can be learned from few answers of a developer?

What a group of rewards can say at all, and the session from which no correction is needed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def informative_share(success_rate: Any, group_size: Any) -> Any:
    """Compute the probability that a group has both outcomes: 1 - p^G - (1 - p)^G.

    A group-relative advantage is 0 where all responses of the group fail, or all
    succeed. Only a group with both outcomes teaches anything.

    Args:
        success_rate: The probability p that one response succeeds: a number, or an
            array.
        group_size: Responses per group (G), at least 1: a number, or an array.

    Returns:
        A number for numbers; else an array, with NumPy's rules for two shapes.

    Raises:
        ValueError: A rate is not in [0, 1], or a group size is less than 1.
    """
    p, size = np.asarray(success_rate, dtype=float), np.asarray(group_size)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"success_rate: expected numbers from 0 to 1, got {success_rate}")
    if not np.all(size >= 1):
        raise ValueError(f"group_size: expected 1 or more, got {group_size}")
    return 1 - p**size - (1 - p) ** size


def sessions_until_stable(corrected: Sequence[bool], window: int = 3) -> int | None:
    """Find the session from which a developer had nothing to correct for a while.

    Args:
        corrected: For each session in order, whether it needed a correction.
        window: Sessions in a row without one that count as stable, at least 1.

    Returns:
        The number, from 1, of the first of ``window`` sessions in a row without a
        correction; None where there are none.

    Raises:
        ValueError: ``window`` is less than 1.
    """
    if window < 1:
        raise ValueError(f"window: expected 1 or more, got {window}")
    quiet = 0
    for number, needed in enumerate(corrected, start=1):
        quiet = 0 if needed else quiet + 1
        if quiet == window:
            return number - window + 1
    return None
