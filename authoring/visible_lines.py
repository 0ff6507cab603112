"""What a reader of a released notebook sees, in lines, while its folded cells are folded.

A code cell is folded where its metadata say ``jupyter.source_hidden``; it then counts one line,
its title. Blank lines count. Not covered: outputs, and viewers that do not fold (GitHub, nbviewer).

From the shell, ``python -m authoring.visible_lines release/nexacode/nexacode.ipynb`` prints a
table.
"""

import argparse
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

KINDS = ("prose", "given code", "graded cells", "cells to run", "stubs")
PROSE, GIVEN, GRADED, TO_RUN, STUB = KINDS


def kind_of(cell: NotebookNode) -> str:
    """Tell which of ``KINDS`` a cell is.

    A stub is nbgrader's solution cell (prose included), a graded cell its test, given code locked.
    """
    nbgrader = cell.metadata.get("nbgrader", {})
    if nbgrader.get("solution"):
        return STUB
    if nbgrader.get("grade"):
        return GRADED
    if cell.cell_type != "code":
        return PROSE
    return GIVEN if nbgrader.get("locked") else TO_RUN


def is_folded(cell: NotebookNode) -> bool:
    """Tell whether the notebook opens with the source of this code cell hidden."""
    return cell.cell_type == "code" and bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def count_visible_lines(cell: NotebookNode) -> int:
    """Count the lines of a cell that a reader sees: its source's, or one where it is folded."""
    return 1 if is_folded(cell) else len(cell.source.split("\n"))


def count_by_kind(notebook: NotebookNode) -> Counter[str]:
    """Count the visible lines of a notebook by kind (see ``KINDS``)."""
    counts: Counter[str] = Counter()
    for cell in notebook.cells:
        counts[kind_of(cell)] += count_visible_lines(cell)
    return counts


def lines_before_first_stub(notebook: NotebookNode) -> Counter[str]:
    """Count, by kind, the visible lines above the first stub.

    Without a stub, all lines of the notebook count.
    """
    counts: Counter[str] = Counter()
    for cell in notebook.cells:
        if kind_of(cell) == STUB:
            break
        counts[kind_of(cell)] += count_visible_lines(cell)
    return counts


def format_table(notebook: NotebookNode) -> str:
    """Write both counts as a table: a row per kind, and the total."""
    total, before = count_by_kind(notebook), lines_before_first_stub(notebook)
    rows = [(kind, total[kind], before[kind]) for kind in KINDS]
    rows.append(("total", total.total(), before.total()))
    head = f"{'visible lines':<14} {'all':>6} {'before the first stub':>22}"
    lines = [f"{kind:<14} {count:>6,} {above:>22,}" for kind, count, above in rows]
    return "\n".join([head, *lines])


def main() -> None:
    """Print the table of each notebook that is named."""
    parser = argparse.ArgumentParser(description="Count the lines that a reader sees.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    for path in parser.parse_args().notebooks:
        print(path)
        print(format_table(nbformat.read(path, as_version=4)))


if __name__ == "__main__":
    main()
