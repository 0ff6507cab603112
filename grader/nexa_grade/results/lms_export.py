"""Grades as Canvas and Moodle import them: one row per student, one column per question.

    nbgrader export --exporter=nexa_grade.results.lms_export.CanvasExportPlugin --to canvas.csv
    nbgrader export --exporter=nexa_grade.results.lms_export.MoodleExportPlugin --to moodle.csv

A score stands in the file only when it is final. What still waits for a person, could not be graded
or was never handed in has no score, and the status column says which. Nothing is uploaded.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Assignment, Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from traitlets import Enum, Unicode

from nexa_grade.intake.submission_files import find_submissions, is_wanted
from nexa_grade.results.points import Cell, Points, graded_cells, read_entries
from nexa_grade.results.questions import Key, name_questions, read_releases
from nexa_grade.results.status import read_outcomes, status_of
from nexa_grade.run.journal import Journal, journal_folder
from nexa_grade.run.outcome import Status

# A spreadsheet takes a text that begins like this for a formula, in wide letters as well.
FORMULA = re.compile(r"[\s\x00]*[=+\-@＝＋－＠]|[\t\r\n\x00]")


@dataclass(frozen=True)
class Person:
    """A student as the file names them; what the gradebook does not know is empty."""

    id: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""
    lms_user_id: str = ""


@dataclass(frozen=True)
class Result:
    """What one student has in one assignment; ``None`` stands for every score that is not final."""

    status: str
    scores: dict[str, float | None] = field(default_factory=dict)  # points by question
    penalty: float | None = None  # 0 or less: the total is the sum of the scores and this
    total: float | None = None

    @classmethod
    def of(cls, status: Status, points: Points | None, is_late: bool) -> "Result":
        """Leave out what is not final: of a held submission all, of others what waits."""
        text = f"{status}, late" if is_late else str(status)
        if points is None or status == Status.HELD:
            return cls(text)
        if points.waits:
            return cls(text, points.by_question)
        if not status.has_scores:  # they are of an older submission
            return cls(text)
        return cls(text, points.by_question, points.penalty, points.total)


@dataclass(frozen=True)
class Sheet:
    """One assignment: its questions with their points, and a result for each student."""

    name: str
    points: dict[str, float]
    results: dict[str, Result]


def format_number(value: float | None, unknown: str = "") -> str:
    """Write points with four decimals at the most, never in exponents; ``unknown`` for ``None``."""
    if value is None:
        return unknown
    return f"{round(value, 4) + 0.0:.4f}".rstrip("0").rstrip(".")  # + 0.0 makes -0.0 a 0.0


def escape_formula(value: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{value}" if FORMULA.match(value) else value


class ClassExportPlugin(ExportPlugin):
    """What the two formats share: the gradebook as one table of results per assignment."""

    question = Unicode(
        help="Regular expression: cells in whose names group 1 is equal are one question. Other"
        " cells belong to the answer above them."
    ).tag(config=True)
    question_name = Unicode("{}", help="What a question is called: {} stands for group 1.").tag(
        config=True
    )

    file_name = "grades.csv"

    def export(self, gradebook: Gradebook) -> None:
        """Write the file that ``--to`` names.

        Args:
            gradebook: An open gradebook; it is only read.

        Raises:
            nbgrader.api.MissingEntry: ``--assignment`` names one that the gradebook lacks.
        """
        if self.assignment:
            assignments = [gradebook.find_assignment(str(name)) for name in self.assignment]
        else:
            assignments = gradebook.assignments
        coursedir = CourseDirectory(parent=self)
        submitted = {one.name: set(find_submissions(coursedir, one.name)) for one in assignments}
        people = self.people(gradebook, set().union(*submitted.values()))
        sheets = [self.sheet(gradebook, one, people, submitted[one.name]) for one in assignments]
        path = Path(self.to or self.file_name)
        # A name that is no valid text, from a folder, must not stop the others.
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            csv.writer(file).writerows(self.rows(people, sheets))
        self.log.info("Wrote %d students to %s", len(people), path)

    def rows(self, people: list[Person], sheets: list[Sheet]) -> Iterator[list[str]]:
        """Yield the file's rows, the header first."""
        raise NotImplementedError

    def people(self, gradebook: Gradebook, submitted: set[str]) -> list[Person]:
        """List the gradebook's students by name, then those who only have a folder."""
        known = [
            Person(
                one.id,
                one.last_name or "",
                one.first_name or "",
                one.email or "",
                one.lms_user_id or "",
            )
            for one in gradebook.students
        ]
        known.sort(key=lambda one: (one.last_name, one.first_name, one.id))
        others = sorted(submitted - {one.id for one in known})
        wanted = {str(name) for name in self.student}
        people = known + [Person(name) for name in others]
        coursedir = CourseDirectory(parent=self)
        people = [one for one in people if is_wanted(coursedir, one.id)]
        people = [one for one in people if not wanted or one.id in wanted]
        for one in people:
            if escape_formula(one.id) != one.id:
                self.log.warning("%r begins like a formula: the import will not find it", one.id)
        return people

    def sheet(
        self,
        gradebook: Gradebook,
        assignment: Assignment,
        people: list[Person],
        submitted: set[str],
    ) -> Sheet:
        """Collect an assignment's questions and results."""
        db_url = gradebook.engine.url.render_as_string(hide_password=False)
        releases = read_releases(self, db_url, assignment)
        questions = name_questions(releases, self.question, self.question_name)
        cells: dict[Key, Cell] = {}
        for notebook in assignment.notebooks:
            cells |= graded_cells(notebook, questions)
        points: dict[str, float] = {}
        for cell in cells.values():
            points[cell.question] = points.get(cell.question, 0.0) + cell.points
        points = {name: points[name] for name in sorted(points, key=natural)}
        entries = read_entries(gradebook, assignment.name)
        kept = read_outcomes(Journal(journal_folder(CourseDirectory(parent=self), assignment.name)))
        late = {one.student.id for one in assignment.submissions if one.total_seconds_late > 0}
        results = {}
        for student in {*(one.id for one in people), *entries}:
            entry = entries.get(student)
            status, _ = status_of(entry, kept.get(student), student in submitted, cells)
            own = Points.of(entry, cells) if entry else None
            results[student] = Result.of(status, own, student in late)
        return Sheet(assignment.name, points, results)


def natural(name: str) -> list[tuple[int, str]]:
    """Sort ``part 10`` after ``part 9``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


class CanvasExportPlugin(ClassExportPlugin):
    """The gradebook CSV of Canvas.

    Canvas makes an assignment of every column that it does not know, so each question and the late
    penalty become one, and their sum is the total. It passes over columns with "Final Points" or
    "Final Grade" in their names: the total and the status are for people. Canvas finds a student by
    ``ID`` (its own number, nbgrader's ``lms_user_id``), else by the SIS column.
    """

    student_id_column = Enum(
        ("SIS Login ID", "SIS User ID", "ID"),
        "SIS Login ID",
        help="The Canvas column that holds nbgrader's student ids.",
    ).tag(config=True)

    file_name = "canvas.csv"

    def rows(self, people: list[Person], sheets: list[Sheet]) -> Iterator[list[str]]:
        """Yield the header, the row of possible points, and one row per student."""
        header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
        possible = ["    Points Possible", "", "", "", ""]
        for sheet in sheets:
            columns = [*sheet.points, "late penalty", "Final Points", "Final Grade Status"]
            header += [escape_formula(f"{sheet.name} {column}") for column in columns]
            possible += [
                *map(format_number, sheet.points.values()),
                "0",
                "(read only)",
                "(read only)",
            ]
        yield header
        yield possible
        for one in people:
            name = ", ".join(filter(None, [one.last_name, one.first_name])) or one.id
            ids = {"ID": escape_formula(one.lms_user_id), "SIS User ID": "", "SIS Login ID": ""}
            ids[self.student_id_column] = escape_formula(one.id)
            row = [escape_formula(name), *ids.values(), ""]
            for sheet in sheets:
                result = sheet.results[one.id]
                row += [format_number(result.scores.get(question)) for question in sheet.points]
                row += [format_number(result.penalty), format_number(result.total), result.status]
            yield row


class MoodleExportPlugin(ClassExportPlugin):
    """A CSV for Moodle's grade import, where a person says which column goes where.

    Map ``Username`` to the user, each question or the total to its grade item, and the status to
    the feedback of the total. A dash is Moodle's own sign for no grade: an empty cell would become
    0 in a new grade item.
    """

    student_id_column = Enum(
        ("Username", "ID number", "Email address"),
        "Username",
        help="The Moodle user field that holds nbgrader's student ids.",
    ).tag(config=True)

    file_name = "moodle.csv"

    def rows(self, people: list[Person], sheets: list[Sheet]) -> Iterator[list[str]]:
        """Yield the header and one row per student."""
        # Moodle gives a row with an empty user field to the student of the row before.
        with_email = self.student_id_column != "Email address" and all(one.email for one in people)
        if not with_email and self.student_id_column != "Email address":
            self.log.warning("No column of email addresses: not every student has one.")
        header = [self.student_id_column, "First name", "Last name"]
        header += ["Email address"] if with_email else []
        for sheet in sheets:
            columns = [*sheet.points, "total", "status"]
            header += [escape_formula(f"{sheet.name} {column}") for column in columns]
        yield header
        for one in people:
            row = [
                escape_formula(one.id),
                escape_formula(one.first_name),
                escape_formula(one.last_name),
            ]
            row += [escape_formula(one.email)] if with_email else []
            for sheet in sheets:
                result = sheet.results[one.id]
                row += [
                    format_number(result.scores.get(question), "-") for question in sheet.points
                ]
                penalty = f", penalty {format_number(-result.penalty)}" if result.penalty else ""
                row += [format_number(result.total, "-"), result.status + penalty]
            yield row
