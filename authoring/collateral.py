"""Measures what a switch that an answer leaves on costs in the rest of the notebook.

An answer named ``leaves_...`` turns something off for the whole interpreter: gradients, the default
dtype, warnings. ``python -m authoring.collateral`` puts each into the whole solved notebook, cells
that are given or not graded included, as a student hands it in; ``nbgrader autograde`` grades it.
What is lost outside of the answer's own TODO goes to ``collateral.json`` in the bank, which the
grader report shows. The reference is graded beside them: what it loses is no collateral.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from authoring.answer_bank import Answer, list_bank
from authoring.assignment import Assignment, add_option
from authoring.grader_report import (
    COLLATERAL,
    Graded,
    collateral_table,
    grade_students,
    solved_notebook,
)

LEAVES = "leaves_"
Rows = list[dict[str, Any]]


def leaky_answers(assignment: Assignment, todos: Iterable[int] = ()) -> list[Answer]:
    """List the answers that leave a switch on, of all TODOs or of some."""
    wanted = set(todos)
    return [
        answer
        for answer in list_bank(assignment)
        if answer.path.stem.startswith(LEAVES) and (not wanted or answer.todo in wanted)
    ]


def lost_elsewhere(graded: Graded, reference: Graded, todo: int) -> dict[str, float]:
    """Name the cells of other TODOs that lost points which the reference has."""
    return {
        name: reference.cells[name][0] - graded.cells.get(name, (0.0, 0.0, ""))[0]
        for name in reference.cells
        if not name.startswith(f"todo{todo}-")
        and graded.cells.get(name, (0.0, 0.0, ""))[0] < reference.cells[name][0]
    }


def failed_ungraded(folder: Path, student: str) -> set[str]:
    """Name the cells without points that raised an error in an autograded notebook."""
    (path,) = folder.glob(f"*/autograded/{student}/*/*.ipynb")
    return {
        cell.id
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade")
        if any(output.output_type == "error" for output in cell.outputs)
    }


def measure(assignment: Assignment, answers: list[Answer], workers: int) -> Rows:
    """Grade each answer in the whole notebook, and the reference.

    Returns:
        One row per answer: its name, the points lost elsewhere by cell, and how many cells without
        points failed that do not fail for the reference.
    """
    students = {f"student-{i:02}": answer for i, answer in enumerate(answers)}
    notebooks = {name: solved_notebook(assignment, [one]) for name, one in students.items()}
    notebooks["reference"] = solved_notebook(assignment)
    with tempfile.TemporaryDirectory(prefix=f"{assignment.name}-") as name:
        folder = Path(name, "courses")
        graded = grade_students(assignment, folder, None, notebooks, workers)
        failed = {student: failed_ungraded(folder, student) for student in notebooks}
    return [
        {
            "answer": answer.name,
            "lost": lost_elsewhere(graded[student], graded["reference"], answer.todo),
            "ungraded": len(failed[student] - failed["reference"]),
        }
        for student, answer in students.items()
    ]


def main() -> int:
    """Measure, write the file, and tell by the exit status whether nothing was lost elsewhere."""
    parser = argparse.ArgumentParser(description="Measure what switches that are left on cost.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--todo", type=int, action="append", help="only these TODOs")
    add_option(parser)
    options = parser.parse_args()
    is_clean = True
    for assignment in options.assignments:
        path = assignment.answers / COLLATERAL
        rows = measure(assignment, leaky_answers(assignment, options.todo or ()), options.workers)
        new = {row["answer"] for row in rows}
        known = json.loads(path.read_text()) if path.exists() else []
        kept = [row for row in known if row["answer"] not in new]
        rows = sorted([*kept, *rows], key=lambda row: str(row["answer"]))
        path.write_text(json.dumps(rows, indent=1) + "\n")
        print("\n".join(collateral_table(assignment)))
        is_clean = is_clean and not any(row["lost"] or row["ungraded"] for row in rows)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
