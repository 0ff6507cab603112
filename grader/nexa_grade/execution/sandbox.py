"""A sandbox for a student's kernel: bubblewrap around IPython, messages over Unix sockets.

`BubblewrapProvisioner` is a Jupyter kernel provisioner (entry point ``nexa-bwrap``), so whatever
starts kernels can use it. The kernel has no network, sees a read-only system and Python, a copy
of the submission's folder in memory, a private /tmp, and no process but its own. It gets the few
environment variables that it needs. `SandboxedExecute` turns it on in ``nbgrader autograde``.

Left out: kernel bugs (a container or a virtual machine around the whole run helps there), GPUs,
and what a student's code does to the tests that share its interpreter. docs/sandbox.md says more.
"""

import atexit
import functools
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Integer, List, Unicode

from nexa_grade.execution.bubblewrap import (
    SandboxError,
    find_bubblewrap,
    namespaces,
    places_of_package,
    repositories_around,
    show_fonts,
    show_system,
)
from nexa_grade.execution.fork_server import ForkServer
from nexa_grade.intake.submission_files import MAX_FILES, open_files

PROVISIONER = "nexa-bwrap"
SUBMISSION = "/submission"  # the working folder, as the student's code sees it
PACKAGE = Path(__file__).resolve().parents[1]
EXCHANGE = "/usr/local/share/nbgrader"  # nbgrader's
ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LOGNAME": "student",  # a user without a line in /etc/passwd has a name for getpass, too
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "PYTHONSAFEPATH": "1",  # modules beside the notebook shadow nothing
}
MOST_FILES = MAX_FILES + 200  # a submission's and the course's own; each is open for a moment
SOCKETS = "changed the folder of its sockets"
MB = 2**20
KILLED = {
    128 + signal.SIGXCPU: "used up its CPU time",
    128 + signal.SIGKILL: "was killed by the system, most likely for its memory",
}


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
    _folder: Path | None = None  # of the sockets
    _output: IO[bytes] | None = None  # what the kernel's process says outside of Jupyter
    _status: IO[bytes] | None = None  # what bubblewrap says of the sandbox
    _init: int | None = None  # pidfd of the sandbox's first process: when it ends, all have ended
    _roots: tuple[int, ...] = ()  # process ids; every process of the sandbox is one or below one
    _forked: IO[bytes] | None = None  # the exit status of a forked kernel comes here
    _is_forked = False
    _user: int | None = None  # whom a root user becomes
    _started = 0.0

    def all_hidden(self) -> list[str]:
        """List the paths that are hidden: by setting, and always."""
        always = [EXCHANGE, str(PACKAGE), *map(str, repositories_around([PACKAGE]))]
        named = [place for name in self.hidden_packages for place in places_of_package(name)]
        return [*always, *named, *self.hidden]

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Give the kernel sockets in a folder of its own.

        Raises:
            SandboxError: bubblewrap is missing or does not work.
        """
        find_bubblewrap()
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nexa-"))
        self.parent.transport = "ipc"
        self.parent.ip = str(self._folder / "kernel")
        self.parent.connection_file = str(self._folder / "connection.json")
        self.kernel_spec.interrupt_mode = "message"  # a signal would end the sandbox
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel in its sandbox; ``cwd`` names the folder that it gets a copy of.

        Raises:
            SandboxError: bubblewrap or the fork server failed, or the folder holds too many files.
        """
        given = kwargs["env"]
        variables = ENVIRONMENT | {name: given[name] for name in self.environment if name in given}
        server = None
        if self.preload and "ipykernel_launcher" in cmd:  # what is forked is a Python
            server, home = fork_server(tuple(self.preload))
            variables["HOME"] = home
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed by cleanup)
        self._started = time.monotonic()
        assert self._folder is not None  # pre_launch has made it
        self._user = give_to_new_user(self._folder) if os.geteuid() == 0 else None
        self.violation = ""
        try:
            self._is_forked = server is not None
            await self._make_sandbox(["cat"] if server else cmd, variables, kwargs.get("cwd"))
            if server:
                self._fork_kernel(server, cmd, variables)
        except BaseException:
            await self.cleanup()
            raise
        return self.connection_info

    async def _make_sandbox(
        self, cmd: list[str], variables: dict[str, str], submission: str | None
    ) -> None:
        """Run a command in a new sandbox, and keep hold of the sandbox."""
        writable = dict.fromkeys(["/tmp", "/dev/shm", variables["HOME"], SUBMISSION])
        size = str(self.folder_mb * MB)
        arguments = ["--proc", "/proc", "--dev", "/dev"]
        for folder in writable:
            arguments += ["--perms", "0777", "--size", size, "--tmpfs", folder]
        arguments += show_fonts(variables["HOME"])
        arguments += [
            *show_system(self.all_hidden()),
            "--bind",
            str(self._folder),
            str(self._folder),
        ]
        arguments += f"--remount-ro /dev --remount-ro / --chdir {SUBMISSION}".split()
        with ExitStack() as stack:
            self._status, writer = open_pipe()  # bubblewrap writes once more when it ends
            stack.enter_context(writer)
            copies, passed = self._copy(submission, stack)
            arguments += [*copies, "--json-status-fd", str(writer.fileno()), "--"]
            await super().launch_kernel(
                [find_bubblewrap(), *namespaces(), *arguments, *self._wrapped(cmd)],
                env=variables,  # bubblewrap's own as well: /proc/1/environ is readable
                cwd="/",
                independent=True,  # else a variable names this process
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._is_forked else self._output,
                stderr=self._output,
                pass_fds=[writer.fileno(), *passed],
            )
            writer.close()
            try:
                init = json.loads(self._status.readline())["child-pid"]
                self._init, self._roots = os.pidfd_open(init), (init,)
            except (ValueError, ProcessLookupError):  # no status, or it has ended already
                self.process.wait()
                raise SandboxError(f"bubblewrap failed: {self._said()}") from None

    def _copy(self, submission: str | None, stack: ExitStack) -> tuple[list[str], list[int]]:
        """Copy a folder's files into the sandbox's memory.

        Returns:
            Arguments for bubblewrap, and the file descriptors that it reads.
        """
        arguments: list[str] = []
        descriptors: list[int] = []
        made = {Path()}
        for path, file in open_files(Path(submission)) if submission else ():
            if file is None:
                self.log.warning("Sandbox: left out %s, which is not a regular file", path)
                continue
            stack.enter_context(file)
            if path.suffix == ".ipynb":  # nbgrader has put the hidden tests into it
                continue
            if len(descriptors) == MOST_FILES:
                raise SandboxError(f"expected at most {MOST_FILES} files beside the notebook")
            for parent in reversed(path.parents):
                if parent not in made:
                    arguments += ["--perms", "0777", "--dir", f"{SUBMISSION}/{parent}"]
                    made.add(parent)
            target = ["--file", str(file.fileno()), f"{SUBMISSION}/{path}"]
            arguments += ["--perms", "0666", *target]
            descriptors.append(file.fileno())
        return arguments, descriptors

    def _limits(self) -> dict[str, tuple[int, int]]:
        """List soft and hard limits by the names of prlimit."""
        limits = {
            "core": 0,
            "data": self.memory_mb * MB,
            "fsize": self.file_mb * MB,
            "nofile": self.descriptors,
            "nproc": self.processes,
        }
        both = {name: (limit, limit) for name, limit in limits.items()}
        return both | {"cpu": (self.cpu_seconds, self.cpu_seconds + 5)}

    def _wrapped(self, cmd: list[str]) -> list[str]:
        """Wrap a command in the limits; set inside the sandbox, they count what is inside."""
        drop = (
            f"setpriv --reuid={self._user} --regid={self._user} --clear-groups --inh-caps=-all --"
        )
        limits = [f"--{name}={soft}:{hard}" for name, (soft, hard) in self._limits().items()]
        return [
            *"choom -n 1000 --".split(),  # when memory runs out, Linux ends the sandbox first
            *(drop.split() if self._user else []),
            *["prlimit", *limits, "--"],
            *cmd,
        ]

    def _fork_kernel(self, server: ForkServer, cmd: list[str], variables: dict[str, str]) -> None:
        """Let the fork server put a kernel into the sandbox, which ``cat`` holds open."""
        assert self._init is not None and self._output is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(b"made?\n")
            self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise SandboxError(f"bubblewrap failed: {self._said()}")
        request = {
            "folder": SUBMISSION,
            "environment": variables,
            "limits": self._limits(),
            "user": self._user,
            **self._program(cmd),
        }
        self._forked, writer = open_pipe()
        with writer:
            try:
                server.fork(request, [self._init, writer.fileno(), self._output.fileno()])
            except OSError as error:
                fork_server.cache_clear()  # the next kernel gets a new one
                raise SandboxError(f"the fork server has ended ({error})") from None
        kernel = self._forked.readline()
        if not kernel:
            raise SandboxError(f"the fork server failed: {self._said()}")
        self._roots += (int(kernel),)

    def _program(self, cmd: list[str]) -> dict[str, list[str]]:
        """Say what a forked process becomes: a kernel, by the arguments of ipykernel."""
        return {"arguments": cmd[cmd.index("ipykernel_launcher") + 1 :]}

    def _said(self) -> str:
        """Read the end of what the kernel's process wrote; it may be a student's text."""
        assert self._output is not None
        size = os.fstat(self._output.fileno()).st_size
        text = os.pread(self._output.fileno(), 2000, max(0, size - 2000))
        return ascii(text.decode(errors="replace").strip())

    async def poll(self) -> int | None:
        """Tell whether the kernel is running, and end it where it is past a limit."""
        code = await super().poll()
        if not self.process or self._init is None:
            return code
        if code is None and self._forked and select.select([self._forked], [], [], 0)[0]:
            code = int(self._forked.readline() or 1)
            self._end()
        if code is None and (violation := self._excess()):
            self._report(violation)
            self._end()
            code = self.process.wait()
        elif code is not None and not self.parent.shutting_down:
            self._report(KILLED.get(code, f"ended, exit status {code}, {self._said()}"))
        return code

    def _excess(self) -> str:
        """Say which limit of the whole sandbox is passed, "" for none."""
        if time.monotonic() - self._started > self.wall_seconds:
            return f"ran for more than {self.wall_seconds} s"
        memory = sum(map(resident, processes_below(*self._roots)))
        if memory > self.memory_mb * MB:
            return f"held {memory // MB} MiB of memory, {self.memory_mb} are allowed"
        assert self._folder is not None
        try:
            strangers = {path.name for path in self._folder.iterdir() if not path.is_socket()}
        except PermissionError:  # the student may change the folder's mode
            strangers = {"?"}
        return SOCKETS if strangers - {"connection.json"} else ""

    def _report(self, violation: str) -> None:
        if not self.violation:
            self.violation = violation
            self.log.error("Sandbox: the kernel %s", violation)

    def _end(self) -> None:
        """End every process of the sandbox at once."""
        if self._init is not None:
            try:
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
            except ProcessLookupError:
                return  # it has ended
            ended = select.poll()
            ended.register(self._init, select.POLLIN)
            if not ended.poll(60_000):  # ms
                raise SandboxError("the sandbox did not end within 60 s of being killed")

    async def kill(self, restart: bool = False) -> None:
        """End the sandbox."""
        self._end()
        await super().kill(restart)

    async def terminate(self, restart: bool = False) -> None:
        """End the sandbox: nothing in it deserves a warning."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind: no process, no file."""
        self._end()
        if self._init is not None:
            os.close(self._init)
            self._init = None
        if self.process:
            await self.wait()
        for file in (self._output, self._status, self._forked):
            if file:
                file.close()
        self._output = self._status = self._forked = None
        if self._folder is not None and not restart:
            self._folder.chmod(0o700)
            try:
                shutil.rmtree(self._folder)
            except OSError as error:  # a student may have put folders there that cannot be read
                self.log.warning("Sandbox: could not remove %s: %s", self._folder, error)
            self._folder = None
        await super().cleanup(restart)


def give_to_new_user(folder: Path) -> int:
    """Give a folder to a user of whom there is no process: root's own have no limit in number.

    Returns:
        The user's number.
    """
    user = 30000 + secrets.randbelow(30000)  # Debian gives these numbers to nobody
    for path in (folder, *folder.iterdir()):
        os.chown(path, user, user, follow_symlinks=False)
    return user


@functools.cache
def fork_server(modules: tuple[str, ...]) -> tuple[ForkServer, str]:
    """Start this process's fork server, or find it.

    Returns:
        The server, and its home: an empty folder, whose path is in what the modules remember.
    """
    home = tempfile.mkdtemp(prefix="nexa-home-")
    server = ForkServer(list(modules), ENVIRONMENT | {"HOME": home})
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.close)
    return server, home


def open_pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Make a pipe: the end to read, and the end to write; neither holds anything back."""
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


def processes_below(*roots: int) -> set[psutil.Process]:
    """List processes and their descendants; of one that has ended, there are none."""
    found: set[psutil.Process] = set()
    for root in roots:
        try:
            process = psutil.Process(root)
            found |= {process, *process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def resident(process: psutil.Process) -> int:
    """Measure the memory of a process, in bytes; pages that two share count twice."""
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
