"""The points of a submission, by one rule: the report and the files for Canvas and Moodle use it.

What waits for a person counts in no final total, but a rubric worth no points may wait for ever. A
grade that nbgrader never saved has neither score, and waits for a person, too: nbgrader's own
export counts it as 0. No total is below 0, however late a submission is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbgrader.api import Gradebook, Notebook
from sqlalchemy import select

from nexa_grade.gradebook_scores import is_graded_by_machine
from nexa_grade.results.questions import Key
from nexa_grade.run.private_gradebook import TABLES, rows_of


@dataclass(frozen=True)
class Cell:
    """A graded cell of the assignment."""

    name: str
    question: str
    points: float
    is_machine_graded: bool


@dataclass(frozen=True)
class Mark:
    """What one student has in one cell."""

    auto: float | None
    manual: float | None
    extra: float
    needs_a_person: bool

    @property
    def score(self) -> float:
        """Give the points that count, as nbgrader counts them."""
        score = self.auto if self.manual is None else self.manual
        return 0.0 if score is None else score + self.extra

    def waits_in(self, cell: Cell) -> bool:
        """Tell whether points of a cell wait for a person."""
        return self.needs_a_person and cell.points > 0


@dataclass
class Entry:
    """What the gradebook has of one submission."""

    marks: dict[Key, Mark] = field(default_factory=dict)
    penalty: float = 0.0


@dataclass(frozen=True)
class Points:
    """The points of one submission: by who gave them, in all, and by question."""

    machine: float
    by_hand: float  # for cells that a person grades, and changes to the machine's points
    total: float  # final where nothing waits
    waits: bool  # for a person
    penalty: float = 0.0  # 0 or less: the total is the sum of all scores and this
    by_question: dict[str, float | None] = field(default_factory=dict)  # None where one waits

    @classmethod
    def of(cls, entry: Entry, cells: Mapping[Key, Cell]) -> "Points":
        """Add up a submission; what it has in cells that are not released counts nothing."""
        marks = [(cells[key], mark) for key, mark in entry.marks.items() if key in cells]
        machine = math.fsum(mark.auto or 0.0 for cell, mark in marks if cell.is_machine_graded)
        score = math.fsum(mark.score for _, mark in marks)
        total = max(0.0, score - entry.penalty)
        by_question: dict[str, float | None] = {cell.question: 0.0 for cell in cells.values()}
        for cell, mark in marks:
            sum_so_far = by_question[cell.question]
            if mark.waits_in(cell):
                by_question[cell.question] = None
            elif sum_so_far is not None and not mark.needs_a_person:
                by_question[cell.question] = sum_so_far + mark.score
        waits = any(mark.waits_in(cell) for cell, mark in marks)
        return cls(machine, score - machine, total, waits, total - score, by_question)


def graded_cells(notebook: Notebook, questions: Mapping[Key, str]) -> dict[Key, Cell]:
    """List what brings points in a notebook, in the order of the questions."""
    cells = {}
    for cell in [*notebook.grade_cells, *notebook.task_cells]:
        key = notebook.name, cell.name
        points, is_machine_graded = cell.max_score or 0.0, is_graded_by_machine(cell)
        cells[key] = Cell(cell.name, questions[key], points, is_machine_graded)
    return {key: cells[key] for key in questions if key in cells}


def read_entries(gradebook: Gradebook, assignment: str) -> dict[str, Entry]:
    """Read all submissions, by student: nbgrader's own objects take a query for each cell."""
    submitted, submitted_notebook = TABLES["submitted_assignment"], TABLES["submitted_notebook"]
    notebook, cell, mark = TABLES["notebook"], TABLES["base_cell"], TABLES["grade"]
    named = (
        select(submitted.c.student_id, submitted_notebook.c.late_submission_penalty)
        .join(TABLES["assignment"], TABLES["assignment"].c.id == submitted.c.assignment_id)
        .join(submitted_notebook, submitted_notebook.c.assignment_id == submitted.c.id)
        .where(TABLES["assignment"].c.name == assignment)
    )
    marks = (
        named.with_only_columns(
            submitted.c.student_id,
            notebook.c.name.label("notebook"),
            cell.c.name.label("cell"),
            mark.c.auto_score,
            mark.c.manual_score,
            mark.c.extra_credit,
            mark.c.needs_manual_grade,
        )
        .join(notebook, notebook.c.id == submitted_notebook.c.notebook_id)
        .join(mark, mark.c.notebook_id == submitted_notebook.c.id)
        .join(cell, cell.c.id == mark.c.cell_id)
    )
    entries: dict[str, Entry] = {}
    with gradebook.engine.connect() as connection:
        for row in rows_of(connection, named):
            entry = entries.setdefault(row["student_id"], Entry())
            entry.penalty += row["late_submission_penalty"] or 0.0
        for row in rows_of(connection, marks):
            entries[row["student_id"]].marks[row["notebook"], row["cell"]] = Mark(
                row["auto_score"],
                row["manual_score"],
                row["extra_credit"] or 0.0,
                row["needs_manual_grade"],
            )
    return entries
