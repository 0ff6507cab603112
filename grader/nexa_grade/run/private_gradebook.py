"""A gradebook for one submission, and the way of its scores into the real one.

A submission is graded against an SQLite file that holds the assignment and nobody else's scores.
What comes back is plain data; only the process that started the run writes the real gradebook, one
submission after another, so that any database nbgrader knows will do.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Base, Gradebook, SubmittedNotebook
from nbgrader.utils import parse_utc
from sqlalchemy import Connection, Select, create_engine, func, select

from nexa_grade.gradebook_scores import forget_scores, ungraded_cells

TABLES = Base.metadata.tables
DEFINITION = (  # of assignments, in an order in which rows can be inserted
    "course",
    "assignment",
    "notebook",
    "base_cell",
    "source_cell",
    "grade_cells",
    "solution_cells",
    "task_cells",
)
Rows = dict[str, list[dict[str, Any]]]  # by table


class GradebookError(Exception):
    """The gradebook does not have what grading needs."""


@dataclass(frozen=True)
class Scores:
    """What grading by machine found for one submission; None where a person is needed."""

    timestamp: str | None = None  # UTC
    grades: dict[str, dict[str, float | None]] = field(default_factory=dict)  # notebook, cell
    comments: dict[str, dict[str, str | None]] = field(default_factory=dict)  # notebook, cell
    penalties: dict[str, float | None] = field(default_factory=dict)  # notebook
    extension: float = 0.0  # seconds by which the due date was moved for this student


def seconds(time: timedelta | None) -> float:
    """Give a length of time in seconds, none as 0."""
    return time.total_seconds() if time else 0.0


def rows_of(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """Run a query."""
    return [dict(row) for row in connection.execute(query).mappings()]


def read_assignment(db_url: str, assignment: str) -> Rows:
    """Read the definition of an assignment: its notebooks, cells, points and due date.

    Raises:
        GradebookError: The gradebook does not have it.
    """
    with Gradebook(db_url) as gradebook, gradebook.engine.connect() as connection:
        named = select(TABLES["assignment"]).where(TABLES["assignment"].c.name == assignment)
        rows: Rows = {"assignment": rows_of(connection, named)}
        if not rows["assignment"]:
            raise GradebookError(
                f"no assignment {assignment} in the gradebook:"
                f" run `nbgrader generate_assignment {assignment}` first"
            )
        key = rows["assignment"][0]["id"]
        notebook, cell = TABLES["notebook"].c, TABLES["base_cell"].c
        notebooks = select(notebook.id).where(notebook.assignment_id == key)
        cells = select(cell.id).where(cell.notebook_id.in_(notebooks))
        for name in DEFINITION:
            table = TABLES[name]
            if name == "assignment":
                continue
            query = select(table)
            if name == "notebook":
                query = query.where(table.c.assignment_id == key)
            elif "notebook_id" in table.c:
                query = query.where(table.c.notebook_id.in_(notebooks))
            elif name != "course":
                query = query.where(table.c.id.in_(cells))
            rows[name] = rows_of(connection, query)
    return rows


def read_student_rows(db_url: str, assignment: str, student: str) -> Rows:
    """Read what the gradebook knows of one student's submission, manual scores included.

    A late penalty counts them, so grading has to know them.
    """
    with Gradebook(db_url) as gradebook, gradebook.engine.connect() as connection:
        submitted, notebooks = TABLES["submitted_assignment"], TABLES["submitted_notebook"]
        query = select(submitted).join(TABLES["assignment"])
        query = query.where(TABLES["assignment"].c.name == assignment)
        rows = {
            "student": rows_of(
                connection, select(TABLES["student"]).where(TABLES["student"].c.id == student)
            ),
            "submitted_assignment": [
                row | {"timestamp": None}  # of an earlier version; this one brings its own
                for row in rows_of(connection, query.where(submitted.c.student_id == student))
            ],
        }
        keys = [row["id"] for row in rows["submitted_assignment"]]
        rows["submitted_notebook"] = rows_of(
            connection, select(notebooks).where(notebooks.c.assignment_id.in_(keys))
        )
        keys = [row["id"] for row in rows["submitted_notebook"]]
        for name in ("grade", "comment"):
            table = TABLES[name]
            rows[name] = rows_of(connection, select(table).where(table.c.notebook_id.in_(keys)))
    return rows


def fingerprint(rows: Rows) -> str:
    """Tell one state of an assignment's definition from another."""
    listed = [(name, sorted(map(repr, rows[name]))) for name in sorted(rows)]
    return hashlib.sha256(repr(listed).encode()).hexdigest()


def write_gradebook(path: Path, *parts: Rows) -> str:
    """Make an SQLite gradebook of rows.

    Returns:
        Its address, for SQLAlchemy.
    """
    url = f"sqlite:///{path}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for rows in parts:
            for table in Base.metadata.sorted_tables:
                if rows.get(table.name):
                    connection.execute(table.insert(), rows[table.name])
    engine.dispose()
    return url


def read_scores(db_url: str, assignment: str, student: str) -> tuple[Scores, list[str]]:
    """Read what grading wrote.

    Returns:
        The scores, and the grade ids of machine-graded cells that have none.
    """
    with Gradebook(db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        notebooks = {notebook.name: notebook for notebook in submission.notebooks}
        time = submission.timestamp
        scores = Scores(
            f"{time.isoformat(sep=' ')} UTC" if time else None,
            {
                name: {grade.name: grade.auto_score for grade in notebook.grades}
                for name, notebook in notebooks.items()
            },
            {
                name: {comment.name: comment.auto_comment for comment in notebook.comments}
                for name, notebook in notebooks.items()
            },
            {name: notebook.late_submission_penalty for name, notebook in notebooks.items()},
            seconds(submission.extension),
        )
        missing = [cell for notebook in notebooks.values() for cell in ungraded_cells(notebook)]
    return scores, missing


def merge(
    gradebook: Gradebook, assignment: str, student: str, db_url: str, scores: Scores | None
) -> None:
    """Write one submission's scores into the real gradebook; to do it twice changes nothing.

    What people gave, points, comments and extra credit, is never touched.

    Args:
        gradebook: The real one, open.
        assignment: The assignment's name.
        student: Whose submission it is; a new student is added.
        db_url: The real gradebook's address.
        scores: None where the submission could not be graded: no old score stays then.

    Raises:
        nbgrader.api.MissingEntry: The assignment has changed since the submission was graded.
    """
    gradebook.update_or_create_student(student)
    submission = gradebook.update_or_create_submission(assignment, student)
    submission.timestamp = parse_utc(scores.timestamp) if scores and scores.timestamp else None
    gradebook.db.commit()  # SQLite lets one connection write at a time, and the next is another
    for notebook in submission.notebooks:
        if scores:
            fill(gradebook, notebook, assignment, student, scores)
        else:
            key = {"student": student, "assignment": assignment, "notebook": notebook.name}
            forget_scores({"db_url": db_url, **key})
    gradebook.db.commit()


def fill(
    gradebook: Gradebook,
    notebook: SubmittedNotebook,
    assignment: str,
    student: str,
    scores: Scores,
) -> None:
    """Fill in the scores of one notebook, as nbgrader's SaveAutoGrades does."""
    name = notebook.name
    for cell, score in scores.grades[name].items():
        grade = gradebook.find_grade(cell, name, assignment, student)
        grade.auto_score = score
        grade.needs_manual_grade = grade.manual_score is not None or score is None
    for cell, text in scores.comments[name].items():
        gradebook.find_comment(cell, name, assignment, student).auto_comment = text
    notebook.late_submission_penalty = scores.penalties[name]


@dataclass(frozen=True)
class Known:
    """What the gradebook has of a submission, as far as grading it anew may change it."""

    points: float  # what the machine gave
    extension: float  # seconds by which a person moved the due date


def read_known(db_url: str, assignment: str) -> dict[str, Known]:
    """Read of each student whether and how a submission is in the gradebook."""
    submitted, notebook = TABLES["submitted_assignment"].c, TABLES["submitted_notebook"].c
    query = (
        select(
            submitted.student_id,
            func.coalesce(func.sum(TABLES["grade"].c.auto_score), 0.0).label("points"),
            func.min(submitted.extension).label("extension"),
        )
        .join(TABLES["assignment"], TABLES["assignment"].c.id == submitted.assignment_id)
        .outerjoin(TABLES["submitted_notebook"], notebook.assignment_id == submitted.id)
        .outerjoin(TABLES["grade"], TABLES["grade"].c.notebook_id == notebook.id)
        .where(TABLES["assignment"].c.name == assignment)
        .group_by(submitted.student_id)
    )
    with Gradebook(db_url) as gradebook, gradebook.engine.connect() as connection:
        return {
            row["student_id"]: Known(row["points"], seconds(row["extension"]))
            for row in rows_of(connection, query)
        }
