"""Grading one submission, in a folder that holds nothing else.

This runs in a worker, maybe on another machine. It gets the submission, the release and the
definition of the assignment as data, makes a course folder of them that is thrown away afterwards,
and lets nbgrader's own autograde work in it. The real gradebook is out of reach.
"""

import copy
import getpass
import logging
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import nbformat
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from nexa_grade.errors import HeldForReview
from nexa_grade.execution.bubblewrap import find_bubblewrap
from nexa_grade.intake.admission import FolderAutograde as Autograde
from nexa_grade.intake.submission_files import TIMESTAMP, Submission, is_timestamp, open_files
from nexa_grade.kernel_language import PYTHON, kernel_language
from nexa_grade.run.notebooks import Notebooks
from nexa_grade.run.outcome import Outcome, Status, utc_now
from nexa_grade.run.private_gradebook import Rows, Scores, read_scores, write_gradebook
from nexa_grade.run.snapshot import AssignmentSnapshot
from nexa_grade.second_look.look import Disagreement, hold_reason, look_again

ATTEMPTS = 2  # where the sandbox itself failed, which is not the student's fault
LOG_LINES = 50
# nbgrader says so of each test with a hidden part, which the release does not have.
EXPECTED = "Attribute 'checksum' for cell"
ONE_AT_A_TIME = threading.Lock()  # nbgrader changes the process's working folder


class LogCollector(logging.Handler):
    """Collects what nbgrader and its preprocessors say while they grade one submission.

    What machines read comes as the attribute ``nexa`` of a record: a dictionary with one key,
    ``repair``, ``violation`` or ``failure``.
    """

    def __init__(self) -> None:
        """Listen to warnings and errors."""
        super().__init__(logging.WARNING)
        self.repairs: list[dict[str, str]] = []
        self.violations: list[dict[str, str]] = []
        self.failures: list[dict[str, str]] = []
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        said: dict[str, dict[str, str]] = getattr(record, "nexa", {})
        lists = {
            "repair": self.repairs,
            "violation": self.violations,
            "failure": self.failures,
        }
        for kind, what in said.items():
            lists[kind].append(what)
        message = record.getMessage()[:2000]
        if not said and not message.startswith(EXPECTED) and len(self.lines) < LOG_LINES:
            self.lines.append(message)

    def failure(self, is_done: bool, missing: list[str]) -> dict[str, str]:
        """Say why a submission has no scores.

        Args:
            is_done: Whether nbgrader came to its end.
            missing: Names of machine-graded cells without a score.

        Returns:
            Its ``kind`` and ``reason``, and the ``notebook`` where it is one notebook's; {} where
            all is well.
        """
        if self.failures:
            return self.failures[0]
        if not is_done:
            return {"kind": "Error", "reason": " ".join(self.lines[-1:])[-500:]}
        if missing:
            return {"kind": "NoScore", "reason": f"cells without a score: {', '.join(missing)}"}
        return {}


def quiet_sqlalchemy() -> None:
    """Silence what SQLAlchemy says about nbgrader's own code: nobody here can mend it."""
    warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")


@contextmanager
def collected() -> Iterator[tuple[logging.Logger, LogCollector]]:
    """Make a logger that only a ``LogCollector`` hears."""
    logger = logging.Logger("nexa-grade", logging.WARNING)
    handler = LogCollector()
    logger.addHandler(handler)
    yield logger, handler


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their path in a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def believable_time(submission: Submission) -> tuple[Submission, list[dict[str, str]]]:
    """Leave out a timestamp.txt that is no timestamp."""
    if is_timestamp(submission.files.get(TIMESTAMP, b"")):
        return submission, []
    files = {name: data for name, data in submission.files.items() if name != TIMESTAMP}
    violation = {"cell": "", "what": "left out timestamp.txt: it is not a timestamp"}
    return replace(submission, files=files), [violation]


def grade(snapshot: AssignmentSnapshot, submission: Submission, known: Rows) -> Outcome:
    """Grade one submission with nbgrader.

    Args:
        snapshot: What it is graded with.
        submission: Its files.
        known: Rows of the gradebook about this submission.

    Returns:
        What became of it. A submission that cannot be graded is no error. One that failed for a
        reason that nobody has thought of has no fingerprint, so the next run tries it again.

    Raises:
        SandboxError: This machine has no sandbox.
    """
    if snapshot.is_sandboxed:
        find_bubblewrap()
    quiet_sqlalchemy()
    started = time.monotonic()
    fingerprint = submission.fingerprint(snapshot.fingerprint)
    notes = [{"cell": "", "what": note} for note in submission.notes]
    if submission.refused:
        outcome = Outcome(submission.student, fingerprint, Status.NOT_GRADABLE, submission.refused)
    else:
        submission, more = believable_time(submission)
        notes += more
        with ONE_AT_A_TIME:
            outcome = try_to_grade(snapshot, submission, known, fingerprint)
    return replace(
        outcome,
        violations=notes + outcome.violations,
        seconds=round(time.monotonic() - started, 3),
        finished=utc_now(),
        worker=f"{getpass.getuser()}@{os.uname().nodename}:{os.getpid()}",
    )


def try_to_grade(
    snapshot: AssignmentSnapshot, submission: Submission, known: Rows, fingerprint: str
) -> Outcome:
    """Grade a submission; whatever goes wrong costs this submission alone."""
    try:
        for _ in range(ATTEMPTS):
            outcome, failure = grade_notebooks(snapshot, submission, known, fingerprint)
            if failure.get("kind") != "SandboxError":
                return outcome
    except Exception as error:  # of any kind: three hundred others wait
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return Outcome(submission.student, "", Status.NOT_GRADABLE, reason)
    return replace(outcome, fingerprint="")


def grade_notebooks(
    snapshot: AssignmentSnapshot, submission: Submission, known: Rows, fingerprint: str
) -> tuple[Outcome, dict[str, str]]:
    """Grade a submission; of several notebooks, one that cannot be graded costs no other.

    nbgrader stops at the first one that fails, and takes the others' scores with it. So it grades
    the submission once more, without that one.

    Returns:
        What became of it, and the last failure, as ``LogCollector.failure`` gives it.
    """
    notebooks = Notebooks.of(snapshot.notebooks, submission.files)
    while True:
        rest = replace(submission, files=notebooks.without_failed(submission.files))
        outcome, failure = grade_in_folder(snapshot, rest, known, fingerprint, notebooks.failed)
        if not notebooks.can_go_on_without(failure):
            return notebooks.tell(outcome), failure
        notebooks.failed[failure["notebook"]] = failure["reason"]


def grade_in_folder(
    snapshot: AssignmentSnapshot, submission: Submission, known: Rows, fingerprint: str,
    left_out: Collection[str] = (),
) -> tuple[Outcome, dict[str, str]]:  # fmt: skip
    """Grade a submission in a course folder of its own, without some of its notebooks.

    Returns:
        What became of it, and its failure, as ``LogCollector.failure`` gives it.
    """
    student = submission.student
    with tempfile.TemporaryDirectory(prefix="nexa-grade-") as name, collected() as (logger, heard):
        folder = Path(name)
        config = make_course_folder(folder, snapshot, submission, known)
        config.IntakeExporter.left_out = list(left_out)
        coursedir = CourseDirectory(config=config, log=logger)
        is_done = autograde(coursedir, config, logger)
        scores, missing = (
            read_scores(coursedir.db_url, snapshot.assignment, student) if is_done else (None, [])
        )
        failure = heard.failure(is_done, missing)
        if not failure and scores and snapshot.probes:
            failure = second_look(snapshot, student, folder, scores, heard)
        files = {} if failure else autograded_files(folder, student, snapshot)
    outcome = Outcome(
        student, fingerprint, status_after(failure), failure.get("reason", ""),
        None if failure else scores, heard.repairs, heard.violations, heard.lines, files=files,
    )  # fmt: skip
    return outcome, failure


def autograde(coursedir: CourseDirectory, config: Config, logger: logging.Logger) -> bool:
    """Let nbgrader grade what is in a course folder.

    Returns:
        Whether it came to its end; where it did not, the logger is told why.
    """
    try:
        Autograde(coursedir=coursedir, config=config, log=logger).start()
    except NbGraderException as error:
        logger.error("%s", error)
        return False
    return True


def status_after(failure: Mapping[str, str]) -> Status:
    """Say what becomes of a submission with this failure; {} stands for none."""
    if not failure:
        return Status.GRADED
    is_held = failure["kind"] == HeldForReview.__name__
    return Status.HELD if is_held else Status.NOT_GRADABLE


def second_look(
    snapshot: AssignmentSnapshot, student: str, folder: Path, scores: Scores, heard: LogCollector
) -> dict[str, str]:
    """Look whether functions do what their points say; tell ``heard`` of those that do not.

    Returns:
        The failure: its ``kind`` and ``reason``; {} where all agree, or a person has looked at the
        submission and accepted it.
    """
    assert snapshot.probes is not None
    files = folder / "autograded" / student / snapshot.assignment
    found: list[Disagreement] = []
    for name, earned in scores.grades.items():
        if not (files / f"{name}.ipynb").exists():
            continue  # it was not handed in, or failed: it has no points
        notebook = nbformat.read(files / f"{name}.ipynb", as_version=4)
        if kernel_language(notebook) != PYTHON:
            heard.lines.append(f"no second look at {name}: it is not in Python")
            continue
        disagreements, unusable = look_again(
            snapshot.probes, name, notebook, earned, files, snapshot.config
        )
        found += disagreements
        heard.lines += [f"no second look at {probe}: the reference fails" for probe in unusable]
    heard.violations += [
        {"cell": each.cell, "what": f"score and behavior disagree: {each.what}"} for each in found
    ]
    if not found or student in snapshot.config.WatchForForgery.get("accepted", []):
        return {}
    return {"kind": HeldForReview.__name__, "reason": hold_reason(found)}


def make_course_folder(
    folder: Path, snapshot: AssignmentSnapshot, submission: Submission, known: Rows
) -> Config:
    """Write all that nbgrader needs to grade one submission into a folder.

    Returns:
        The configuration with which it grades there.
    """
    student, assignment = submission.student, snapshot.assignment
    submitted = folder / "submitted" / student / assignment
    submitted.mkdir(parents=True)
    write_files(submitted, submission.files)
    write_files(folder / "release" / assignment, snapshot.release)
    write_files(folder / "source" / assignment, snapshot.extras)
    config = copy.deepcopy(snapshot.config)
    config.CourseDirectory = Config(
        {
            "root": str(folder),
            "course_id": snapshot.course_id,
            "db_url": write_gradebook(folder / "gradebook.db", snapshot.definition, known),
            "assignment_id": assignment,
            "student_id": student,
            "ignore": config.CourseDirectory.get("ignore", CourseDirectory.ignore.default()),
        }
    )
    return config


def autograded_files(folder: Path, student: str, snapshot: AssignmentSnapshot) -> dict[str, bytes]:
    """Read the graded notebook and the student's files; files of the course stay behind."""
    files = {}
    for path, file in open_files(folder / "autograded" / student / snapshot.assignment):
        if file is not None:
            with file:
                if path.as_posix() not in snapshot.extras:
                    files[path.as_posix()] = file.read()
    return files
