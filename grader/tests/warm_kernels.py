"""Kernels that are forks of a process that has imported ipykernel already.

nbgrader starts a Python for each notebook, which takes most of the time that a short one needs.
``run_python(..., preload=[])`` makes its kernels here: each is a process of its own with
its own folder, environment and output, as a started one is.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

VARIABLE = "NEXA_TEST_KERNELS"  # the socket of the server, for processes that start kernels
LAUNCHER = "ipykernel_launcher"
MESSAGE_BYTES = 1_000_000
KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.core.completer")


@functools.cache
def server_address(modules: tuple[str, ...] = ()) -> str:
    """Start this process's server that has imported these modules, too; or find it."""
    folder = tempfile.TemporaryDirectory(prefix="kernels-")
    address = str(Path(folder.name, "socket"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        numbers = map(str, (listener.fileno(), os.getpid()))
        command = [sys.executable, __file__, *numbers, *modules]
        server = subprocess.Popen(command, pass_fds=[listener.fileno()])

    def end() -> None:
        server.terminate()
        server.wait()
        folder.cleanup()

    atexit.register(end)
    return address


def fork_kernels(address: str) -> None:
    """Let this process's kernels be forks of the server's."""
    from jupyter_client.provisioning import local_provisioner

    start = local_provisioner.launch_kernel

    def launch_kernel(cmd: list[str], **options: Any) -> Any:
        if cmd[:3] != [sys.executable, "-m", LAUNCHER]:
            return start(cmd, **options)
        return ForkedKernel(address, cmd[3:], options.get("cwd"), options.get("env"))

    local_provisioner.launch_kernel = launch_kernel


@contextlib.contextmanager
def forked_kernels(*modules: str) -> Iterator[None]:
    """Let kernels be forks for a while, of a process that has imported these modules."""
    from jupyter_client.provisioning import local_provisioner

    start = local_provisioner.launch_kernel
    fork_kernels(server_address(modules))
    try:
        yield
    finally:
        local_provisioner.launch_kernel = start


class ForkedKernel:
    """What ``subprocess.Popen`` is for a started kernel."""

    stdin = stdout = stderr = None

    def __init__(
        self, address: str, arguments: list[str], cwd: str | None, env: dict[str, str] | None
    ):
        variables = dict(os.environ if env is None else env)
        variables.pop(VARIABLE, None)
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(address)
        request = {
            "arguments": arguments,
            "folder": cwd or str(Path.cwd()),
            "environment": variables,
        }
        socket.send_fds(self.connection, [json.dumps(request).encode() + b"\n"], [1, 2])
        self.said = self.connection.makefile("r")
        self.pid = int(self.said.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Give the exit status; None while the kernel runs."""
        if self.returncode is None and select.select([self.connection], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end."""
        if self.returncode is None:
            if not select.select([self.connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(LAUNCHER, timeout or 0)
            self.returncode = int(self.said.readline() or -signal.SIGKILL)
            self.said.close()
            self.connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the kernel."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)


# The server


def serve(listener: socket.socket, parent: int, modules: Sequence[str]) -> None:
    """Import the modules, then fork kernels on request as long as the parent lives."""
    for name in (*KERNEL, *modules):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every shared page
    while os.getppid() == parent:
        if select.select([listener], [], [], 1)[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                keep(connection)
            connection.close()
        bury_dead()


def bury_dead() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def keep(connection: socket.socket) -> None:
    """Fork a kernel; tell its process id, and its exit status at its end; never returns.

    A kernel whose asker has gone is killed.
    """
    message, descriptors, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 2)
    while not message.endswith(b"\n"):
        message += connection.recv(MESSAGE_BYTES)
    kernel = os.fork()
    if kernel == 0:
        become_kernel(connection, json.loads(message), descriptors)
    ended = os.pidfd_open(kernel)
    for descriptor in descriptors:
        os.close(descriptor)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:  # the asker sends nothing more: it has gone
        os.killpg(kernel, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    try:
        connection.send(f"{code}\n".encode())
    finally:
        os._exit(0)


def become_kernel(
    connection: socket.socket, request: dict[str, Any], descriptors: list[int]
) -> None:
    """Become IPython's kernel, in a session of its own; never returns."""
    os.setsid()
    connection.send(f"{os.getpid()}\n".encode())
    connection.close()
    for number, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"], JPY_PARENT_PID=str(os.getppid()))
    sys.argv = [LAUNCHER, *request["arguments"]]
    code = 1
    try:
        from ipykernel.kernelapp import launch_new_instance

        launch_new_instance(request["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    os._exit(code)  # below on the stack is the server


if __name__ == "__main__":
    sys.path.pop(0)  # this folder of tests, which no kernel has
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3:])
