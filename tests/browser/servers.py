"""A real JupyterLab server with a token, on a port that the system chooses, and its own home."""

import json
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import psutil

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)")
SECONDS_TO_START = 120
SECONDS_TO_STOP = 30
NEWS = "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"


class ServerError(Exception):
    """A server did not start; the message ends with what it said."""


class Server:
    """Where a server is, and the last lines of its log."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        self.log: deque[str] = deque(maxlen=400)
        self.found: Queue[tuple[str, str] | None] = Queue()
        self.url = self.token = ""
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Keep the log; a pipe that nobody empties would stop the server."""
        for line in self.process.stdout:
            self.log.append(line)
            if match := ADDRESS.search(line):
                self.found.put((match[1], match[2]))
        self.found.put(None)  # it ended

    def wait_until_ready(self) -> None:
        try:
            address = self.found.get(timeout=SECONDS_TO_START)
        except Empty:
            address = None
        if address is None:
            raise ServerError(f"JupyterLab did not start:\n{self.tail()}")
        self.url, self.token = address

    def tail(self, count: int = 25) -> str:
        return "".join(list(self.log)[-count:])

    def stop(self) -> None:
        """Stop the server with all its kernels, whatever state they are in."""
        try:
            family = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=5)
        for process in alive:
            process.kill()


def environment(home: Path) -> dict[str, str]:
    """The settings of whoever starts this must not matter, nor be changed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "NBGRADER", "NEXA", "XDG"))
    }
    folders = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "MPLCONFIGDIR": home / "matplotlib",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    programs = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return kept | {name: str(path) for name, path in folders.items()} | {"PATH": programs} | offline


@contextmanager
def jupyterlab(folder: Path, home: Path) -> Iterator[Server]:
    """Serve a folder, and stop the server at the end, also after an error."""
    variables = environment(home)
    settings = home / "config" / NEWS
    settings.parent.mkdir(parents=True)
    # Otherwise JupyterLab asks a newcomer, in a pop-up over the page, whether he wants news.
    settings.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    options += ["--ServerApp.open_browser=False", f"--ServerApp.root_dir={folder}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *options],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()
