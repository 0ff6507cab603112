"""What became of an assignment, read from the gradebook, the journal and the notebooks.

Everything here only reads, and sums up. ``dashboard`` makes a page of it. What students wrote is
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

from nbgrader.api import Gradebook, Notebook
from scipy.stats import binomtest
from sqlalchemy import select

from nexa_grade.errors import UngradableError
from nexa_grade.gradebook_scores import is_graded_by_machine
from nexa_grade.intake.notebook_file import require_notebook_file
from nexa_grade.repair.release import ReleasedCell
from nexa_grade.results.questions import Key
from nexa_grade.run.journal import Journal, read_lines
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import TABLES, rows_of

BARS = 10
EPSILON = 1e-6  # points are sums of decimal numbers
LARGEST_NOTEBOOK = 100_000_000  # bytes
LONGEST_TEXT = 500  # characters of one text from a student

NO_SCORE = "The gradebook has no score. The log of nbgrader may say why."
LOST_SCORE = "It was graded, but the gradebook has no score. Run nexa-grade again."
NOT_MERGED = "It was graded, but a stopped run did not save the score. Run nexa-grade again."
UNREADABLE = "Another version of nexa-grade wrote the journal of this student."


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


@dataclass
class Entry:
    """What the gradebook has of one submission."""

    marks: dict[Key, Mark] = field(default_factory=dict)
    penalty: float = 0.0


@dataclass(frozen=True)
class Points:
    """The points of one submission, by who gave them."""

    machine: float
    by_hand: float  # for cells that a person grades, and changes to the machine's points
    total: float
    waits: bool  # for a person

    @classmethod
    def of(cls, entry: Entry, cells: Mapping[Key, Cell]) -> "Points":
        """Add up a submission."""
        marks = {key: mark for key, mark in entry.marks.items() if key in cells}
        machine = math.fsum(
            mark.auto or 0.0 for key, mark in marks.items() if cells[key].is_machine_graded
        )
        score = math.fsum(mark.score for mark in marks.values())
        # A rubric worth no points may wait for ever.
        waits = any(mark.needs_a_person and cells[key].points for key, mark in marks.items())
        return cls(machine, score - machine, max(0.0, score - entry.penalty), waits)


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


def read_outcomes(journal: Journal) -> dict[str, tuple[Outcome | None, bool]]:
    """Read each student's last outcome, None where it cannot be read, and whether it is merged."""
    outcomes: dict[str, tuple[Outcome | None, bool]] = {}
    for folder in sorted(journal.outcomes.glob("*")):
        found = journal.load(folder.name)
        if found or (folder / "outcome.json").exists():
            outcomes[folder.name] = found or (None, True)
    return outcomes


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


def is_scored(entry: Entry, cells: Mapping[Key, Cell]) -> bool:
    """Tell whether each machine-graded cell of a submission has a score."""
    return all(
        mark.auto is not None or mark.manual is not None
        for key, mark in entry.marks.items()
        if key in cells and cells[key].is_machine_graded
    )


def status_of(
    outcome: Outcome | None, is_merged: bool, is_in_journal: bool, has_score: bool
) -> tuple[Status, str]:
    """Say what became of a submission that somebody tried to grade, and why."""
    if outcome and outcome.status != Status.GRADED:
        return outcome.status, outcome.reason
    if outcome and not is_merged:
        return Status.NOT_GRADABLE, NOT_MERGED
    if has_score:
        return Status.GRADED, ""
    if is_in_journal:
        return Status.NOT_GRADABLE, LOST_SCORE if outcome else UNREADABLE
    return Status.NOT_GRADABLE, NO_SCORE


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
            what, cell = shortened(str(each.get("what", ""))), shortened(str(each.get("cell", "")))
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


def shortened(text: str) -> str:
    """Cut a text that a student can make as long as they like."""
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
