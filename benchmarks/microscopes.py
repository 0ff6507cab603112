"""T, C and R in the small worlds that are made for them: what each does, with intervals.

32 seeds (clipping: 64) side by side. An effect is a difference of two variants, seed by seed.
"""

import time

import torch

from benchmarks.common import Figure, save
from nexa_helpers.microscopes import (
    CLIP_CASES,
    CLIP_RANGES,
    NORMALIZERS,
    SHAPINGS,
    estimate_mean,
    run_clipping,
    run_overlong,
    run_token_level,
)

NUM_SEEDS = 32


def mean_of(name: str, values: torch.Tensor, unit: str, is_effect: bool = False) -> Figure:
    """Report a mean over seeds with its interval; that of an effect has to exclude 0."""
    mean, low, high = estimate_mean(values)
    label = f"{name}: mean of {len(values)} seeds [{low:.3f}, {high:.3f}]"
    if not is_effect:
        return Figure(label, mean, unit)
    return Figure(label, mean, unit, "interval without 0", low > 0 or high < 0)


def token_level_figures() -> list[Figure]:
    """T: lengths of right and wrong responses, and how far apart they end."""
    runs = {name: run_token_level(name, NUM_SEEDS)[-1] for name in NORMALIZERS}
    figures = [
        mean_of(f"T, {name}: {kind} responses", run[:, i], "tokens")
        for name, run in runs.items()
        for i, kind in enumerate(("right", "wrong"))
    ]
    gaps = {name: run[:, 1] - run[:, 0] for name, run in runs.items()}
    first, token, _ = gaps.values()
    return [
        *figures,
        mean_of("T, effect: gap without T minus with T", first - token, "tokens", True),
    ]


def clipping_figures() -> list[Figure]:
    """C: clip-higher against the symmetric range, and no clipping against clip-higher."""
    figures = []
    for case, options in CLIP_CASES.items():
        runs = {
            name: run_clipping(name, num_seeds=2 * NUM_SEEDS, **options)[-1] for name in CLIP_RANGES
        }
        figures += [mean_of(f"C, {case}, {name}", run, "share") for name, run in runs.items()]
        low, high, none = runs.values()
        if options["num_updates"] == 1:
            same = bool(torch.equal(low, high) and torch.equal(low, none))
            figures.append(Figure(f"C, {case}: all equal", float(same), "1 = yes", "1", same))
            continue
        is_goal = "noise" not in options
        figures += [
            mean_of(f"C, {case}, effect: .28 minus .2", high - low, "share", is_goal),
            mean_of(f"C, {case}, effect: no clipping minus .28", none - high, "share", True),
        ]
    return figures


def overlong_figures() -> list[Figure]:
    """R: the share of truncated responses, and what shaping saves."""
    runs = {name: run_overlong(name, NUM_SEEDS)[-1] for name in SHAPINGS}
    figures = [mean_of(f"R, {name}: truncated", run, "share") for name, run in runs.items()]
    nothing, masked, hard, soft, _ = runs.values()
    return [
        *figures,
        mean_of("R, effect: nothing minus soft, last 8", nothing - soft, "share", True),
        mean_of("R, effect: hard minus soft, last 8", hard - soft, "share", True),
        mean_of("R, effect: masked minus nothing", masked - nothing, "share", True),
    ]


def main() -> None:
    """Measure all three."""
    torch.set_num_threads(1)
    figures = []
    for measure in (token_level_figures, clipping_figures, overlong_figures):
        started = time.process_time()
        figures += measure()
        letter, seconds = figures[-1].name[0], time.process_time() - started
        figures.append(Figure(f"{letter}: processor time", seconds, "s", "<= 10", seconds <= 10))
    note = "One thread. Intervals: Student's t over seeds; effects: differences seed by seed."
    save("microscopes", "T, C and R under the microscope", figures, note)


if __name__ == "__main__":
    main()
