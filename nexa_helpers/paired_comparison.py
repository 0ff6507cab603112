"""Assignment real_model, section 7: the same requests before and after, compared in pairs."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def paired_comparison(
    before: Sequence[bool],
    after: Sequence[bool],
) -> dict[str, float]:
    """Compare two models on the same requests, request by request.

    Only requests that changed tell the models apart: ``gained`` (wish met after alone)
    and ``lost`` (before alone). The interval is Agresti and Min's (2005): Wald's, with
    half a request added to each of the four cells, so that it is never of zero width.

    Args:
        before: Whether the wish was met, for each request.
        after: The same requests, in the same order.

    Returns:
        ``difference`` (share after minus share before), ``low`` and ``high`` (95 %,
        within -1 and 1), ``p_value`` (exact two-sided McNemar test; 1.0 where nothing
        changed), ``gained`` and ``lost`` (counts).

    Raises:
        ValueError: The lengths differ, or there is no request.
    """
    if len(before) != len(after) or not len(before):
        raise ValueError(f"expected as many after as before, got {len(before)} and {len(after)}")
    first, second = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    count = len(first)
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    changed = gained + lost
    p_value = float(stats.binomtest(gained, changed, 0.5).pvalue) if changed else 1.0
    total, difference = count + 2, (gained - lost) / (count + 2)
    spread = np.sqrt((changed + 1) / total - difference**2)
    margin = stats.norm.ppf(0.975) * spread / np.sqrt(total)
    return {
        "difference": (gained - lost) / count,
        "low": max(-1.0, float(difference - margin)),
        "high": min(1.0, float(difference + margin)),
        "p_value": p_value,
        "gained": gained,
        "lost": lost,
    }
