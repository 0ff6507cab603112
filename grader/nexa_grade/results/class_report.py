"""The instructor's page: what came of an assignment, in one file without any outside part.

    nexa-grade report ps1      writes nexa-grade/ps1/report.html

The gradebook has the points, the journal of ``nexa-grade`` has reasons, times, repairs and
violations, and the autograded notebooks have the answers. All three are only read. What students
wrote is hostile: the page has no script, and its policy lets none run.
"""

import base64
import hashlib
import statistics
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from sqlalchemy.exc import OperationalError

from nexa_grade.errors import Refusal
from nexa_grade.results.class_results import (
    findings,
    read_class_answers,
    read_gradebook,
    read_runs,
    read_students,
    scores,
    seconds_of,
    summarize_checks,
)
from nexa_grade.results.lms_export import format_number
from nexa_grade.results.similarity import FEWEST_WORDS, compare_answers
from nexa_grade.results.status import read_outcomes
from nexa_grade.run.assignment_name import assignment_of
from nexa_grade.run.grade_one import quiet_sqlalchemy
from nexa_grade.run.journal import Journal, journal_folder, write_durably
from nexa_grade.run.outcome import Status, utc_now

REFUSED = 2  # the exit status
MOST_RUNS = 10
# They turn the direction of what follows, so that a name could rewrite the text beside it.
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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


def format_points(points: float) -> str:
    """Write points or seconds."""
    return format_number(round(points, 2))


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
        loader=PackageLoader("nexa_grade.results", ""),
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "number": format_points,
        "percent": percent,
        "style_hash": style_hash,
    }
    environment.filters.update(filters)
    return environment.get_template("class_report.html.j2").render(page)


class Report(NbGrader):  # type: ignore[misc]
    """The command."""

    name = "nexa-grade-report"
    description = """
    Write a page for the instructor: what came of an assignment, and what to look at.

        nexa-grade report ps1

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
            print(self.write(assignment_of(self)))
        except Refusal as error:
            print(f"nexa-grade: {error}", file=sys.stderr)
            sys.exit(REFUSED)
        except OperationalError as error:
            print(f"nexa-grade: the gradebook cannot be read ({error.orig})", file=sys.stderr)
            sys.exit(REFUSED)

    def write(self, assignment: str) -> Path:
        """Write the page.

        Returns:
            Its path.

        Raises:
            Refusal: Nobody has handed in anything, or the gradebook lacks the assignment.
        """
        folder = journal_folder(self.coursedir, assignment)
        page = self.page(assignment, Journal(folder))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "report.html"
        write_durably(path, render(**page))
        return path

    def page(self, assignment: str, journal: Journal) -> dict[str, Any]:
        """Collect all that the page shows."""
        book = read_gradebook(self, assignment)
        students = read_students(self.coursedir, assignment, book, read_outcomes(journal))
        if all(student.status == Status.MISSING for student in students):
            raise Refusal(f"no submissions of {assignment}: there is nothing to report")
        graded = [student.id for student in students if student.status.has_scores]
        timed = [one for one in students if seconds_of(one)]
        return {
            "assignment": assignment,
            "written": f"{utc_now()[:16].replace('T', ' ')} UTC",
            "runs": read_runs(journal)[:MOST_RUNS],
            "by_status": {
                status: [one for one in students if one.status == status] for status in Status
            },
            "students": students,
            "names": {one.id: one.name for one in students},
            "timed": timed,
            "slowest": max(timed, key=seconds_of, default=None),
            "median_seconds": statistics.median(map(seconds_of, timed)) if timed else 0.0,
            "repairs": findings(students, "repairs"),
            "violations": findings(students, "violations"),
            "checks": summarize_checks(book.cells, [book.entries[student] for student in graded]),
            "likeness": compare_answers(
                read_class_answers(self.coursedir, assignment, book, graded)
            ),
            "fewest_words": FEWEST_WORDS,
            **scores(book.cells, students),
        }
