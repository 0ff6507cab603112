"""nbgrader's Execute in a sandbox, where ``c.SandboxedExecute.sandbox`` says so."""

import functools
import logging
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from traitlets import Bool

from nexa_grade.execution.bubblewrap import find_bubblewrap
from nexa_grade.execution.guarded_execute import GuardedExecute
from nexa_grade.execution.sandbox import PROVISIONER, SOCKETS


def use_sandbox(manager: KernelManager) -> None:
    """Let a kernel manager that has not started its kernel start it in the sandbox."""
    assert manager.kernel_spec is not None
    manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": PROVISIONER}


@functools.cache
def say_that_it_is_off(log: logging.Logger) -> None:
    """Say it once per run, not once per submission."""
    log.warning(
        "The sandbox is off: student code runs with your rights"
        " (c.SandboxedExecute.sandbox = True turns it on)"
    )


class SandboxedExecute(GuardedExecute):
    """nbgrader's Execute, bounded and guarded, in the sandbox where ``sandbox`` says so."""

    sandbox = Bool(False, help="Run each submission in a sandbox (bubblewrap)").tag(config=True)

    def create_kernel_manager(self) -> KernelManager:
        """Make the kernel manager, and say so where the sandbox is off.

        Raises:
            SandboxError: bubblewrap is missing or does not work.
        """
        manager = self._manager = super().create_kernel_manager()
        if self.sandbox:
            find_bubblewrap()
            use_sandbox(manager)
        else:
            say_that_it_is_off(self.log)
        return manager

    def is_final(self, cause: str) -> bool:
        """Tell a kernel that reached for what its messages come through."""
        return SOCKETS in cause

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: KernelManager | None = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute the notebook.

        Raises:
            DeadKernelError: The kernel ended; the message says which limit it passed.
        """
        try:
            return super().preprocess(nb, resources, km)
        except RuntimeError as error:  # DeadKernelError is one, as is a death before the first cell
            violation = getattr(self._manager.provisioner, "violation", "")
            if not violation:
                raise
            raise DeadKernelError(f"The kernel was ended: it {violation}") from error
