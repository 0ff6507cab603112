"""``nexa-grade ASSIGNMENT``: grade everything that was handed in, in parallel, and lose nothing.

Workers are processes of this machine, or of a Dask cluster. Each one grades a submission against a
gradebook of its own (`grade_one`). This process alone writes the real gradebook, one submission
after another, and keeps a journal, so that a run that was killed goes on where it stopped.
"""

import getpass
import os
import platform
import sys
from collections import Counter
from contextlib import ExitStack
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from sqlalchemy.exc import OperationalError
from tqdm import tqdm
from traitlets import Bool, Dict, Integer, List, Unicode, default
from traitlets.config import Config

from nexa_grade.errors import Refusal
from nexa_grade.execution.bubblewrap import SandboxError, find_bubblewrap
from nexa_grade.intake.admission import IntakeExporter
from nexa_grade.intake.submission_files import (
    Submission,
    find_submissions,
    is_plain_name,
    read_submission,
)
from nexa_grade.results.class_report import Report
from nexa_grade.run.assignment_name import assignment_of
from nexa_grade.run.cluster import Dispatcher, connect
from nexa_grade.run.grade_one import quiet_sqlalchemy
from nexa_grade.run.grading_config import checked_for_grading
from nexa_grade.run.journal import BusyError, Journal, journal_folder
from nexa_grade.run.outcome import Status
from nexa_grade.run.private_gradebook import (
    GradebookError,
    Rows,
    read_known,
    read_student_rows,
)
from nexa_grade.run.settling import Settling
from nexa_grade.run.snapshot import AssignmentSnapshot, SnapshotReader
from nexa_grade.second_look.look import points_of_tests

ALL_GRADED, SOME_NOT_GRADED, REFUSED, STOPPED = 0, 1, 2, 130  # exit statuses
NO_PROBES = (
    "nexa-grade: no probes, so no second look: a score is as hard to forge as with nbgrader alone"
)
LOCK_SECONDS = 60  # how long SQLite waits for another program, such as formgrader


class NexaGrade(NbGrader):  # type: ignore[misc]
    """The command."""

    name = "nexa-grade"
    description = """
    Grade all submissions of an assignment in parallel, each in a sandbox.

        nexa-grade ps1
        nexa-grade ps1 --workers 8
        nexa-grade ps1 --scheduler tcp://10.0.0.1:8786
        nexa-grade report ps1

    Run it again to go on after an interruption: what is graded is not graded twice. A submission
    that has changed, or that was graded with an older release, is graded anew.
    Exit status: 0, all graded; 1, some could not be graded or are held for a person; 2, refused.
    """

    workers = Integer(help="Worker processes on this machine").tag(config=True)
    scheduler = Unicode(
        "", help="Address of a Dask scheduler, tcp://...; its workers need this package"
    ).tag(config=True)
    sandbox = Bool(True, help="Run student code in a sandbox (bubblewrap)").tag(config=True)
    regrade = Bool(False, help="Grade again what is graded already").tag(config=True)
    believe_timestamps = Bool(
        False, help="Use timestamp.txt: whoever collected wrote it, not the student"
    ).tag(config=True)
    preload = List(
        Unicode(),
        help="Modules that kernels have at hand from the start; [] for a fresh start each",
    ).tag(config=True)

    probes = Dict(
        value_trait=Unicode(),
        key_trait=Unicode(),
        help="For the second look: the file, or the folder of modules, of an assignment's probes,"
        " by the assignment's name",
    ).tag(config=True)

    aliases = nbgrader_aliases | {
        "workers": "NexaGrade.workers",
        "scheduler": "NexaGrade.scheduler",
    }
    subcommands: ClassVar = {
        "report": (Report, "Write a page for the instructor: what came of an assignment."),
    }
    flags = nbgrader_flags | {
        "no-sandbox": (
            {"NexaGrade": {"sandbox": False}},
            "run student code with your own rights",
        ),
        "regrade": ({"NexaGrade": {"regrade": True}}, "grade again what is graded already"),
        "believe-timestamps": (
            {"NexaGrade": {"believe_timestamps": True}},
            "use timestamp.txt: whoever collected wrote it, not the student",
        ),
    }

    @default("workers")
    def _workers_default(self) -> int:
        return os.cpu_count() or 1

    def start(self) -> None:
        """Grade, and end the process with the exit status."""
        super().start()
        quiet_sqlalchemy()
        try:
            sys.exit(self.grade_all(assignment_of(self)))
        except (Refusal, BusyError, GradebookError, SandboxError) as error:
            print(f"nexa-grade: {error}", file=sys.stderr)
            sys.exit(REFUSED)
        except OperationalError as error:
            said = f"the gradebook cannot be used ({error.orig}); the same command goes on"
            print(f"nexa-grade: {said}", file=sys.stderr)
            sys.exit(REFUSED)
        except KeyboardInterrupt:
            print("nexa-grade: stopped; the same command goes on from here", file=sys.stderr)
            sys.exit(STOPPED)

    @property
    def db_url(self) -> str:
        """Give the gradebook's address; SQLite waits where another program is writing."""
        url = str(self.coursedir.db_url)
        is_plain = url.startswith("sqlite:///") and "?" not in url
        return f"{url}?timeout={LOCK_SECONDS}" if is_plain else url

    def read_snapshot(self, assignment: str) -> AssignmentSnapshot:
        """Read what submissions are graded with; see ``SnapshotReader.read``."""
        reader = SnapshotReader(
            self.coursedir, self.db_url, self.grading_config, self.sandbox, list(self.preload)
        )
        return reader.read(assignment, self.probes.get(assignment, ""))

    @cached_property
    def grading_config(self) -> Config:
        """Read the settings that submissions are graded with: the user's, above ``harden``'s.

        Raises:
            Refusal: They lack what grading in safety needs.
        """
        return checked_for_grading(self.config, self.sandbox)

    @staticmethod
    def without_second_look(snapshot: AssignmentSnapshot) -> dict[str, float]:
        """Name the tests that no probe speaks for, with their points, at the terminal as well."""
        if snapshot.probes is None:
            print(NO_PROBES)
            return points_of_tests(snapshot.definition)
        found = snapshot.probes.without_probe
        for cell, most in found.items():
            print(f"  no second look: {cell} ({most:g} points)")
        return found

    def read(self, student: str, folder: Path) -> Submission:
        """Read a submission."""
        return read_submission(
            student, folder, self.coursedir.ignore, self.believe_timestamps,
            self.limits.max_files, self.limits.max_folder_bytes,
        )  # fmt: skip

    @cached_property
    def limits(self) -> IntakeExporter:
        """Read how large a submission may be: the settings of plain ``nbgrader autograde``."""
        return IntakeExporter(config=self.config)

    def grade_all(self, assignment: str) -> int:
        """Grade what is not graded yet.

        Returns:
            The exit status.
        """
        if self.sandbox and not self.scheduler:
            find_bubblewrap()
        elif not self.sandbox:
            print("nexa-grade: the sandbox is off: student code runs with your rights")
        snapshot = self.read_snapshot(assignment)
        if due := snapshot.definition["assignment"][0]["duedate"]:
            print(f"nexa-grade: the due date is {due:%Y-%m-%d %H:%M} UTC")
        folders, strange = self.find_folders(assignment)
        with Journal(journal_folder(self.coursedir, assignment)) as journal:
            settling = Settling(journal, self.coursedir, self.db_url, assignment)
            left = settling.settle_left()
            todo = self.left_to_grade(settling, folders, snapshot.fingerprint)
            already = len(folders) - len(todo)
            journal.write(
                "run", already_graded=already, **self.describe_run(snapshot, folders, left)
            )
            for folder in strange:
                journal.write("left out", folder=ascii(str(folder)))
            counts = self.run(settling, snapshot, todo) if todo else Counter()
            journal.write("end", **{name: counts[name] for name in sorted(counts)})
            status = self.report(journal, folders, counts, already)
            return SOME_NOT_GRADED if strange else status

    def find_folders(self, assignment: str) -> tuple[dict[str, Path], list[Path]]:
        """Find what was handed in, and say what cannot be a student's.

        Returns:
            Folders by student, and those that are left out.

        Raises:
            Refusal: Nobody has handed in anything.
        """
        folders = find_submissions(self.coursedir, assignment)
        strange = [folders.pop(name) for name in list(folders) if not is_plain_name(name)]
        for folder in strange:
            print(f"  left out: {str(folder)!a}: this cannot be a student's name")
        if not folders:
            raise Refusal(f"no submissions of {assignment} in {self.coursedir.submitted_directory}")
        return folders, strange

    def describe_run(
        self, snapshot: AssignmentSnapshot, folders: dict[str, Path], left: list[str]
    ) -> dict[str, Any]:
        """Say for the log who grades what, where and with which version."""
        return {
            "assignment": snapshot.assignment,
            "course": snapshot.course_id,
            "user": getpass.getuser(),
            "host": platform.node(),
            "version": version("nexa-grade"),
            "sandbox": self.sandbox,
            "scheduler": self.scheduler or f"{self.workers} local workers",
            "submissions": len(folders),
            "merged_from_an_earlier_run": left,
            "no_second_look": self.without_second_look(snapshot),
        }

    def left_to_grade(
        self, settling: Settling, folders: dict[str, Path], key: str
    ) -> dict[str, Path]:
        """Leave out what was graded with the same release, and still counts."""
        known = read_known(self.db_url, settling.assignment)
        accepted = self.config.WatchForForgery.get("accepted", [])
        return {
            student: folder
            for student, folder in folders.items()
            if self.regrade
            or not settling.is_done(
                student, known.get(student), accepted, key, partial(self.read, student, folder)
            )
        }

    def run(
        self, settling: Settling, snapshot: AssignmentSnapshot, todo: dict[str, Path]
    ) -> Counter[str]:
        """Grade submissions on the cluster, and settle each as soon as it is done."""

        def read(student: str) -> tuple[Submission, Rows]:
            known = read_student_rows(self.db_url, snapshot.assignment, student)
            return self.read(student, todo[student]), known

        counts: Counter[str] = Counter()
        with ExitStack() as stack:
            client = connect(stack, self.scheduler, self.workers)
            bar = stack.enter_context(tqdm(total=len(todo), unit="submission", desc="nexa-grade"))
            for outcome in Dispatcher(client, snapshot, read).outcomes(todo):
                settling.journal.keep(outcome)
                settling.settle(outcome)
                counts[outcome.status] += 1
                bar.set_postfix(counts, refresh=False)
                bar.update()
        return counts

    def report(
        self, journal: Journal, folders: dict[str, Path], counts: Counter[str], already: int
    ) -> int:
        """Say what came out.

        Returns:
            The exit status; it counts what an earlier run could not grade, too.
        """
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        print(f"{len(folders)} submissions: {told or 'nothing new'}; {already} already done")
        not_graded = 0
        for student in folders:
            found = journal.load(student)
            if found and (found[0].status != Status.GRADED or found[0].reason):
                not_graded += found[0].status != Status.GRADED
                print(f"  {found[0].status}: {student}: {found[0].reason}")
            for repair in found[0].repairs if found else []:
                if not repair["cell"]:  # of the notebook as a whole
                    print(f"  note: {student}: {repair['what']}")
        print(f"Log: {journal.log_path}")
        return SOME_NOT_GRADED if not_graded else ALL_GRADED


def main() -> None:
    """Run the command."""
    NexaGrade.launch_instance()


if __name__ == "__main__":
    main()
