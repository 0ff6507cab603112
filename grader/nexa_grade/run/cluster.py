"""The processes that grade: of this machine, or of a Dask cluster.

A submission goes to a worker, a few at a time wait for each; what becomes of it comes back as an
outcome. A worker that dies costs no submission: it is sent again, and one that kills every worker
is told as what could not be graded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from distributed.utils import get_mp_context

from nexa_grade.errors import Refusal
from nexa_grade.execution.bubblewrap import SandboxError
from nexa_grade.intake.submission_files import Submission
from nexa_grade.run.grade_one import grade
from nexa_grade.run.outcome import Outcome, Status, utc_now
from nexa_grade.run.private_gradebook import Rows
from nexa_grade.run.snapshot import AssignmentSnapshot

AHEAD = 2  # submissions that wait for each worker
SENDINGS = 3  # of one submission, where the workers that had the snapshot are lost
DIED = "the process that graded it died, again and again"
IMPORTED = ["distributed", grade.__module__]  # by the process whose forks are the workers
# One submission at a time on a worker: where its process dies, no other is blamed.
# Workers are forks of one process that has imported what grading needs: three seconds less each.
# Nobody looks at Dask's profile and its log of messages, and they grow in a long run.
SETTINGS = {
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.low-level-log-length": 0,
}
# No dashboard; Dask would still take its port, 8787, which another run may have.
NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


def connect(stack: ExitStack, scheduler: str, workers: int) -> Client:
    """Connect to a cluster, or start one on this machine.

    Args:
        stack: Ends what is started here.
        scheduler: Address of a Dask scheduler; "" for processes of this machine.
        workers: How many of these.

    Raises:
        Refusal: There is no scheduler at the address.
    """
    if scheduler:
        try:
            return stack.enter_context(Client(scheduler, timeout="20s"))
        except OSError as error:
            raise Refusal(f"no Dask scheduler at {scheduler}: {error}") from error
    stack.enter_context(dask.config.set(SETTINGS))
    get_mp_context().set_forkserver_preload(IMPORTED)
    cluster = LocalCluster(
        n_workers=workers, threads_per_worker=1, scheduler_kwargs=NO_DASHBOARD, silence_logs=50
    )
    return stack.enter_context(Client(stack.enter_context(cluster)))


@dataclass
class Dispatcher:
    """Sends submissions to the workers, and takes what becomes of them."""

    client: Client
    snapshot: AssignmentSnapshot
    read: Callable[[str], tuple[Submission, Rows]]  # a student's files, and rows of the gradebook
    sent: dict[str, str] = field(default_factory=dict)  # students by the key of a task
    sendings: Counter[str] = field(default_factory=Counter)

    def share(self) -> Future[AssignmentSnapshot]:
        """Send the snapshot to every worker.

        Raises:
            Refusal: There is no worker.
        """
        try:
            return self.client.scatter(self.snapshot, broadcast=True, hash=False)
        except TimeoutError as error:
            reason = f"no Dask worker to grade on ({error}); the same command goes on"
            raise Refusal(reason) from error

    def send(self, student: str) -> Future[Outcome]:
        """Send one submission."""
        future = self.client.submit(grade, self.shared, *self.read(student), pure=False)
        self.sent[str(future.key)] = student
        self.sendings[student] += 1
        return future

    def outcomes(self, students: Iterable[str]) -> Iterator[Outcome]:
        """Yield what becomes of each student's submission, as soon as it is known."""
        self.shared = self.share()
        waiting = iter(students)
        slots = max(1, len(self.client.scheduler_info(n_workers=-1)["workers"])) * AHEAD
        running = as_completed([self.send(student) for student in islice(waiting, slots)])
        for future in running:
            student = self.sent.pop(str(future.key))
            if future.cancelled() and self.sendings[student] < SENDINGS:
                self.shared = self.share()
                running.add(self.send(student))
                continue
            yield outcome_of(future, student)
            for following in islice(waiting, 1):
                running.add(self.send(following))


def outcome_of(future: Future[Outcome], student: str) -> Outcome:
    """Read what a worker found; an error of its own is an outcome, too.

    Raises:
        SandboxError: This machine has no sandbox.
    """
    try:
        return future.result()
    except SandboxError:
        raise
    except Exception as error:  # no fingerprint: the next run tries again
        reason = DIED if isinstance(error, KilledWorker) else f"{type(error).__name__}: {error}"
        return Outcome(student, "", Status.NOT_GRADABLE, reason, finished=utc_now())
