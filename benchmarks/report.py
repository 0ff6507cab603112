"""Make docs/benchmarks.md from the result files."""

import json
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
ORDER = (
    "course",
    "profiles",
    "training_step",
    "microscopes",
    "notebook_seeds",
    "personalization",
    "ablation",
    "distillation",
    "real_text",
    "grading",
    "class_grading",
    "large_class",
    "gpu",
)
HEAD = """# Benchmarks

Made by `make benchmarks` from `benchmarks/results/`. Figures stand as they came out.
"Mean of N seeds [low, high]" gives the 95 % interval of the mean over seeds (Student's t); that of
a share is cut at 0 and 1.
"""
NO_GPU = """
## The solved notebook on a GPU

No run on a GPU has been recorded: there was no GPU to borrow. `.github/workflows/gpu.yml` runs
the same notebook, unchanged, on a GPU runner; `python -m benchmarks.gpu executed.ipynb` keeps
its figures.
"""


def section(result: dict[str, Any]) -> str:
    """Write one result as a table."""
    machine = result["machine"]
    lines = [
        f"\n## {result['title']}\n",
        f"{result['date']}, commit {result['commit']}. {machine['cores']} cores "
        f"({machine['processor']}), {machine['memory']}, GPU: {machine['gpu']}, "
        f"Python {machine['python']}, torch {machine['torch']}. {result['note']}\n",
        "| Figure | Value | Unit | Goal | |",
        "|---|---:|---|---|---|",
    ]
    for figure in result["figures"]:
        verdict = {True: "met", False: "**not met**", None: ""}[figure["met"]]
        digits = 3 if figure["unit"] == "share" else 2
        lines.append(
            f"| {figure['name']} | {figure['value']:,.{digits}f} | {figure['unit']} "
            f"| {figure['goal']} | {verdict} |"
        )
    return "\n".join(lines) + "\n"


def report(results: Path = RESULTS) -> str:
    """Write the whole page."""
    text = HEAD
    for name in ORDER:
        path = results / f"{name}.json"
        if path.exists():
            text += section(json.loads(path.read_text()))
        elif name == "gpu":
            text += NO_GPU
    return text


def main() -> None:
    """Write docs/benchmarks.md."""
    REPORT.write_text(report())
    print(f"-> {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
