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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import ClassVar

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.apps.baseapp import NbGrader, nbgrader_aliases, nbgrader_flags
from nbgrader.utils import find_all_files
from sqlalchemy.exc import OperationalError
from tqdm import tqdm
from traitlets import Bool, Integer, List, Unicode, default
from traitlets.config import Config

from nexa_grade.execution.bubblewrap import SandboxError, find_bubblewrap
from nexa_grade.gradebook_scores import forget_page_of
from nexa_grade.intake.admission import IntakeExporter
from nexa_grade.intake.submission_files import (
    Submission,
    find_submissions,
    is_plain_name,
    read_submission,
)
from nexa_grade.results.class_report import Report
from nexa_grade.run.grade_one import Course, grade, quiet_sqlalchemy
from nexa_grade.run.grading_config import hardened_for_grading, weaknesses
from nexa_grade.run.journal import BusyError, Journal, journal_folder
from nexa_grade.run.outcome import Outcome, Status, utc_now
from nexa_grade.run.private_gradebook import (
    GradebookError,
    Known,
    fingerprint,
    merge,
    read_assignment,
    read_known,
    read_student_rows,
)

ALL_GRADED, SOME_NOT_GRADED, REFUSED, STOPPED = 0, 1, 2, 130  # exit statuses
AHEAD = 2  # submissions that wait for each worker
SENDINGS = 3  # of one submission, where the workers that had the course are lost
LOCK_SECONDS = 60  # how long SQLite waits for another program, such as formgrader
GRADED_WITH = (  # settings that a score may depend on, by the class that reads them
    "AssignLatePenalties",
    "Autograde",
    "BoundedExecute",
    "BubblewrapProvisioner",
    "Execute",
    "GradeByErrors",
    "ExecutePreprocessor",
    "GuardedExecute",
    "IntakeExporter",
    "LateSubmissionPlugin",
    "NotebookClient",
    "RepairSubmission",
    "SandboxedExecute",
    "SubmissionExporter",
)
DIED = "the process that graded it died, again and again"


class Refusal(Exception):  # noqa: N818 (it is no error of the program)
    """The run cannot start or go on; the message is for the person at the terminal."""


class Outdated(Refusal):
    """An outcome does not fit the assignment any more."""


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
            sys.exit(self.grade_all(self.assignment()))
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

    def assignment(self) -> str:
        """Read the assignment's name from the command line or the configuration."""
        names = [*self.extra_args, *filter(None, [self.coursedir.assignment_id])]
        if len(names) != 1:
            raise Refusal("expected the name of one assignment: nexa-grade ASSIGNMENT")
        self.coursedir.assignment_id = str(names[0])
        return str(names[0])

    @property
    def db_url(self) -> str:
        """Give the gradebook's address; SQLite waits where another program is writing."""
        url = str(self.coursedir.db_url)
        is_plain = url.startswith("sqlite:///") and "?" not in url
        return f"{url}?timeout={LOCK_SECONDS}" if is_plain else url

    def read_course(self, assignment: str) -> Course:
        """Read what submissions are graded with.

        Raises:
            GradebookError: The gradebook does not have the assignment.
            Refusal: There is no release.
        """
        definition = read_assignment(self.db_url, assignment)
        release = self.files_of(self.coursedir.release_directory, assignment, "*.ipynb")
        if not release:
            raise Refusal(f"no released notebook: run `nbgrader generate_assignment {assignment}`")
        extras = self.files_of(self.coursedir.source_directory, assignment, "*")
        extras = {name: data for name, data in extras.items() if not name.endswith(".ipynb")}
        config = Config(self.grading_config)
        config.SandboxedExecute.sandbox = self.sandbox
        if self.sandbox and "preload" not in config.BubblewrapProvisioner:
            config.BubblewrapProvisioner.preload = list(self.preload)
        files = [{"release": name, "data": data} for name, data in release.items()]
        files += [{"extra": name, "data": data} for name, data in extras.items()]
        key = fingerprint(definition | {"files": files, "settings": self.settings()})
        return Course(
            assignment, self.coursedir.course_id, config, definition, release, extras, key
        )

    def settings(self) -> list[dict[str, str]]:
        """List the settings that a score may depend on, and the version that grades."""
        config = self.grading_config
        found = {name: repr(sorted(config[name].items())) for name in GRADED_WITH}
        words = config.WatchForForgery.get("course_names", [])  # who is accepted changes no other
        found["WatchForForgery.course_names"] = repr(words)
        return [{"version": version("nexa-grade")}, found]

    @cached_property
    def grading_config(self) -> Config:
        """Read the settings that submissions are graded with: the user's, above ``harden``'s.

        Raises:
            Refusal: They lack what grading in safety needs.
        """
        config = hardened_for_grading(self.config)
        try:
            found = weaknesses(config, self.sandbox)
        except ImportError as error:
            raise Refusal(f"c.Autograde.autograde_preprocessors: {error}") from error
        if found:
            raise Refusal(f"c.Autograde.autograde_preprocessors has {', '.join(found)}")
        return config

    def files_of(self, step: str, assignment: str, pattern: str) -> dict[str, bytes]:
        """Read the files of the source or the release folder."""
        folder = Path(self.coursedir.format_path(step, ".", assignment))
        paths = [Path(name) for name in find_all_files(str(folder), self.coursedir.ignore)]
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(paths)
            if path.match(pattern)
        }

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
        course = self.read_course(assignment)
        folders = find_submissions(self.coursedir, assignment)
        strange = [folders.pop(name) for name in list(folders) if not is_plain_name(name)]
        for folder in strange:
            print(f"  left out: {str(folder)!a}: this cannot be a student's name")
        if not folders:
            raise Refusal(f"no submissions of {assignment} in {self.coursedir.submitted_directory}")
        with Journal(journal_folder(self.coursedir, assignment)) as journal:
            left = [left for left in journal.unmerged() if self.settle_left(journal, left, course)]
            known = read_known(self.db_url, assignment)
            todo = {
                student: folder
                for student, folder in folders.items()
                if self.regrade or not self.is_done(journal, student, folder, course, known)
            }
            journal.write(
                "run",
                assignment=assignment,
                course=course.course_id,
                user=getpass.getuser(),
                host=platform.node(),
                version=version("nexa-grade"),
                sandbox=self.sandbox,
                scheduler=self.scheduler or f"{self.workers} local workers",
                submissions=len(folders),
                already_graded=len(folders) - len(todo),
                merged_from_an_earlier_run=[outcome.student for outcome in left],
            )
            for folder in strange:
                journal.write("left out", folder=ascii(str(folder)))
            counts = self.run(journal, course, todo) if todo else Counter()
            journal.write("end", **{name: counts[name] for name in sorted(counts)})
            status = self.report(journal, folders, counts, len(folders) - len(todo))
            return SOME_NOT_GRADED if strange else status

    def is_done(
        self,
        journal: Journal,
        student: str,
        folder: Path,
        course: Course,
        known: Mapping[str, Known],
    ) -> bool:
        """Tell whether this very submission was graded with this very release, and still counts.

        A gradebook from a backup may have other points; a person may have moved the due date.
        """
        found = journal.load(student)
        if not found or student not in known:
            return False
        outcome, entry = found[0], known[student]
        if abs(entry.points - (outcome.points or 0)) > 1e-6:
            return False
        if outcome.scores and outcome.scores.extension != entry.extension:
            return False
        accepted = self.config.WatchForForgery.get("accepted", [])
        if outcome.status == Status.HELD and student in accepted:
            return False  # a person has looked at it since
        place = self.autograded(course.assignment, student)
        is_there = outcome.status != Status.GRADED or place.is_dir()
        return is_there and outcome.fingerprint == self.read(student, folder).fingerprint(
            course.fingerprint
        )

    def autograded(self, assignment: str, student: str) -> Path:
        """Name the folder of a graded submission."""
        step = self.coursedir.autograded_directory
        return Path(self.coursedir.format_path(step, student, assignment))

    def run(self, journal: Journal, course: Course, todo: dict[str, Path]) -> Counter[str]:
        """Grade submissions on the cluster, and settle each as soon as it is done."""
        counts: Counter[str] = Counter()
        with ExitStack() as stack:
            client = self.connect(stack)
            bar = stack.enter_context(tqdm(total=len(todo), unit="submission", desc="nexa-grade"))
            for outcome in self.outcomes(client, course, todo):
                journal.keep(outcome)
                self.settle(journal, outcome, course.assignment, is_new=True)
                counts[outcome.status] += 1
                bar.set_postfix(counts, refresh=False)
                bar.update()
        return counts

    def connect(self, stack: ExitStack) -> Client:
        """Connect to the cluster, or start one on this machine.

        Raises:
            Refusal: There is no scheduler at the address.
        """
        if self.scheduler:
            try:
                return stack.enter_context(Client(self.scheduler, timeout="20s"))
            except OSError as error:
                raise Refusal(f"no Dask scheduler at {self.scheduler}: {error}") from error
        # One submission at a time on a worker: where its process dies, no other is blamed.
        # Nobody looks at Dask's profile and its log of messages, and they grow in a long run.
        settings = {
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.worker.profile.enabled": False,
            "distributed.admin.low-level-log-length": 0,
        }
        stack.enter_context(dask.config.set(settings))
        # No dashboard; Dask would still take its port, 8787, which another run may have.
        no_dashboard = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
        cluster = LocalCluster(
            n_workers=self.workers,
            threads_per_worker=1,
            scheduler_kwargs=no_dashboard,
            silence_logs=50,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))

    def share(self, client: Client, course: Course) -> Future[Course]:
        """Send the course to every worker.

        Raises:
            Refusal: There is no worker.
        """
        try:
            return client.scatter(course, broadcast=True, hash=False)
        except TimeoutError as error:
            raise Refusal(f"no Dask worker to grade on ({error}); the same command goes on") from (
                error
            )

    def outcomes(self, client: Client, course: Course, todo: dict[str, Path]) -> Iterator[Outcome]:
        """Send submissions to the workers, a few at a time, and yield what becomes of them."""
        shared = self.share(client, course)
        jobs = iter(todo.items())
        sent: dict[str, str] = {}
        sendings: Counter[str] = Counter()

        def send(student: str) -> Future[Outcome]:
            submission = self.read(student, todo[student])
            known = read_student_rows(self.db_url, course.assignment, student)
            future = client.submit(grade, shared, submission, known, pure=False)
            sent[str(future.key)] = student
            sendings[student] += 1
            return future

        slots = max(1, len(client.scheduler_info(n_workers=-1)["workers"])) * AHEAD
        running = as_completed([send(student) for student, _ in islice(jobs, slots)])
        for future in running:
            student = sent.pop(str(future.key))
            if future.cancelled() and sendings[student] < SENDINGS:
                shared = self.share(client, course)
                running.add(send(student))
                continue
            try:
                yield future.result()
            except SandboxError:  # this machine has none
                raise
            except Exception as error:  # no fingerprint: the next run tries again
                reason = f"{type(error).__name__}: {error}"
                reason = DIED if isinstance(error, KilledWorker) else reason
                yield Outcome(student, "", Status.NOT_GRADABLE, reason, finished=utc_now())
            job = next(jobs, None)
            if job:
                running.add(send(job[0]))

    def settle_left(self, journal: Journal, outcome: Outcome, course: Course) -> bool:
        """Settle what a killed run has left, unless it was graded with another release.

        Returns:
            Whether it was settled. Else it is thrown away, and the submission graded anew.
        """
        try:
            is_new = not journal.is_logged(outcome)
            self.settle(journal, outcome, course.assignment, is_new)
        except Outdated:
            journal.discard(outcome)
            return False
        return True

    def settle(self, journal: Journal, outcome: Outcome, assignment: str, is_new: bool) -> None:
        """Bring an outcome into the folder, the gradebook and the log; twice does no harm.

        Raises:
            Outdated: The assignment has changed in the meantime.
        """
        journal.place_files(outcome, self.autograded(assignment, outcome.student))
        if outcome.status != Status.GRADED:
            forget_page_of(self.coursedir, assignment, outcome.student)
        try:
            with Gradebook(self.db_url, self.coursedir.course_id) as gradebook:
                merge(gradebook, assignment, outcome.student, self.db_url, outcome.scores)
        except (MissingEntry, InvalidEntry, KeyError) as error:
            reason = f"the assignment has changed since {outcome.student} was graded ({error})"
            raise Outdated(f"{reason}; the same command grades it again") from error
        if is_new:
            journal.write("submission", points=outcome.points, **outcome.to_json())
        journal.mark_merged(outcome)

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
            if found and found[0].status != Status.GRADED:
                not_graded += 1
                print(f"  {found[0].status}: {student}: {found[0].reason}")
        print(f"Log: {journal.log_path}")
        return SOME_NOT_GRADED if not_graded else ALL_GRADED


def main() -> None:
    """Run the command."""
    NexaGrade.launch_instance()


if __name__ == "__main__":
    main()
