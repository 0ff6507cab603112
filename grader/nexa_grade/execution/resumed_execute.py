"""A cell that hangs or ends the interpreter costs itself, not the submission.

nbgrader gives a whole submission up when a kernel dies, does not let itself be interrupted, or
floods its output. Here the cell gets an error that says what happened, and a new kernel takes over:
it executes the earlier cells again, without tests and without those that broke a kernel, and goes
on. A limit for the whole notebook ends that; the tests left then have an error that says so.
"""

import copy
import signal
import time
from typing import Any

import zmq
from jupyter_client.manager import KernelManager
from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from traitlets import Dict, Integer

from nexa_grade.cells import id_of, is_test
from nexa_grade.execution.bounded_execute import BoundedExecute

BREAKS = (DeadKernelError, CellTimeoutError)
MAX_MESSAGE = 64 * 2**20  # bytes of one message of a kernel; a larger one ends its connection
OVER_TIME = "the cell did not end within its time limit"
FLOOD = "IOPub"  # in nbclient's message, where the cell has ended and its output has not


def error_of(name: str, said: str) -> NotebookNode:
    """Make the error of a cell that could not report one itself."""
    return new_output("error", ename=name, evalue=said, traceback=[f"{name}: {said}"])


def end_in_words(code: int) -> str:
    """Say how a process ended.

    Args:
        code: Its exit status; negative, or above 128 as in a shell, for a signal.
    """
    number = -code if code < 0 else code - 128
    if number in signal.valid_signals():
        return f"the interpreter was ended by {signal.Signals(number).name}"
    return f"the interpreter ended itself, exit status {code}"


class ResumedExecute(BoundedExecute):
    """nbgrader's Execute, bounded, which goes on in a new kernel after a cell that broke one."""

    notebook_seconds = Integer(
        1800, help="Seconds that all cells of a notebook may take together"
    ).tag(config=True)
    stop_seconds = Integer(
        5, help="Seconds in which a cell has to end that is stopped at its time limit"
    ).tag(config=True)
    max_new_kernels = Integer(
        4, help="How often a new kernel takes over in a notebook whose cells break it"
    ).tag(config=True)

    iopub_timeout = Integer(
        60, help="Seconds in which the output of a cell has to end after the cell"
    ).tag(config=True)
    error_on_timeout = Dict(
        {"ename": "CellTimeoutError", "evalue": OVER_TIME, "traceback": [OVER_TIME]},
        help="What a cell shows that was stopped at its time limit",
    ).tag(config=True)

    km: Any  # nbclient's
    is_stopped = False  # the cell that runs was stopped at its time limit

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start a kernel; its client takes no message that would fill the memory."""
        self.km.context.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        super().start_new_kernel(**kwargs)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: KernelManager | None = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute a notebook."""
        self.deadline = time.monotonic() + self.notebook_seconds
        self.broken: set[int] = set()  # cells that are not executed again
        self.new_kernels = 0
        self.gave_up = ""
        try:
            return super().preprocess(nb, resources, km)
        finally:
            if km is None and self.km is not None:  # its kernel never started
                self.km.context.destroy(linger=0)

    def _get_timeout(self, cell: NotebookNode | None) -> int | None:
        """Give the seconds that a cell has: its own, or what is left of the notebook's."""
        left = max(1, int(self.deadline - time.monotonic()))
        return min(super()._get_timeout(cell) or left, left)

    async def _async_handle_timeout(
        self, timeout: int, cell: NotebookNode | None = None
    ) -> dict[str, Any] | None:
        """Stop a cell; what does not end soon then will not end."""
        self.is_stopped = True
        reply: dict[str, Any] | None = await super()._async_handle_timeout(timeout, cell)
        self.iopub_timeout = min(self.iopub_timeout, self.stop_seconds)
        return reply

    def run_cell(self, cell: NotebookNode, index: int) -> None:
        """Execute a cell, with all that belongs to it."""
        self.execute_cell(cell, index, store_history=True)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute a cell; where it breaks the kernel, go on in a new one."""
        if not self.gave_up and time.monotonic() > self.deadline:
            self.gave_up = f"the notebook ran for more than {self.notebook_seconds} s"
        if self.gave_up:
            if is_test(cell):
                cell.outputs = [error_of("NotRun", f"not run: {self.gave_up}")]
                cell.execution_count = 0
            return cell, resources
        self.is_stopped, seconds = False, self.iopub_timeout
        try:
            self.run_cell(cell, index)
        except BREAKS as error:
            self.record_break(cell, index, error)
            self.iopub_timeout = seconds
            self.resume(index)
        self.iopub_timeout = seconds
        return cell, resources

    def record_break(self, cell: NotebookNode, index: int, error: Exception) -> None:
        """Give a cell the error that it deserves, and tell the instructor.

        Raises:
            DeadKernelError: No other kernel may go on.
        """
        cause = self.cause_of(error)
        if self.is_final(cause):
            raise error
        self.broken.add(index)
        cell.outputs = [*cell.get("outputs", []), error_of("CellBroken", cause)]
        cell.execution_count = cell.execution_count or 0
        self.tell_break(id_of(cell) or str(cell.get("id", "")), cause)

    def tell_break(self, cell: str, cause: str) -> None:
        """Log what a cell did."""
        self.log.warning(
            "Cell %s: %s; the others go on", cell or "-", cause,
            extra={"nexa": {"violation": {"cell": cell, "what": cause}}},
        )  # fmt: skip

    def is_final(self, cause: str) -> bool:
        """Tell a cause after which nothing of the submission may run."""
        return False

    def cause_of(self, error: Exception) -> str:
        """Say why a kernel is of no use any more."""
        manager = self.km
        run_sync(self._async_look)()
        provisioner = manager.provisioner if manager else None
        if violation := getattr(provisioner, "violation", ""):
            return f"the interpreter {violation}"
        process = getattr(provisioner, "process", None)
        code = process.poll() if process is not None else None
        if code is not None:
            return end_in_words(code)
        if isinstance(error, CellTimeoutError):
            if FLOOD in str(error) and not self.is_stopped:
                return f"its output did not end within {self.iopub_timeout} s"
            return f"{OVER_TIME}, nor when it was stopped"
        return "the interpreter ended"

    async def _async_look(self) -> None:
        """Let the kernel's provisioner look at its process, and note why it has ended."""
        if self.km is not None and self.km.provisioner is not None:
            await ensure_async(self.km.is_alive())

    def resume(self, index: int) -> None:
        """Start a new kernel, and execute in it what stands before a cell that broke the last."""
        while not self.gave_up:
            self.new_kernels += 1
            if self.new_kernels > self.max_new_kernels:
                self.gave_up = f"cells before ended or hung {self.new_kernels} interpreters"
            elif time.monotonic() > self.deadline:
                self.gave_up = f"the notebook ran for more than {self.notebook_seconds} s"
            else:
                self.replace_kernel()
                if self.run_again(index):
                    return

    def replace_kernel(self) -> None:
        """End the kernel at once, and start another one."""
        self.shutdown_kernel = "immediate"
        if self.km is not None:
            self._cleanup_kernel()
        self.km = self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()

    def run_again(self, end: int) -> bool:
        """Execute the cells before one again; what they show is known already.

        Returns:
            Whether the kernel has survived it.
        """
        counted = self.notebook_bytes
        for index, cell in enumerate(self.nb.cells[:end]):
            if index in self.broken or is_test(cell):
                continue
            try:
                self.run_cell(copy.deepcopy(cell), index)
            except BREAKS as error:
                self.nb.cells[index] = cell
                self.record_break(cell, index, error)
                return False
            self.nb.cells[index] = cell
            self.notebook_bytes = counted
        return True
