"""Run ``python -m module ...`` in a fork of a process that has already imported nbgrader.

The same code runs, in a process of its own with its own folder, environment and output; what is
saved is three seconds of imports for each command.
"""

import atexit
import contextlib
import functools
import io
import multiprocessing
import multiprocessing.forkserver
import multiprocessing.util
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from warm_kernels import VARIABLE, fork_kernels, server_address

SECONDS = 600
IMPORTED = [
    "nbgrader.apps",
    "nbconvert.exporters",
    "distributed",
    "nexa_grade.command",
    "nexa_grade.run.grade_one",
    "nexa_grade.results.class_report",
]
MODULE, CODE = "-m", "-c"
NEXA_GRADE = "nexa_grade.command"  # its workers come from a fork server of its own


@functools.cache
def fork_server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@functools.cache
def fresh_path() -> list[str]:
    """What ``sys.path`` contains where Python starts, without this folder of tests."""
    code = "import sys; print('\\n'.join(sys.path[1:]))"
    return subprocess.check_output([sys.executable, "-c", code], text=True).split("\n")[:-1]


def run_python(
    arguments: Sequence[str],
    folder: Path,
    seconds: float = SECONDS,
    preload: Sequence[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Python with ``-m module ...`` or ``-c code ...``, as ``subprocess.run`` would.

    With ``preload``, its kernels are forks, too, of a process that has imported these modules.

    Raises:
        subprocess.TimeoutExpired: It took longer; the process has been killed.
    """
    command = [sys.executable, *arguments]
    variables = dict(os.environ)
    if preload is not None:
        variables[VARIABLE] = server_address(tuple(preload))
    with tempfile.TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        process = fork_server().Process(
            target=become_python,
            args=(list(arguments), str(folder), variables, fresh_path(), out, err),
        )
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(command, seconds)
        texts = (path.read_text() if path.exists() else "" for path in (out, err))
        return subprocess.CompletedProcess(command, process.exitcode, *texts)


def become_python(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    path: list[str],
    out: Path,
    err: Path,
) -> None:
    """Turn a forked process into what ``python`` with these arguments is."""
    with out.open("wb") as stdout, err.open("wb") as stderr:
        sys.stdout, sys.stderr = redirected(stdout, 1), redirected(stderr, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if VARIABLE in environment:
        fork_kernels(environment[VARIABLE])
    if any(NEXA_GRADE in argument for argument in arguments):
        fork_fork_server()
    sys.path[:] = ["" if arguments[0] == CODE else folder, *path]
    try:
        if arguments[0] == CODE:
            sys.argv = [CODE, *arguments[2:]]
            exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = arguments[1:]
            if not hasattr(sys.modules.get(arguments[1]), "__path__"):  # no package: it runs anew
                sys.modules.pop(arguments[1], None)
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a forked process leaves without them
        sys.stdout.flush()
        sys.stderr.flush()


def fork_fork_server() -> None:
    """Let this process's fork server be a fork of it: it has imported all that workers need."""
    start = multiprocessing.util.spawnv_passfds

    def spawn(path: str | bytes, arguments: list[str], descriptors: Sequence[int]) -> int:
        if "multiprocessing.forkserver" not in arguments[-1]:
            return start(path, arguments, descriptors)
        server = os.fork()
        if server == 0:
            become_fork_server(arguments[-1], descriptors)
        return server

    multiprocessing.util.spawnv_passfds = spawn
    multiprocessing.forkserver.ensure_running()  # now, while there is one thread


def become_fork_server(code: str, descriptors: Sequence[int]) -> None:
    """Run what a started Python would, with the files that it would have; never returns."""
    kept = {0, 1, 2, *descriptors}
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number not in kept:
            with contextlib.suppress(OSError):  # that of the listing is closed already
                os.close(number)
    try:
        exec(code, {"__name__": "__main__"})
    finally:
        os._exit(0)  # below on the stack is the command


def redirected(file: BinaryIO, descriptor: int) -> io.TextIOWrapper:
    os.dup2(file.fileno(), descriptor)
    binary = os.fdopen(descriptor, "wb", closefd=False)
    return io.TextIOWrapper(binary, "utf-8", line_buffering=descriptor == 2)
