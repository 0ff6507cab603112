"""Runs `runner` in a fresh process, in the sandbox where there is one, and reads what it says."""

import asyncio
import json
import logging
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config

from nexa_grade.execution.environment import ENVIRONMENT
from nexa_grade.execution.mounts import SUBMISSION
from nexa_grade.execution.sandbox import BubblewrapProvisioner
from nexa_grade.execution.socket_folder import SocketFolder

RUNNER = Path(__file__).with_name("runner.py")
PLACE = "second-look"  # a folder beside the student's files
MOST_BYTES = 4 * 2**20  # of all that a process says
MOST_FILE = 256 * 2**20  # bytes that it may write into one file, where no sandbox limits it
VARIABLES = {"NBGRADER_EXECUTION": "autograde", "TOKENIZERS_PARALLELISM": "false"}
SECONDS_BETWEEN_LOOKS = 0.5  # at memory


@dataclass(frozen=True)
class Limits:
    """How long a process may take, in seconds."""

    probe: float
    in_all: float  # for the probes; the definitions before them have as much again


class LookProvisioner(BubblewrapProvisioner):
    """The sandbox of kernels, with a script in the place of the kernel."""

    def forkable(self, cmd: list[str]) -> dict[str, list[str]]:
        """Say what a forked process becomes: the script."""
        return {"script": cmd[cmd.index(sys.executable) + 1 :]}

    async def say(self, folder: Path, seconds: float) -> bytes:
        """Run the script of a folder.

        Returns:
            What it wrote to stdout, up to ``MOST_BYTES``.

        Raises:
            SandboxError: bubblewrap or the fork server failed.
        """
        place = f"{SUBMISSION}/{PLACE}"
        cmd = [sys.executable, f"{place}/{RUNNER.name}", f"{place}/request.json"]
        self.sockets = SocketFolder()
        try:
            await self.launch(cmd, ENVIRONMENT | VARIABLES, str(folder))
            return self._listen(seconds)
        finally:
            await self.kill()
            if self.process:
                self.process.wait()
            await self.cleanup()

    async def poll(self) -> int | None:
        """Tell whether bubblewrap is running; limits are looked at elsewhere."""
        return self.process.poll() if self.process else 0

    def _listen(self, seconds: float) -> bytes:
        """Wait until the script has ended, has run too long, or holds too much memory."""
        assert self.sandbox is not None
        deadline = time.monotonic() + seconds
        watched = self.sandbox.forked.fileno() if self.sandbox.forked else self.sandbox.init
        assert watched is not None
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select([watched], [], [], min(left, SECONDS_BETWEEN_LOOKS))[0]
            if ready or self.excess():
                break
        return os.pread(self.sandbox.output.fileno(), MOST_BYTES, 0)


def run_outside(folder: Path, seconds: float) -> bytes:
    """Run the script of a folder without a sandbox, with the rights of whoever runs the grader."""
    place = folder / PLACE
    cmd = [sys.executable, "-P", "-s", str(place / RUNNER.name), str(place / "request.json")]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            cmd, cwd=folder, env={**ENVIRONMENT, **VARIABLES}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return os.pread(output.fileno(), MOST_BYTES, 0)


def run_request(
    request: dict[str, Any], files: Path | None, limits: Limits, config: Config
) -> dict[str, list[dict[str, Any]]]:
    """Run a request in a fresh process.

    Args:
        request: See ``runner.answer``; its time limits are set here.
        files: The files that lie beside the notebook; None for none. Notebooks stay out.
        limits: How long it may take.
        config: ``SandboxedExecute.sandbox`` says whether in a sandbox, ``BubblewrapProvisioner``
            in which.

    Returns:
        For each probe that gave results, its results: at most one per case, each with ``got`` or
        ``error``. They may be anything that JSON can say.

    Raises:
        SandboxError: This machine has no sandbox.
    """
    request = request | {"seconds": limits.probe, "seconds_in_all": limits.in_all}
    seconds = 2 * limits.in_all + 10  # a start without preloaded modules takes a few
    with tempfile.TemporaryDirectory(prefix="nexa-look-") as name:
        folder = Path(name)
        if files is not None:
            shutil.copytree(files, folder, dirs_exist_ok=True, symlinks=True,
                            ignore=shutil.ignore_patterns("*.ipynb", PLACE))  # fmt: skip
        place = folder / PLACE
        place.mkdir()
        shutil.copy(RUNNER, place)
        (place / "request.json").write_text(json.dumps(request))
        if config.SandboxedExecute.sandbox:
            silent = logging.Logger("second look", logging.CRITICAL)
            said = asyncio.run(LookProvisioner(config=config, log=silent).say(folder, seconds))
        else:
            said = run_outside(folder, seconds)
    return read_results(said)


def read_results(said: bytes) -> dict[str, list[dict[str, Any]]]:
    """Read what a process that nobody trusts has said; what is not in order is left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in said.splitlines():
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            answer = json.loads(line)
            results = json.loads(answer["results"])
            if isinstance(results, list) and all(isinstance(each, dict) for each in results):
                found.setdefault(str(answer["probe"]), results)
    return found
