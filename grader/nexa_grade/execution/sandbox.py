"""A sandbox for a student's kernel: bubblewrap around IPython, messages over Unix sockets.

`BubblewrapProvisioner` is a Jupyter kernel provisioner (entry point ``nexa-bwrap``), so whatever
starts kernels can use it. The kernel has no network, sees a read-only system and Python, a copy
of the submission's folder in memory, a private /tmp, and no process but its own. It gets the few
environment variables that it needs. `SandboxedExecute` turns it on in ``nbgrader autograde``.

What is visible is in ``mounts`` and ``environment``, what is allowed in ``limits``;
``running_sandbox`` keeps hold of the processes, ``sandbox_watch`` counts their memory.

Left out: kernel bugs (a container or a virtual machine around the whole run helps there), GPUs,
and what a student's code does to the tests that share its interpreter. docs/sandbox.md says more.
"""

import os
import subprocess
import time
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Integer, List, Unicode

from nexa_grade.execution.bubblewrap import SandboxError, find_bubblewrap, namespaces
from nexa_grade.execution.environment import choose_variables
from nexa_grade.execution.fork_server import ForkServer
from nexa_grade.execution.limits import KILLED, MB, Limits
from nexa_grade.execution.mounts import SUBMISSION, copy_files, list_hidden, show_all
from nexa_grade.execution.preload import find_fork_server
from nexa_grade.execution.running_sandbox import RunningSandbox
from nexa_grade.execution.sandbox_watch import measure_memory, processes_below
from nexa_grade.execution.socket_folder import CONNECTION_FILE, SocketFolder

PROVISIONER = "nexa-bwrap"
SOCKETS = "changed the folder of its sockets"


class BubblewrapProvisioner(LocalProvisioner):
    """Starts a kernel in a sandbox; its traits are the limits.

    Memory is limited twice: a process that asks for more than ``memory_mb`` gets a MemoryError;
    the sandbox ends when its processes hold more in all, which is checked once per second.
    """

    memory_mb = Integer(4096, help="Memory of a process, and of all together, in MiB").tag(
        config=True
    )
    folder_mb = Integer(512, help="What each writable folder may hold, in MiB").tag(config=True)
    file_mb = Integer(256, help="The largest file, in MiB").tag(config=True)
    processes = Integer(512, help="Processes and threads").tag(config=True)
    descriptors = Integer(512, help="Open files of a process").tag(config=True)
    cpu_seconds = Integer(900, help="CPU seconds of a process").tag(config=True)
    wall_seconds = Integer(1800, help="Seconds that the kernel may live").tag(config=True)
    environment = List(
        Unicode(),
        ["NBGRADER_EXECUTION", "OMP_NUM_THREADS", "MPLBACKEND", "TZ"],
        help="Names of the variables that the kernel gets from the instructor's environment",
    ).tag(config=True)
    hidden = List(
        Unicode(), help="Paths that stay hidden even where they lie in Python's or the system's"
    ).tag(config=True)
    hidden_packages = List(
        Unicode(), help="Installed packages that stay hidden; the grader's own always does"
    ).tag(config=True)
    preload = List(
        Unicode(), help="Modules to import once; kernels are then forked, not started"
    ).tag(config=True)

    parent: Any  # the kernel manager
    process: Any = None  # bubblewrap, a Popen
    violation = ""  # why the sandbox was ended, for the instructor
    sockets: SocketFolder | None = None
    sandbox: RunningSandbox | None = None
    _started = 0.0

    def all_hidden(self) -> list[str]:
        """List the paths that are hidden: by setting, and always."""
        return list_hidden(self.hidden, self.hidden_packages)

    def limits(self) -> Limits:
        """Gather the limits."""
        return Limits(**{field.name: getattr(self, field.name) for field in fields(Limits)})

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Give the kernel sockets in a folder of its own.

        Raises:
            SandboxError: bubblewrap is missing or does not work.
        """
        find_bubblewrap()
        if self.sockets is None:
            self.sockets = SocketFolder()
        self.parent.transport = "ipc"
        self.parent.ip = str(self.sockets.path / "kernel")
        self.parent.connection_file = str(self.sockets.path / CONNECTION_FILE)
        self.kernel_spec.interrupt_mode = "message"  # a signal would end the sandbox
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel in its sandbox; ``cwd`` names the folder that it gets a copy of.

        Raises:
            SandboxError: bubblewrap or the fork server failed, or the folder holds too many files.
        """
        variables = choose_variables(self.environment, kwargs["env"])
        try:
            await self.launch(cmd, variables, kwargs.get("cwd"))
        except BaseException:
            await self.cleanup()
            raise
        return self.connection_info

    async def launch(
        self, cmd: list[str], variables: dict[str, str], submission: str | None
    ) -> None:
        """Start a command in a new sandbox, or fork what it would become.

        Args:
            cmd: The command.
            variables: Its environment.
            submission: The folder that it gets a copy of; None for an empty one.

        Raises:
            SandboxError: As ``launch_kernel``.
        """
        assert self.sockets is not None  # pre_launch has made it
        user = self.sockets.give_to_new_user() if os.geteuid() == 0 else None
        limits, program = self.limits(), self.forkable(cmd) if self.preload else None
        self.violation, self._started = "", time.monotonic()
        self.sandbox = RunningSandbox()
        if program is None:
            await self._make_sandbox(
                limits.wrap(cmd, user), variables, submission, self.sandbox.output
            )
            return
        server, home = find_fork_server(tuple(self.preload))
        variables = variables | {"HOME": home}
        await self._make_sandbox(limits.wrap(["cat"], user), variables, submission, subprocess.PIPE)
        request = {"folder": SUBMISSION, "environment": variables, "user": user}
        self._fork(server, {**request, "limits": limits.of_process(), **program})

    async def _make_sandbox(
        self,
        cmd: list[str],
        variables: dict[str, str],
        submission: str | None,
        stdout: IO[bytes] | int,
    ) -> None:
        """Run a command in a new sandbox, and keep hold of the sandbox."""
        assert self.sockets is not None and self.sandbox is not None
        folder_bytes = self.folder_mb * MB
        seen = show_all(variables["HOME"], folder_bytes, self.all_hidden(), self.sockets.path)
        status = self.sandbox.status_writer.fileno()
        with ExitStack() as stack:
            files = copy_files(Path(submission), stack, self.log) if submission else ([], [])
            arguments = [*seen, *files[0], "--json-status-fd", str(status), "--"]
            await super().launch_kernel(
                [find_bubblewrap(), *namespaces(), *arguments, *cmd],
                env=variables,  # bubblewrap's own as well: /proc/1/environ is readable
                cwd="/",
                independent=True,  # else a variable names this process
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=self.sandbox.output,
                pass_fds=[status, *files[1]],
            )
        self.sandbox.take_hold(self.process)

    def _fork(self, server: ForkServer, request: dict[str, Any]) -> None:
        """Let the fork server put a process into the sandbox, which ``cat`` holds open."""
        assert self.sandbox is not None
        self.sandbox.wait_until_made(self.process)
        try:
            self.sandbox.fork(server, request)
        except OSError as error:
            find_fork_server.cache_clear()  # the next kernel gets a new one
            raise SandboxError(f"the fork server has ended ({error})") from None

    def forkable(self, cmd: list[str]) -> dict[str, list[str]] | None:
        """Say what a forked process becomes: a kernel, by the arguments of ipykernel.

        Returns:
            A part of the request (see ``fork_server.enter``); None for what is no Python kernel.
        """
        if "ipykernel_launcher" not in cmd:
            return None
        return {"arguments": cmd[cmd.index("ipykernel_launcher") + 1 :]}

    async def poll(self) -> int | None:
        """Tell whether the kernel is running, and end it where it is past a limit."""
        code = await super().poll()
        if not self.process or self.sandbox is None or self.sandbox.init is None:
            return code
        if code is None:
            code = self.sandbox.forked_status()
            if code is not None:
                self.sandbox.end()
        if code is None and (violation := self.excess()):
            self._report(violation)
            self.sandbox.end()
            code = self.process.wait()
        elif code is not None and not self.parent.shutting_down:
            said = f"ended, exit status {code}, {self.sandbox.said()}"
            self._report(KILLED.get(code, said))
        return code

    def excess(self) -> str:
        """Say which limit of the whole sandbox is passed, "" for none."""
        assert self.sandbox is not None and self.sockets is not None
        if time.monotonic() - self._started > self.wall_seconds:
            return f"ran for more than {self.wall_seconds} s"
        allowed = self.memory_mb * MB
        memory = measure_memory(processes_below(*self.sandbox.roots), allowed)
        if memory > allowed:
            return f"held {memory // MB} MiB of memory, {self.memory_mb} are allowed"
        return SOCKETS if self.sockets.was_changed() else ""

    def _report(self, violation: str) -> None:
        if not self.violation:
            self.violation = violation
            self.log.error("Sandbox: the kernel %s", violation)

    async def kill(self, restart: bool = False) -> None:
        """End the sandbox."""
        if self.sandbox:
            self.sandbox.end()
        await super().kill(restart)

    async def terminate(self, restart: bool = False) -> None:
        """End the sandbox: nothing in it deserves a warning."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind: no process, no file."""
        sandbox, self.sandbox = self.sandbox, None
        if sandbox:
            sandbox.end()
        if self.process:
            await self.wait()
        if sandbox:
            sandbox.close()
        if self.sockets is not None and not restart:
            self.sockets.remove(self.log)
            self.sockets = None
        await super().cleanup(restart)
