"""The solved notebook in its profiles: seconds, memory, seconds per section.

It is executed as `make course` executes it. Papermill's own engine writes the notebook before and
after each cell, and takes some twenty seconds longer.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil

from authoring.assignment import NEXACODE
from authoring.execute import section_times
from authoring.make_course import lend_ready_made
from benchmarks.common import ROOT, Figure, save

GOALS = {"full": (300.0, 4.0), "fast": (50.0, None)}


def watch_memory(process: psutil.Process, peak: list[float], done: threading.Event) -> None:
    """Add up the resident memory of a process and its children ten times per second."""
    while not done.wait(0.1):
        total = 0
        for member in [process, *process.children(recursive=True)]:
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak[0] = max(peak[0], total / 1e9)


def run(profile: str, output: Path) -> tuple[float, float]:
    """Execute the notebook in a process of its own.

    Returns:
        Wall seconds, and the peak of the resident memory of the process tree in GB.
    """
    start = time.monotonic()
    script = (  # not this module: its imports bring torch, which takes seconds to load
        "import json, sys; from pathlib import Path; from authoring.execute import execute; "
        "execute(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))"
    )
    parameters = json.dumps({"PROFILE": profile, "DATA_SOURCE": "embedded"})
    command = [sys.executable, "-c", script, str(NEXACODE.source_notebook), str(output), parameters]
    with subprocess.Popen(command, cwd=ROOT) as process:
        peak, done = [0.0], threading.Event()
        watcher = threading.Thread(
            target=watch_memory, args=(psutil.Process(process.pid), peak, done)
        )
        watcher.start()
        code = process.wait()
        done.set()
        watcher.join()
    if code:
        raise SystemExit(f"profile {profile}: the run ended with {code}")
    return time.monotonic() - start, peak[0]


def main() -> None:
    """Run both profiles."""
    folder = ROOT / "build" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    lend_ready_made(NEXACODE, folder)
    figures = []
    for profile, (seconds_goal, memory_goal) in GOALS.items():
        output = folder / f"{profile}.ipynb"
        seconds, memory = run(profile, output)
        goal = f"<= {seconds_goal:g}"
        figures.append(Figure(f"{profile}: wall time", seconds, "s", goal, seconds <= seconds_goal))
        if memory_goal is None:
            figures.append(Figure(f"{profile}: peak memory", memory, "GB"))
        else:
            goal, met = f"<= {memory_goal:g}", memory <= memory_goal
            figures.append(Figure(f"{profile}: peak memory", memory, "GB", goal, met))
        sections = section_times(nbformat.read(output, as_version=4))
        figures += [Figure(f"{profile}: {name}", spent, "s") for name, spent in sections.items()]
    note = "Embedded conversations. Memory: sum of resident sizes of papermill and the kernel."
    save("profiles", "The solved notebook", figures, note)


if __name__ == "__main__":
    main()
