"""What kind of cell is this, in nbgrader's terms."""

from collections.abc import Callable

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution


def id_of(cell: NotebookNode) -> str:
    """Read the grade id of a cell, "" for none."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def is_test(cell: NotebookNode) -> bool:
    """Tell a cell whose errors decide about points."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def is_written_by_students(cell: NotebookNode) -> bool:
    """Tell a code cell whose text is the student's, not the release's."""
    return cell.cell_type == "code" and not is_locked(cell) and not is_test(cell)


def sources(nb: NotebookNode, wanted: Callable[[NotebookNode], bool]) -> list[str]:
    """Read the texts of some code cells."""
    return [cell.source for cell in nb.cells if cell.cell_type == "code" and wanted(cell)]
