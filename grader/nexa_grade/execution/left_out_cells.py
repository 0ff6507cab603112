"""Cells of the course that need not run while a submission is graded.

Many cells train, measure and plot so that a student sees something. No test reads what they leave
behind. In the source notebook they carry the tag `EXPERIMENT`. One is left out where its text is
still the release's, and no cell that a student wrote reads a name that it assigns.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from nexa_grade.cell_names import bound_names, needed_names
from nexa_grade.cells import is_written_by_students
from nexa_grade.repair.release import plain_text

EXPERIMENT = "experiment"  # the tag; only the release's tags count
NOTE = "Left out while grading: no check and no answer needs this cell.\n"


def read_experiments(release: Path) -> frozenset[str]:
    """Read the texts of the cells of a released notebook that are experiments.

    Args:
        release: The notebook; it may be missing.
    """
    return texts_where(release, lambda metadata: EXPERIMENT in metadata.get("tags", ()))


def read_texts(release: Path) -> frozenset[str]:
    """Read the texts of a released notebook's code cells that nbgrader does not watch.

    Args:
        release: The notebook; it may be missing.
    """
    return texts_where(release, lambda metadata: "nbgrader" not in metadata)


def texts_where(release: Path, wanted: Callable[[dict[str, Any]], object]) -> frozenset[str]:
    """Read the texts of the code cells whose metadata are wanted."""
    if not release.is_file():
        return frozenset()
    cells = json.loads(release.read_text(encoding="utf-8"))["cells"]
    return frozenset(
        plain_text("".join(cell["source"]))  # a list of lines, or one text
        for cell in cells
        if cell["cell_type"] == "code" and wanted(cell["metadata"])
    )


def left_out(nb: NotebookNode, experiments: frozenset[str]) -> set[int]:
    """Choose the cells that need not run.

    Args:
        nb: A submission.
        experiments: What `read_experiments` gave.

    Returns:
        Indices of cells; none where a student's cell cannot be read as Python.
    """
    written = {i: cell.source for i, cell in enumerate(nb.cells) if is_written_by_students(cell)}
    chosen = {i for i, text in written.items() if plain_text(text) in experiments}
    stored = {i: bound_names(written[i]) for i in chosen}
    todo = [i for i in written if i not in chosen]
    while todo:
        read = needed_names(written[todo.pop()])
        if read is None:
            return set()
        needed = {i for i in chosen if stored[i] & read}
        chosen -= needed
        todo += needed
    return chosen
