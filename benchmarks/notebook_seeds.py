"""The notebook itself, seed by seed: the ranges that its prose speaks in.

Each run executes the whole source notebook, full profile, with another seed, and keeps the numbers
that the notebook compares with a range. Each seed's part stays in build/benchmarks/, so that a long
run can be cut and goes on where it was.
"""

import argparse
from functools import partial

from authoring.assignment import NEXACODE
from authoring.cited_figures import range_of, read_compared
from authoring.execute import execute
from authoring.make_course import lend_ready_made
from benchmarks.common import ROOT, Figure, commit, keep_part, save

SEEDS = (NEXACODE.seed, *range(8))  # the solved notebook's own, and eight others


def run(seed: int, profile: str) -> dict[str, float]:
    """Execute the notebook with one seed and read what it compared."""
    output = ROOT / "build" / "benchmarks" / f"{profile}-{seed}.ipynb"
    parameters = {"PROFILE": profile, "DATA_SOURCE": "embedded", "SEED": seed}
    lend_ready_made(NEXACODE, output.parent)
    values = read_compared(execute(NEXACODE.source_notebook, output, parameters))
    if not values:
        raise SystemExit(f"seed {seed}: expected numbers compared with a range, found none")
    return values


def figures_of(ranges: dict[str, list[float]]) -> list[Figure]:
    """Write both ends of each range, and how many runs they come from."""
    fewest = min(map(len, ranges.values()))
    figures = [Figure("runs behind each range", fewest, "runs", ">= 8", fewest >= 8)]
    for name, values in ranges.items():
        unit = "count" if all(isinstance(value, int) for value in values) else "share"
        low, high = range_of(values)
        span = f"[{low}, {high}]"
        figures.append(Figure(f"{name}: expected in {span}, mean", sum(values) / len(values), unit))
    return figures


def main() -> None:
    """Run the seeds that are missing in build/benchmarks/, then write the ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--profile", default="full", help="fast: only to try this program")
    options = parser.parse_args()
    runs = []
    for seed in options.seeds:
        print(f"seed {seed}, commit {commit()}", flush=True)
        name = f"notebook-{options.profile}-{seed}"
        runs.append(keep_part(name, partial(run, seed, options.profile)))
    ranges = {name: [values[name] for values in runs if name in values] for name in runs[0]}
    note = (
        f"Whole runs of the notebook, {options.profile} profile, embedded conversations, seeds "
        f"{', '.join(map(str, options.seeds))}. The range to expect is a 95 % prediction interval "
        "(Student's t) that holds every run, rounded outwards."
    )
    save("notebook_seeds", "The notebook, seed by seed", figures_of(ranges), note, ranges=ranges)


if __name__ == "__main__":
    main()
