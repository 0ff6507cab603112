"""Tools of the graded cells of the second assignment: comparisons that say where to look."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def as_numbers(value: Any) -> np.ndarray:
    """Turn a number, a list, an array or a tensor into an array of float64."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=float)


def expect_near(case: str, got: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Insist that numbers are near to those expected, and have their shape.

    Raises:
        AssertionError: They are not; the message tells the first place where.
    """
    try:
        mine = as_numbers(got)
    except (TypeError, ValueError):
        raise AssertionError(f"{case}: expected numbers, got {type(got).__name__}") from None
    right = as_numbers(expected)
    if mine.shape != right.shape:
        raise AssertionError(f"{case}: expected the shape {right.shape}, got {mine.shape}")
    is_wrong = ~(np.abs(mine - right) <= tolerance * np.maximum(1, np.abs(right)))
    if is_wrong.any():
        place = tuple(int(i) for i in np.argwhere(is_wrong)[0])
        where = f" at {list(place)}" if place else ""
        raise AssertionError(f"{case}: expected {right[place]:.6g}{where}, got {mine[place]:.6g}")


def expect_value_error(case: str, call: Callable[[], Any]) -> None:
    """Insist that a call raises a ``ValueError``.

    Raises:
        AssertionError: It returned, or raised something else.
    """
    try:
        result = call()
    except ValueError:
        return
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise AssertionError(f"{case}: expected a ValueError, got {said}") from error
    raise AssertionError(f"{case}: expected a ValueError, got the result {str(result)[:80]}")
