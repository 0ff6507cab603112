"""What became of an assignment, read from the gradebook, the journal and the notebooks.

Everything here only reads, and sums up. ``class_report`` makes a page of it. What students wrote is
hostile: their texts are cut, and their notebooks are read as JSON of any shape.
"""

import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from scipy.stats import binomtest
from sqlalchemy import make_url

from nexa_grade.errors import Refusal, UngradableError
from nexa_grade.intake.notebook_file import require_notebook_file
from nexa_grade.intake.submission_files import find_submissions, is_plain_name
from nexa_grade.repair.release import ReleasedCell
from nexa_grade.results.lms_export import ClassExportPlugin, natural
from nexa_grade.results.points import Cell, Entry, Points, graded_cells, read_entries
from nexa_grade.results.questions import Key, name_questions, read_releases
from nexa_grade.results.similarity import Given, words_of
from nexa_grade.results.status import Kept, status_of
from nexa_grade.run.journal import Journal, read_lines
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.text import shorten

BARS = 10
EPSILON = 1e-6  # points are sums of decimal numbers
LARGEST_NOTEBOOK = 100_000_000  # bytes
LONGEST_TEXT = 500  # characters of one text from a student


@dataclass(frozen=True)
class Student:
    """What became of one student's submission."""

    id: str
    name: str
    status: Status
    reason: str = ""
    points: Points | None = None  # None where the gradebook has no submission
    outcome: Outcome | None = None  # None where nexa-grade did not grade it


@dataclass(frozen=True)
class Summary:
    """Figures about the points of several submissions."""

    what: str
    count: int
    possible: float
    mean: float
    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, what: str, values: Sequence[float], possible: float) -> "Summary":
        """Sum up; there is at least one value."""
        mean, median = statistics.fmean(values), statistics.median(values)
        return cls(what, len(values), possible, mean, median, min(values), max(values))


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram."""

    label: str
    count: int


@dataclass(frozen=True)
class CheckSummary:
    """How the class did in one machine-graded cell."""

    name: str
    question: str
    points: float
    full: int  # submissions with full points
    count: int
    low: float  # 95 % Wilson interval of the share
    high: float
    lost: float  # points, in the mean

    @classmethod
    def of(cls, cell: Cell, scores: Sequence[float]) -> "CheckSummary":
        """Sum up; there is at least one score."""
        full = sum(score >= cell.points - EPSILON for score in scores)
        found = binomtest(full, len(scores)).proportion_ci(0.95, method="wilson")
        lost = cell.points - statistics.fmean(scores)
        return cls(
            cell.name,
            cell.question,
            cell.points,
            full,
            len(scores),
            float(found.low),
            float(found.high),
            lost,
        )

    @property
    def share(self) -> float:
        """Give the share of submissions with full points."""
        return self.full / self.count


@dataclass
class Finding:
    """A repair or a violation, and whose it is."""

    what: str
    cells: list[str] = field(default_factory=list)
    students: list[str] = field(default_factory=list)
    times: int = 0


@dataclass(frozen=True)
class Run:
    """A run of ``nexa-grade``, as its log has it."""

    started: str
    version: str
    sandbox: bool
    counts: dict[str, int]
    is_complete: bool
    not_looked_at: dict[str, float] = field(default_factory=dict)  # points, by the test


@dataclass
class Book:
    """What the gradebook and the release have of an assignment."""

    cells: dict[Key, Cell] = field(default_factory=dict)  # in the order of the notebook
    questions: dict[Key, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)  # by student
    names: dict[str, str] = field(default_factory=dict)  # full names, by student
    releases: dict[str, list[ReleasedCell]] = field(default_factory=dict)  # by notebook


def read_gradebook(configurable: Any, assignment: str) -> Book:
    """Read what the gradebook and the release have.

    Args:
        configurable: A running nbgrader command, which knows the course directory.
        assignment: The assignment's name.

    Raises:
        Refusal: The gradebook does not have the assignment.
    """
    course = configurable.coursedir
    db_url = str(course.db_url)
    url = make_url(db_url)
    is_file = url.get_backend_name() == "sqlite" and url.database
    if is_file and not Path(str(url.database)).is_file():  # nbgrader would make one
        raise Refusal(f"no gradebook at {url.database}")
    with Gradebook(db_url, course.course_id) as gradebook:
        try:
            found = gradebook.find_assignment(assignment)
        except MissingEntry:
            raise Refusal(f"no assignment {assignment} in the gradebook") from None
        book = Book(entries=read_entries(gradebook, assignment))
        plugin = ClassExportPlugin(parent=configurable)
        book.releases = read_releases(configurable, db_url, found)
        book.questions = name_questions(book.releases, plugin.question, plugin.question_name)
        for notebook in found.notebooks:
            book.cells |= graded_cells(notebook, book.questions)
        for one in gradebook.students:
            book.names[one.id] = " ".join(filter(None, [one.first_name, one.last_name]))
    return book


def read_students(
    course: CourseDirectory,
    assignment: str,
    book: Book,
    outcomes: Mapping[str, Kept],
) -> list[Student]:
    """Say of each student what became of the submission, in the order of ids."""
    submitted = find_submissions(course, assignment)
    ids = {*book.names, *book.entries, *outcomes, *submitted}
    students = []
    for student in sorted(ids, key=natural):
        entry, kept = book.entries.get(student), outcomes.get(student)
        status, reason = status_of(entry, kept, student in submitted, book.cells)
        points = Points.of(entry, book.cells) if entry else None
        reason, name = shorten(reason, LONGEST_TEXT), book.names.get(student, "")
        outcome = kept.outcome if kept else None
        students.append(Student(student, name, status, reason, points, outcome))
    return students


def read_class_answers(
    course: CourseDirectory, assignment: str, book: Book, students: Iterable[str]
) -> dict[str, dict[str, list[str]]]:
    """Read the students' own words in their answers, by question, by student."""
    given = {
        notebook: Given.of((shown(cell), cell.cell_type == "code") for cell in cells)
        for notebook, cells in book.releases.items()
    }
    answers: dict[str, dict[str, list[str]]] = {}
    for student in students:
        if not is_plain_name(student) or student in (".", ".."):
            continue
        own = answers.setdefault(student, {})
        folder = Path(course.format_path(course.autograded_directory, student, assignment))
        for notebook, cells in book.releases.items():
            found = read_answers(folder / f"{notebook}.ipynb")
            for cell in cells:
                if cell.is_solution:
                    question = book.questions[notebook, cell.grade_id]
                    words = own.setdefault(question, [])
                    words += words_of(*found.get(cell.grade_id, ("", True)), given[notebook])
    return answers


def read_runs(journal: Journal) -> list[Run]:
    """Read the logs, the newest first."""
    runs = []
    for path in sorted(journal.runs.glob("*.jsonl"), reverse=True):
        first: dict[str, Any] = {}
        counts: dict[str, int] = {}
        is_complete = False
        for line in read_lines(path):
            event = line.get("event")
            if event == "run":
                first = line
            elif event == "submission":
                counts[line["status"]] = counts.get(line["status"], 0) + 1
            is_complete = is_complete or event == "end"
        started = re.sub(r"T(\d\d)-(\d\d)-(\d\d).*", r" \1:\2:\3 UTC", path.stem)
        if first:  # else a run that was refused
            version, sandbox = str(first.get("version", "")), bool(first.get("sandbox"))
            unseen = dict(first.get("no_second_look") or {})
            runs.append(Run(started, version, sandbox, counts, is_complete, unseen))
    return runs


def seconds_of(student: Student) -> float:
    """Give the time that grading took, 0 where it is not known."""
    return student.outcome.seconds if student.outcome else 0.0


def summarize_checks(cells: Mapping[Key, Cell], entries: Sequence[Entry]) -> list[CheckSummary]:
    """Sum up the machine-graded cells of graded submissions, what costs most points first."""
    found = []
    for key, cell in cells.items():
        marks = [entry.marks[key] for entry in entries if key in entry.marks]
        scores = [mark.auto for mark in marks if mark.auto is not None]
        if cell.is_machine_graded and cell.points and scores:
            found.append(CheckSummary.of(cell, scores))
    return sorted(found, key=lambda check: -check.lost)


def scores(cells: Mapping[Key, Cell], students: Iterable[Student]) -> dict[str, Any]:
    """Sum up the points: figures, histograms, and who still waits for a person."""
    by_machine = math.fsum(cell.points for cell in cells.values() if cell.is_machine_graded)
    by_hand = math.fsum(cell.points for cell in cells.values() if not cell.is_machine_graded)
    graded = [one.points for one in students if one.status.has_scores and one.points]
    final = [points for points in graded if not points.waits]
    kinds = [
        ("By machine", [points.machine for points in graded], by_machine),
        ("By hand", [points.by_hand for points in final], by_hand),
        ("Total", [points.total for points in final], by_machine + by_hand),
    ]
    return {
        "summaries": [Summary.of(*kind) for kind in kinds if kind[1]],
        "histograms": [
            (what, bars(values, possible)) for what, values, possible in kinds if values
        ],
        "waiting": [one for one in students if one.status == Status.NEEDS_A_PERSON],
    }


def shown(cell: ReleasedCell) -> str:
    """Give the text of a cell as students got it."""
    return cell.source if cell.shown is None else cell.shown


def bars(values: Iterable[float], possible: float) -> list[Bar]:
    """Sort points into about ten bars of the same width, a whole number of points.

    The last bar takes full points, and what extra credit adds to them.
    """
    width = max(1, math.ceil(possible / BARS))
    last = int(possible // width)
    counts = [0] * (last + 1)
    for value in values:
        counts[min(last, max(0, math.floor(value / width + EPSILON)))] += 1
    labels = [f"{width * index} to < {width * (index + 1)}" for index in range(last)]
    return [Bar(*bar) for bar in zip([*labels, f"{width * last} or more"], counts, strict=True)]


def findings(students: Iterable[Student], kind: str) -> list[Finding]:
    """Gather equal repairs or violations, the most frequent first.

    Args:
        students: All of them.
        kind: ``repairs`` or ``violations``.
    """
    found: dict[str, Finding] = {}
    for student in students:
        for each in getattr(student.outcome, kind, []):
            texts = (str(each.get(key, "")) for key in ("what", "cell"))
            what, cell = (shorten(text, LONGEST_TEXT) for text in texts)
            finding = found.setdefault(what, Finding(what))
            finding.times += 1
            if cell and cell not in finding.cells:
                finding.cells.append(cell)
            if student.id not in finding.students:
                finding.students.append(student.id)
    return sorted(found.values(), key=lambda one: (-len(one.students), one.what))


def read_answers(path: Path) -> dict[str, tuple[str, bool]]:
    """Read the cells of a notebook that have a grade id: the source, and whether it is code.

    What cannot be read has no answers. The file is not validated, which takes most of the time.
    """
    try:
        require_notebook_file(path, LARGEST_NOTEBOOK)
        cells = json.loads(path.read_bytes())["cells"]
        found = [cell for cell in cells if isinstance(cell["metadata"], dict)]
    except (OSError, UngradableError, ValueError, RecursionError, KeyError, TypeError):
        return {}
    answers = {}
    for cell in found:
        info = cell["metadata"].get("nbgrader")
        source = cell.get("source", "")
        if isinstance(source, list):
            source = "".join(map(str, source))
        if isinstance(info, dict) and isinstance(source, str):
            answers[str(info.get("grade_id"))] = source, cell.get("cell_type") == "code"
    return answers
