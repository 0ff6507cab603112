"""The instructor's page: what came of an assignment, in one file without any outside part.

    nexa-grade report nexacode      writes nexa-grade/nexacode/report.html

The gradebook has the points, the journal of ``nexa-grade`` has reasons, times, repairs and
violations, and the autograded notebooks have the answers. All three are only read. What students
wrote is hostile: the page has no script, and its policy lets none run.
"""

import base64
import hashlib
import json
import math
import re
import statistics
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from nbgrader.api import Gradebook, MissingEntry, Notebook
from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from scipy.stats import binomtest
from sqlalchemy import make_url, select
from sqlalchemy.exc import OperationalError

from nexa_helpers.grading.export import ClassExportPlugin, natural, number
from nexa_helpers.grading.grade_one import FAILED, GRADED, HELD, Outcome, quiet_sqlalchemy, utc_now
from nexa_helpers.grading.journal import Journal, read_lines, write_durably
from nexa_helpers.grading.likeness import FEWEST_WORDS, Given, likeness, words_of
from nexa_helpers.grading.private_gradebook import TABLES, rows_of
from nexa_helpers.grading.reading import UngradableError, require_notebook_file
from nexa_helpers.grading.released import ReleasedCell, read_release
from nexa_helpers.grading.scores import is_graded_by_machine
from nexa_helpers.grading.submissions import find_submissions, is_plain_name

REFUSED = 2  # the exit status
NOT_YET, MISSING = "not graded yet", "missing"
STATUSES = (GRADED, FAILED, HELD, NOT_YET, MISSING)
BARS = 10
EPSILON = 1e-6  # points are sums of decimal numbers
LARGEST_NOTEBOOK = 100_000_000  # bytes
LONGEST_TEXT = 500  # characters of one text from a student
MOST_RUNS = 10
# They turn the direction of what follows, so that a name could rewrite the text beside it.
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

NO_SCORE = "The gradebook has no score. The log of nbgrader may say why."
LOST_SCORE = "It was graded, but the gradebook has no score. Run nexa-grade again."
NOT_MERGED = "It was graded, but a stopped run did not save the score. Run nexa-grade again."
UNREADABLE = "Another version of nexa-grade wrote the journal of this student."

Key = tuple[str, str]  # names of a notebook and a cell


class ReportError(Exception):
    """There is nothing to report; the message is for the person at the terminal."""


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
    status: str
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
class Check:
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
    def of(cls, cell: Cell, scores: Sequence[float]) -> "Check":
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


@dataclass
class Book:
    """What the gradebook and the release have of an assignment."""

    cells: dict[Key, Cell] = field(default_factory=dict)  # in the order of the notebook
    questions: dict[Key, str] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)  # by student
    names: dict[str, str] = field(default_factory=dict)  # full names, by student
    releases: dict[str, list[ReleasedCell]] = field(default_factory=dict)  # by notebook


def questions_of(pattern: str, cells: Sequence[ReleasedCell]) -> dict[str, str]:
    """Name the question of each cell: ``TODO 3``, else the answer above it in the notebook.

    Args:
        pattern: Group 1 is the number of a question, in the name of a cell.
        cells: The notebook, in order.
    """
    questions, answer = {}, ""
    for cell in cells:
        match = re.match(pattern, cell.grade_id)
        answer = cell.grade_id if cell.is_solution else answer
        questions[cell.grade_id] = f"TODO {match[1]}" if match else answer or cell.grade_id
    return questions


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
            runs.append(Run(started, version, sandbox, counts, is_complete))
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
) -> tuple[str, str]:
    """Say what became of a submission that somebody tried to grade, and why."""
    if outcome and outcome.status != GRADED:
        return outcome.status, outcome.reason
    if outcome and not is_merged:
        return FAILED, NOT_MERGED
    if has_score:
        return GRADED, ""
    if is_in_journal:
        return FAILED, LOST_SCORE if outcome else UNREADABLE
    return FAILED, NO_SCORE


def seconds_of(student: Student) -> float:
    """Give the time that grading took, 0 where it is not known."""
    return student.outcome.seconds if student.outcome else 0.0


def checks(cells: Mapping[Key, Cell], entries: Sequence[Entry]) -> list[Check]:
    """Sum up the machine-graded cells of graded submissions, what costs most points first."""
    found = []
    for key, cell in cells.items():
        marks = [entry.marks[key] for entry in entries if key in entry.marks]
        scores = [mark.auto for mark in marks if mark.auto is not None]
        if cell.is_machine_graded and cell.points and scores:
            found.append(Check.of(cell, scores))
    return sorted(found, key=lambda check: -check.lost)


def scores(cells: Mapping[Key, Cell], students: Iterable[Student]) -> dict[str, Any]:
    """Sum up the points: figures, histograms, and who still waits for a person."""
    by_machine = math.fsum(cell.points for cell in cells.values() if cell.is_machine_graded)
    by_hand = math.fsum(cell.points for cell in cells.values() if not cell.is_machine_graded)
    graded = [one.points for one in students if one.status == GRADED and one.points]
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
        "waiting": [
            one for one in students if one.status == GRADED and one.points and one.points.waits
        ],
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


def visible(value: Any) -> Any:
    """Show characters that cannot be seen, or that change what stands beside them, as codes."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(
        f"\\u{ord(letter):04x}"
        if letter in TURNING
        or (unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t")
        else letter
        for letter in value
    )


def points_text(points: float) -> str:
    """Write points or seconds."""
    return number(round(points, 2))


def percent(share: float) -> str:
    """Write a share; only none at all is 0 %, and only all is 100 %."""
    rounded = round(100 * share)
    return f"{rounded if share in (0.0, 1.0) else min(99, max(1, rounded))} %"


def style_hash(style: str) -> str:
    """Name a style sheet in a Content-Security-Policy."""
    digest = hashlib.sha256(str(style).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def render(**page: Any) -> str:
    """Fill in the page; every text is escaped."""
    environment = Environment(
        loader=PackageLoader("nexa_helpers.grading", ""),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "number": points_text,
        "percent": percent,
        "style_hash": style_hash,
    }
    environment.filters.update(filters)
    return environment.get_template("dashboard.html.j2").render(page)


class Report(NbGrader):  # type: ignore[misc]
    """The command."""

    name = "nexa-grade-report"
    description = """
    Write a page for the instructor: what came of an assignment, and what to look at.

        nexa-grade report nexacode

    The page is nexa-grade/<assignment>/report.html. It has the names of students: do not publish
    it. Exit status: 0, written; 2, there is nothing to report.
    """
    aliases = nbgrader_aliases
    flags = nbgrader_flags

    def start(self) -> None:
        """Write the page, and print where it is."""
        super().start()
        quiet_sqlalchemy()
        try:
            print(self.write(self.assignment()))
        except ReportError as error:
            print(f"nexa-grade: {error}", file=sys.stderr)
            sys.exit(REFUSED)
        except OperationalError as error:
            print(f"nexa-grade: the gradebook cannot be read ({error.orig})", file=sys.stderr)
            sys.exit(REFUSED)

    def assignment(self) -> str:
        """Read the assignment's name from the command line or the configuration.

        Raises:
            ReportError: There is none, or more than one.
        """
        names = [*self.extra_args, *filter(None, [self.coursedir.assignment_id])]
        if len(names) != 1:
            raise ReportError("expected the name of one assignment: nexa-grade report ASSIGNMENT")
        self.coursedir.assignment_id = str(names[0])
        return str(names[0])

    def write(self, assignment: str) -> Path:
        """Write the page.

        Returns:
            Its path.

        Raises:
            ReportError: Nobody has handed in anything, or the gradebook lacks the assignment.
        """
        folder = Path(self.coursedir.root, "nexa-grade", assignment)
        page = self.page(assignment, Journal(folder))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "report.html"
        write_durably(path, render(**page))
        return path

    def page(self, assignment: str, journal: Journal) -> dict[str, Any]:
        """Collect all that the page shows."""
        book = self.read_gradebook(assignment)
        students = self.students(assignment, book, read_outcomes(journal))
        if all(student.status == MISSING for student in students):
            raise ReportError(f"no submissions of {assignment}: there is nothing to report")
        graded = [student.id for student in students if student.status == GRADED]
        timed = [one for one in students if seconds_of(one)]
        return {
            "assignment": assignment,
            "written": f"{utc_now()[:16].replace('T', ' ')} UTC",
            "runs": read_runs(journal)[:MOST_RUNS],
            "by_status": {
                status: [one for one in students if one.status == status] for status in STATUSES
            },
            "students": students,
            "names": {one.id: one.name for one in students},
            "timed": timed,
            "slowest": max(timed, key=seconds_of, default=None),
            "median_seconds": statistics.median(map(seconds_of, timed)) if timed else 0.0,
            "repairs": findings(students, "repairs"),
            "violations": findings(students, "violations"),
            "checks": checks(book.cells, [book.entries[student] for student in graded]),
            "likeness": likeness(self.answers(assignment, book, graded)),
            "fewest_words": FEWEST_WORDS,
            **scores(book.cells, students),
        }

    def read_gradebook(self, assignment: str) -> Book:
        """Read what the gradebook and the release have.

        Raises:
            ReportError: The gradebook does not have the assignment.
        """
        db_url = str(self.coursedir.db_url)
        url = make_url(db_url)
        is_file = url.get_backend_name() == "sqlite" and url.database
        if is_file and not Path(str(url.database)).is_file():  # nbgrader would make one
            raise ReportError(f"no gradebook at {url.database}")
        step = self.coursedir.release_directory
        release = Path(self.coursedir.format_path(step, ".", assignment))
        pattern = str(ClassExportPlugin(parent=self).question)
        with Gradebook(db_url, self.coursedir.course_id) as gradebook:
            try:
                found = gradebook.find_assignment(assignment)
            except MissingEntry:
                raise ReportError(f"no assignment {assignment} in the gradebook") from None
            book = Book(entries=read_entries(gradebook, assignment))
            for notebook in found.notebooks:
                path = release / f"{notebook.name}.ipynb"
                cells = read_release(path, db_url, assignment, notebook.name)
                prefix = f"{notebook.name} " if len(found.notebooks) > 1 else ""
                book.releases[notebook.name] = cells
                book.questions |= {
                    (notebook.name, cell): prefix + question
                    for cell, question in questions_of(pattern, cells).items()
                }
                book.cells |= graded_cells(notebook, book.questions)
            for one in gradebook.students:
                book.names[one.id] = " ".join(filter(None, [one.first_name, one.last_name]))
        return book

    def students(
        self, assignment: str, book: Book, outcomes: Mapping[str, tuple[Outcome | None, bool]]
    ) -> list[Student]:
        """Say of each student what became of the submission, in the order of ids."""
        submitted = find_submissions(self.coursedir, assignment)
        ids = {*book.names, *book.entries, *outcomes, *submitted}
        students = []
        for student in sorted(ids, key=natural):
            entry = book.entries.get(student)
            outcome, is_merged = outcomes.get(student, (None, True))
            if student in outcomes or entry:
                has_score = entry is not None and is_scored(entry, book.cells)
                status, reason = status_of(outcome, is_merged, student in outcomes, has_score)
            else:
                status, reason = (NOT_YET if student in submitted else MISSING), ""
            points = Points.of(entry, book.cells) if entry else None
            name = book.names.get(student, "")
            students.append(Student(student, name, status, shortened(reason), points, outcome))
        return students

    def answers(
        self, assignment: str, book: Book, students: Iterable[str]
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
            step = self.coursedir.autograded_directory
            folder = Path(self.coursedir.format_path(step, student, assignment))
            for notebook, cells in book.releases.items():
                found = read_answers(folder / f"{notebook}.ipynb")
                for cell in cells:
                    if cell.is_solution:
                        question = book.questions[notebook, cell.grade_id]
                        words = own.setdefault(question, [])
                        words += words_of(*found.get(cell.grade_id, ("", True)), given[notebook])
        return answers


def main() -> None:
    """Run the command."""
    Report.launch_instance()


if __name__ == "__main__":
    main()
