"""A process that has imported the slow libraries once, and forks a kernel for each submission.

The forked process enters a sandbox that bubblewrap has made (`setns`), gives up every privilege
and becomes an IPython kernel. Student code can read what it inherits. So this file runs as a
script, by its path, in a clean environment; it imports nothing of the course, keeps no secret, and
its Python is a sealed copy in memory: /proc/self/exe leads to nothing of the instructor's.
"""

import ctypes
import fcntl
import gc
import importlib
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

# Mount, cgroup, UTS, IPC, user, PID and network namespaces (CLONE_NEW* of sched.h).
NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
USER_NAMESPACE = 0x10000000
# prctl.h
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3 = 0x20080522  # capability.h
MESSAGE_BYTES = 2**16
KERNEL = (  # what a kernel imports when it starts, at its first magic and at its first traceback
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.magics.execution",
    "IPython.core.magics.pylab",
    "stack_data",
    "pygments.formatters.terminal256",
)


class ForkServer:
    """The grader's end: starts the process, and asks it for kernels."""

    def __init__(self, modules: list[str], environment: dict[str, str]):
        """Start the process and wait until it has imported the modules.

        Args:
            modules: Names of modules to import.
            environment: Its variables, and nothing else of this process's.

        Raises:
            RuntimeError: It ended before it was ready; its own words went to stderr.
        """
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(sealed_copy(Path(sys.executable)), "rb") as python:
            command = [sys.executable, "-P", "-s", __file__, str(theirs.fileno())]
            self.process = subprocess.Popen(
                [*command, json.dumps(modules)],
                executable=f"/proc/self/fd/{python.fileno()}",
                pass_fds=[theirs.fileno(), python.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        if not self.socket.recv(MESSAGE_BYTES):
            raise RuntimeError(f"the fork server ended with status {self.process.wait()}")

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Ask for a kernel; see `enter` for what a request holds."""
        socket.send_fds(self.socket, [json.dumps(request).encode()], descriptors)

    def close(self) -> None:
        """End the process; the kernels that it has forked go on."""
        self.socket.close()
        self.process.wait()


def sealed_copy(python: Path) -> int:
    """Copy a program into memory that nobody can write any more.

    Returns:
        The file descriptor.
    """
    copy = os.memfd_create("python", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with python.open("rb") as source, open(copy, "wb", closefd=False) as target:
        target.write(source.read())
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, seals)
    return copy


def serve(connection: socket.socket, modules: list[str]) -> None:
    """Import the modules, then fork a kernel for each request until the grader hangs up."""
    for name in [*modules, *KERNEL]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every shared page
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel (Linux) buries the dead
    connection.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 3)
        if not message:
            return
        if os.fork() == 0:
            connection.close()
            enter(json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def enter(request: dict[str, Any], sandbox: int, status: int, output: int) -> None:
    """Enter a sandbox and become its kernel; never returns.

    Args:
        request: ``folder`` to work in, ``environment``, ``limits`` (soft and hard, by the names
            of prlimit), ``user`` to become (None keeps the sandbox's), ``arguments`` of ipykernel;
            or ``script``, a file and its arguments to run in the kernel's place.
        sandbox: A pidfd of the sandbox's first process.
        status: Gets two lines, the kernel's process id and, when it has ended, its exit status.
        output: Gets what the process writes outside of Jupyter.
    """
    os.dup2(output, 1)
    os.dup2(output, 2)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    flags = NAMESPACES | (0 if request["user"] else USER_NAMESPACE)
    call("setns", sandbox, flags)
    kernel = os.fork()  # the PID namespace is the child's
    if kernel:
        os.write(status, f"{kernel}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
        os.write(status, f"{code if code >= 0 else 128 - code}\n".encode())
        os._exit(0)
    os.setsid()
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    Path("/proc/self/oom_score_adj").write_text("1000")
    drop_privileges(request["user"])
    for name, limit in request["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), limit)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path_importer_cache.clear()  # it remembers folders that are out of sight now
    if request.get("script"):
        become_script(request["script"])
    become_kernel(request["arguments"])


def drop_privileges(user: int | None) -> None:
    """Give up every capability, for good, and root's identity for that of ``user``."""
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # as after an exec: its own /proc is its own


libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> None:
    """Call a function of the C library that returns 0 where all is well.

    Raises:
        OSError: It returned something else.
    """
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def become_kernel(arguments: list[str]) -> None:
    """Run IPython's kernel until it is shut down, and end the process."""
    from ipykernel.kernelapp import launch_new_instance

    code = 1
    try:
        launch_new_instance(arguments)
        code = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(code)  # below on the stack is the fork server


def become_script(command: list[str]) -> None:
    """Run a Python file, and end the process."""
    code = 1
    sys.argv = command
    try:
        runpy.run_path(command[0], run_name="__main__")
        code = 0
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    os._exit(code)  # below on the stack is the fork server


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))
