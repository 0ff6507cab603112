"""The released assignment, which every submission is held against.

The gradebook is the truth about the cells that nbgrader watches: text (hidden tests included),
type, points and flags. nbgrader grades by it. It knows no order, no cell ids and no other cells;
these come from the notebook in the release folder. Where that file is missing, the order is the
gradebook's, and cells are known by grade id and text alone.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.api import Gradebook, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import SCHEMA_VERSION

from nexa_grade.cell_names import names_in_broken_text

NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def plain_text(source: str) -> str:
    """Drop what editors change by themselves: ends of lines, blank lines around."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


@dataclass(frozen=True)
class ReleasedCell:
    """One cell of the assignment."""

    grade_id: str  # "" where nbgrader does not watch the cell
    cell_type: str
    source: str  # with hidden tests
    shown: str | None = None  # as students got it; None where the release folder lacks it
    cell_id: str = ""
    info: dict[str, Any] = field(default_factory=dict)  # nbgrader's metadata
    metadata: dict[str, Any] = field(default_factory=dict)  # all other metadata

    @property
    def is_solution(self) -> bool:
        """Tell a cell that students fill in."""
        return bool(self.info.get("solution"))

    @property
    def texts(self) -> frozenset[str]:
        """Give the texts that an untouched cell can have."""
        shown = self.source if self.shown is None else self.shown
        return frozenset({plain_text(self.source), plain_text(shown)})

    @property
    def names(self) -> frozenset[str]:
        """Name what a solution cell defines."""
        is_code = self.is_solution and self.cell_type == "code"
        return names_in_broken_text(self.source) if is_code else frozenset()

    def all_metadata(self) -> NotebookNode:
        """Build the cell's metadata as released."""
        return nbformat.from_dict({**self.metadata, "nbgrader": self.info})

    def to_node(self) -> NotebookNode:
        """Build the cell as it is put back: a test with hidden lines, a solution as its stub."""
        shown = self.shown if self.is_solution and self.shown is not None else self.source
        cell = NEW_CELL[self.cell_type](source=shown, metadata=self.all_metadata())
        if self.cell_id:
            cell.id = self.cell_id
        return cell


def release_path(configurable: Any, assignment: str, notebook: str) -> Path:
    """Name the file of a released notebook; it may be missing.

    Args:
        configurable: Part of a running nbgrader command, which knows the course directory; for
            another one, its configuration says where it is.
        assignment: The assignment's name.
        notebook: The notebook's name.
    """
    above, coursedir = configurable, None
    while above is not None and not isinstance(coursedir, CourseDirectory):
        above, coursedir = above.parent, getattr(above, "coursedir", None)
    if not isinstance(coursedir, CourseDirectory):
        coursedir = CourseDirectory(config=configurable.config)
    folder = coursedir.format_path(coursedir.release_directory, ".", assignment)
    return Path(folder, f"{notebook}.ipynb")


def watched_cells(notebook: Notebook) -> dict[str, ReleasedCell]:
    """Read the cells that nbgrader watches from the gradebook, by grade id."""
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    tasks = {cell.name for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    cells = {}
    for cell in notebook.source_cells:
        info = {
            "schema_version": SCHEMA_VERSION,
            "grade_id": cell.name,
            "grade": cell.name in points and cell.name not in tasks,
            "solution": cell.name in solutions,
            "locked": cell.locked,
            "task": cell.name in tasks,
            "cell_type": cell.cell_type,
        }
        if cell.name in points:
            info["points"] = points[cell.name]
        if cell.checksum:
            info["checksum"] = cell.checksum
        cells[cell.name] = ReleasedCell(cell.name, cell.cell_type, cell.source, info=info)
    return cells


def read_release(path: Path, db_url: str, assignment: str, notebook: str) -> list[ReleasedCell]:
    """Read a released notebook.

    Args:
        path: The notebook in the release folder; it may be missing.
        db_url: The gradebook.
        assignment: The assignment's name.
        notebook: The notebook's name.

    Returns:
        All its cells in order; cells that only the gradebook has stand last.

    Raises:
        nbgrader.api.MissingEntry: The gradebook does not have the notebook.
    """
    with Gradebook(db_url) as gradebook:
        watched = watched_cells(gradebook.find_notebook(notebook, assignment))
    cells = []
    for node in nbformat.read(path, as_version=4).cells if path.is_file() else []:
        metadata = dict(node.metadata)
        known = watched.pop(metadata.get("nbgrader", {}).get("grade_id", ""), None)
        if known:
            del metadata["nbgrader"]
        else:
            known = ReleasedCell("", node.cell_type, node.source)
        cells.append(
            replace(known, shown=node.source, cell_id=node.get("id", ""), metadata=metadata)
        )
    return cells + list(watched.values())
