"""Which answers of the bank can a change have touched?

A TODO has changed where its answers or its cells are others than at the point where this branch
left the main one. Cells that all TODOs stand on, and the tools that grade, count for all of them.
Where git cannot tell, every answer is chosen.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from authoring.answer_bank import Answer, list_bank, read_source
from authoring.assignment import Assignment
from authoring.graded_cells import grade_info, todo_of

BASES = ("origin/main", "HEAD")  # of what this branch adds; what is not committed is added, too
TOOLS = (
    *("authoring/answer_bank.py", "authoring/graded_cells.py", "authoring/sync.py"),
    "authoring/assignment.py",
    "nexa_helpers/given/check_tools.py",
)


def git(root: Path, *arguments: str) -> str | None:
    """Ask git; None where it does not know."""
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def find_base(root: Path) -> str | None:
    """Find the commit that the work tree is held against; None outside of a checkout."""
    for name in BASES:
        if found := git(root, "merge-base", "HEAD", name):
            return found.strip()
    return None


def cells_by_todo(cells: list[Any]) -> dict[int, list[str]]:
    """Sort the texts of code cells by their TODO; 0 stands for what all of them need."""
    found: dict[int, list[str]] = {}
    for cell in cells:
        todo = todo_of(cell)
        if cell.cell_type == "code" and (todo or grade_info(cell).get("locked")):
            found.setdefault(todo, []).append(cell.source)
    return found


def changed_todos(assignment: Assignment) -> set[int] | None:
    """Name the TODOs that have changed; None where it may be all of them."""
    import nbformat

    root = assignment.root
    base = find_base(root)
    if base is None:
        return None
    notebook = assignment.shorten(assignment.source_notebook).as_posix()
    names = git(root, "diff", "--name-only", base)
    untracked = git(root, "ls-files", "--others", "--exclude-standard")
    before = git(root, "show", f"{base}:{notebook}")
    if names is None or untracked is None or before is None:
        return None
    files = [*names.splitlines(), *untracked.splitlines()]
    if any(name in TOOLS for name in files):
        return None
    try:
        old = cells_by_todo(nbformat.reads(before, as_version=4).cells)
    except (json.JSONDecodeError, nbformat.reader.NotJSONError):
        return None
    new = cells_by_todo(read_source(assignment).cells)
    todos = {todo for todo in old.keys() | new.keys() if old.get(todo) != new.get(todo)}
    if 0 in todos:
        return None
    changed = {root / name for name in files}
    return todos | {answer.todo for answer in list_bank(assignment) if answer.path in changed}


def choose_answers(assignment: Assignment, wanted: str = "changed") -> list[Answer]:
    """Choose answers of the bank.

    Args:
        assignment: Whose bank.
        wanted: ``"all"``, or ``"changed"``: those of changed TODOs, and of every other TODO the
            first right and the first wrong one.
    """
    answers = list_bank(assignment)
    todos = None if wanted == "all" else changed_todos(assignment)
    if todos is None:
        return answers
    samples: dict[tuple[int, bool], Answer] = {}
    for answer in answers:
        samples.setdefault((answer.todo, answer.is_right), answer)
    return [one for one in answers if one.todo in todos or one in samples.values()]
