"""Adapters of a real model: what ``make adapters`` has measured, as figures that prose cites.

    python -m benchmarks.adapters                writes benchmarks/results/adapters.json

Nothing is trained or answered here: ``authoring.adapters`` does both, and leaves the outcomes in
``ready_made/results.json``.
"""

import json
from typing import Any

import numpy as np

from authoring.assignment import REAL_MODEL
from benchmarks.common import Figure, save


def figures_of(results: dict[str, Any]) -> tuple[list[Figure], dict[str, Any]]:
    """Turn results into the table, and into what prose cites."""
    figures, means = [], {}
    for name, columns in results["paired"].items():
        for column, found in columns.items():
            means[f"adapters: {name}, {column}"] = found["difference"], found["low"], found["high"]
            interval = f"[{found['low']:+.3f}, {found['high']:+.3f}], p = {found['p_value']:.4f}"
            is_goal = column != "function" and ("ready-made" in name or "live" in name)
            goal, met = ("low > 0", found["low"] > 0) if is_goal else ("", None)
            label = f"{name}, {column}: difference {interval}"
            figures.append(Figure(label, found["difference"], "share", goal, met))
    for name, lost in results["forgotten"].items():
        margin = 1.96 * float(np.std(lost, ddof=1)) / len(lost) ** 0.5
        label = f"{name}: lost on plain requests, ± {margin:.3f}"
        figures.append(Figure(label, float(np.mean(lost)), "nats per token"))
    for name, curve in results["curves"].items():
        seconds = float(np.median([row["seconds"] for row in curve]))
        figures.append(Figure(f"{name}: seconds per update, as it was trained", seconds, "s"))
    return figures, means


def main() -> None:
    """Write the figures of the ready-made results."""
    results = json.loads((REAL_MODEL.ready_made / "results.json").read_text())
    figures, means = figures_of(results)
    note = f"{results['settings']}; {results['versions']}; source: {results['source']}"
    title = "Adapters of a real model, against their base, in pairs"
    save("adapters", title, figures, note, means=means)


if __name__ == "__main__":
    main()
