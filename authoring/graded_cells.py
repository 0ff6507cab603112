"""What nbgrader's metadata say of a cell: its TODO, what it asks for, its points, who grades it.

A grade id is ``todo<k>-<name>`` for an answer and ``todo<k>-test-<behavior>`` for a check. All that
the other tools know of TODOs is derived from these.
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

TODO = re.compile(r"todo(\d+)-")


def grade_info(cell: NotebookNode) -> dict[str, Any]:
    """Read nbgrader's metadata of a cell; ``{}`` where it has none."""
    return cell.metadata.get("nbgrader", {})


def todo_number(grade_id: str) -> int:
    """Tell the TODO of a grade id, 0 for none."""
    match = TODO.match(grade_id)
    return int(match[1]) if match else 0


def todo_of(cell: NotebookNode) -> int:
    """Tell the TODO that a cell belongs to, 0 for none."""
    return todo_number(grade_info(cell).get("grade_id", ""))


def is_graded_by_machine(cell: NotebookNode) -> bool:
    """Tell graded tests from cells that a person grades."""
    info = grade_info(cell)
    return bool(info.get("grade")) and not info.get("solution")


def is_function_cell(cell: NotebookNode) -> bool:
    """Tell a cell that asks for a function, which checks of other cells grade."""
    info = grade_info(cell)
    return cell.cell_type == "code" and bool(info.get("solution")) and not info.get("grade")


def asked_name(cell: NotebookNode) -> str:
    """Name what a solution cell asks for: ``todo3-majority_vote`` asks for ``majority_vote``."""
    return str(grade_info(cell)["grade_id"].split("-", 1)[1])


def qualified_name(cell: NotebookNode) -> str:
    """Name what a solution cell asks for, a method with its class: ``Model.majority_vote``."""
    name = asked_name(cell)
    for node in ast.parse(cell.source).body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(part, ast.FunctionDef) and part.name == name for part in node.body
        ):
            return f"{node.name}.{name}"
    return name


def solution_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """List the code cells that a student fills in."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and grade_info(cell).get("solution")
    ]


def asked_functions(notebook: NotebookNode) -> dict[str, int]:
    """List the functions that a notebook asks for, methods with their class; give their TODO."""
    return {
        qualified_name(cell): todo_of(cell) for cell in notebook.cells if is_function_cell(cell)
    }


def function_todos(notebook: NotebookNode) -> list[int]:
    """List the TODOs that ask for a function."""
    return sorted(set(asked_functions(notebook).values()))


@dataclass(frozen=True)
class TodoPoints:
    """The points of one TODO, and what it asks for."""

    by_machine: float
    by_hand: dict[str, float]  # by the name of the answer
    functions: tuple[str, ...]

    @property
    def total(self) -> float:
        """All points of the TODO."""
        return self.by_machine + sum(self.by_hand.values())


def points_by_todo(notebook: NotebookNode) -> dict[int, TodoPoints]:
    """Add up the points of a notebook's cells by TODO, in order."""
    found = {}
    todos = {todo_of(cell) for cell in notebook.cells if grade_info(cell).get("grade")}
    for todo in sorted(todos):
        cells = [cell for cell in notebook.cells if todo_of(cell) == todo]
        graded = [cell for cell in cells if grade_info(cell).get("grade")]
        found[todo] = TodoPoints(
            sum(grade_info(cell)["points"] for cell in graded if is_graded_by_machine(cell)),
            {
                asked_name(cell): grade_info(cell)["points"]
                for cell in graded
                if not is_graded_by_machine(cell)
            },
            tuple(asked_name(cell) for cell in cells if is_function_cell(cell)),
        )
    return found
