"""The processes of one sandbox: what they say, whether they run, and how they end."""

import json
import os
import select
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, Any

from nexa_grade.execution.bubblewrap import SandboxError
from nexa_grade.execution.fork_server import ForkServer


class RunningSandbox:
    """A sandbox, from the moment before bubblewrap starts until every process has ended."""

    def __init__(self) -> None:
        # What its processes say outside of Jupyter.
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.status, self.status_writer = open_pipe()  # bubblewrap writes once more when it ends
        self.init: int | None = None  # pidfd of its first process: when it ends, all have ended
        self.roots: tuple[int, ...] = ()  # process ids; all of its processes are these or below
        self.forked: IO[bytes] | None = None  # the exit status of a forked kernel comes here

    def take_hold(self, bubblewrap: subprocess.Popen[bytes]) -> None:
        """Take hold of the first process, which bubblewrap names.

        Raises:
            SandboxError: bubblewrap failed.
        """
        self.status_writer.close()
        try:
            init = json.loads(self.status.readline())["child-pid"]
            self.init, self.roots = os.pidfd_open(init), (init,)
        except (ValueError, ProcessLookupError):  # no status, or it has ended already
            bubblewrap.wait()
            raise SandboxError(f"bubblewrap failed: {self.said()}") from None

    def wait_until_made(self, bubblewrap: subprocess.Popen[bytes]) -> None:
        """Wait until ``cat``, which holds the sandbox open, gives back a line.

        Raises:
            SandboxError: bubblewrap failed.
        """
        assert bubblewrap.stdin is not None and bubblewrap.stdout is not None
        with suppress(BrokenPipeError):
            bubblewrap.stdin.write(b"made?\n")
            bubblewrap.stdin.flush()
        if not bubblewrap.stdout.readline():
            raise SandboxError(f"bubblewrap failed: {self.said()}")

    def fork(self, server: ForkServer, request: dict[str, Any]) -> None:
        """Let the fork server put a process into the sandbox.

        Raises:
            BrokenPipeError: The fork server has ended; other errors of sockets mean the same.
            SandboxError: The fork server failed.
        """
        assert self.init is not None
        self.forked, writer = open_pipe()
        with writer:
            server.fork(request, [self.init, writer.fileno(), self.output.fileno()])
        process = self.forked.readline()
        if not process:
            raise SandboxError(f"the fork server failed: {self.said()}")
        self.roots += (int(process),)

    def forked_status(self) -> int | None:
        """Give the forked process's exit status; None while it runs, or where there is none."""
        if self.forked and select.select([self.forked], [], [], 0)[0]:
            return int(self.forked.readline() or 1)
        return None

    def said(self) -> str:
        """Read the end of what its processes wrote; it may be a student's text."""
        size = os.fstat(self.output.fileno()).st_size
        text = os.pread(self.output.fileno(), 2000, max(0, size - 2000))
        return ascii(text.decode(errors="replace").strip())

    def end(self) -> None:
        """End every process of the sandbox at once."""
        if self.init is None:
            return
        try:
            signal.pidfd_send_signal(self.init, signal.SIGKILL)
        except ProcessLookupError:
            return  # it has ended
        ended = select.poll()
        ended.register(self.init, select.POLLIN)
        if not ended.poll(60_000):  # ms
            raise SandboxError("the sandbox did not end within 60 s of being killed")

    def close(self) -> None:
        """Close the files; the processes have ended."""
        for file in (self.output, self.status, self.status_writer, self.forked):
            if file:
                file.close()
        if self.init is not None:
            os.close(self.init)
            self.init = None


def open_pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Make a pipe: the end to read, and the end to write; neither holds anything back."""
    reader, writer = os.pipe()
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)
