"""Figures that travel: from the result files into the prose of a notebook, and into its table.

A benchmark keeps ``ranges`` (the values of each run, by name) and ``means`` (value, low, high) in
its result file. Prose cites them between marks, which no viewer shows:

    <!-- range: Ada, reference -->.06 to .14<!-- end -->
    <!-- mean: Ada, personal minus injection -->.31 [.22, .40]<!-- end -->
    <!-- runs: Ada, reference -->9<!-- end -->

``authoring.sync`` writes what stands between them. So no figure is copied by hand, and a new run
of a benchmark changes every sentence that cites it.
"""

import json
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from scipy import stats

MARK = re.compile(r"<!-- (range|mean|runs): ([^>]+?) -->(.*?)<!-- end -->", re.S)
COMPARED = re.compile(
    r"^(.+?): (-?[\d.]+)(?:, (?:inside|outside) | \(the range |, no range was measured)", re.M
)


@dataclass(frozen=True)
class Cited:
    """What prose may cite, by name: the values of each run, and means with their intervals."""

    runs: dict[str, list[float]] = field(default_factory=dict)
    means: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def read_cited(results: Path) -> Cited:
    """Collect the cited figures of all result files.

    Raises:
        ValueError: Two files give the same name.
    """
    cited = Cited()
    for path in sorted(results.glob("*.json")):
        found = json.loads(path.read_text())
        for kind, known in (("ranges", cited.runs), ("means", cited.means)):
            twice = known.keys() & found.get(kind, {}).keys()
            if twice:
                raise ValueError(f"{path.name}: expected new names in {kind}, got {sorted(twice)}")
            known.update(found.get(kind, {}))
    return cited


def range_of(values: Sequence[float]) -> tuple[float, float]:
    """Say where the next run is expected: a 95 % prediction interval that holds all runs, too.

    The lowest and the highest of n runs alone would miss 2 in n + 1 of the next ones. From three
    runs on the interval is Student's t; values in [0, 1] keep to it. It is rounded outwards, to
    two places or to whole numbers, and it is never narrower than two of these steps.

    Args:
        values: The value of each run; counts are integers.

    Returns:
        The lowest and the highest, integers where all values are.
    """
    low, high = min(values), max(values)
    if len(values) >= 3:
        spread = statistics.stdev(values) * math.sqrt(1 + 1 / len(values))
        reach = float(stats.t.ppf(0.975, len(values) - 1)) * spread
        middle = statistics.mean(values)
        low, high = min(low, middle - reach), max(high, middle + reach)
    step = 1 if all(isinstance(value, int) for value in values) else 100
    first, last = math.floor(low * step + 1e-9), math.ceil(high * step - 1e-9)
    if last - first < 2:
        first, last = first - 1, last + 1
    if step == 1:
        return max(first, 0), last
    if min(values) >= 0 and max(values) <= 1:
        first, last = max(first, 0), min(last, step)
    return first / step, last / step


def short(number: float) -> str:
    """Write a number as the prose does: .07, 1.00, -.12, from ten on without a fraction."""
    if isinstance(number, int) or abs(number) >= 10:
        return f"{number:.0f}"
    text = f"{number:.2f}".replace("-0.00", "0.00")
    return re.sub(r"^(-?)0\.", r"\1.", text)


def cite(kind: str, name: str, cited: Cited) -> str:
    """Write the figure that one mark asks for.

    Raises:
        KeyError: No result file has it.
    """
    known = cited.means if kind == "mean" else cited.runs
    if name not in known:
        raise KeyError(f"{kind} {name!r}: expected it in a result file, there is none")
    if kind == "runs":
        return str(len(cited.runs[name]))
    if kind == "mean":
        value, low, high = cited.means[name]
        return f"{short(value)} [{short(low)}, {short(high)}]"
    return " to ".join(map(short, range_of(cited.runs[name])))


def write_marks(text: str, cited: Cited) -> str:
    """Put the figures of today between the marks of a text."""
    return MARK.sub(
        lambda mark: f"<!-- {mark[1]}: {mark[2]} -->{cite(mark[1], mark[2], cited)}<!-- end -->",
        text,
    )


def without_marks(text: str) -> str:
    """Drop the marks and what stands between them: what is left was written by hand."""
    return MARK.sub("", text)


def refresh_marks(notebook: NotebookNode, cited: Cited) -> int:
    """Write the figures into the markdown cells of a notebook; return how many cells changed."""
    changed = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and MARK.search(cell.source):
            text = write_marks(cell.source, cited)
            changed += text != cell.source
            cell.source = text
    return changed


def expected_table(cited: Cited) -> str:
    """Write the table of expected ranges as code."""
    rows = [f'    "{name}": {range_of(values)},\n' for name, values in cited.runs.items()]
    table = f"{{\n{''.join(rows)}}}" if rows else "{}"
    return f"EXPECTED: dict[str, tuple[float, float]] = {table}"


def read_compared(notebook: NotebookNode) -> dict[str, float]:
    """Read from an executed notebook which numbers it compared with a range, by name."""
    values: dict[str, float] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for name, value in COMPARED.findall(output.get("text", "")):
                values[name] = float(value) if "." in value else int(value)
    return values
