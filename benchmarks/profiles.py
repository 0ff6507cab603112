"""The solved notebooks in their profiles: seconds, memory, seconds per section.

    python -m benchmarks.profiles                        every assignment
    python -m benchmarks.profiles --assignment NAME      one of them; the others' figures stay

They are executed as `make course` executes them. Papermill's own engine writes the notebook before
and after each cell, and takes some twenty seconds longer. "grade" is `nbgrader autograde` of the
solved notebook, on the machine's own threads.
"""

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
import psutil

from authoring.assignment import DISTILLATION, NEXACODE, REAL_MODEL, Assignment, add_option
from authoring.execute import section_times
from authoring.make_course import lend_ready_made
from authoring.nbgrader_commands import prepare_course
from benchmarks.common import RESULTS, ROOT, Figure, save

GOALS: dict[Assignment, dict[str, tuple[float, float | None]]] = {  # seconds, GB
    NEXACODE: {"full": (300.0, 4.0), "fast": (50.0, None)},
    DISTILLATION: {"full": (300.0, None), "fast": (50.0, None)},
    REAL_MODEL: {"full": (720.0, 6.0), "fast": (180.0, None), "grade": (40.0, 2.0)},
}


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


def run(command: list[str], folder: Path = ROOT) -> tuple[float, float]:
    """Run a command.

    Returns:
        Wall seconds, and the peak of the resident memory of the process tree in GB.
    """
    start = time.monotonic()
    with subprocess.Popen(command, cwd=folder) as process:
        peak, done = [0.0], threading.Event()
        watcher = threading.Thread(
            target=watch_memory, args=(psutil.Process(process.pid), peak, done)
        )
        watcher.start()
        code = process.wait()
        done.set()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)}: ended with {code}")
    return time.monotonic() - start, peak[0]


def execute_command(assignment: Assignment, profile: str, output: Path) -> list[str]:
    """Write the command that executes a solved notebook."""
    script = (  # not this module: its imports bring torch, which takes seconds to load
        "import json, sys; from pathlib import Path; from authoring.execute import execute; "
        "execute(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))"
    )
    parameters = json.dumps({"PROFILE": profile, "DATA_SOURCE": "embedded"})
    source = str(assignment.source_notebook)
    return [sys.executable, "-c", script, source, str(output), parameters]


def grade(assignment: Assignment, folder: Path) -> tuple[float, float]:
    """Let nbgrader grade the solved notebook in a new course folder."""
    shutil.rmtree(folder, ignore_errors=True)
    prepare_course(assignment, folder)
    target = folder / "submitted" / "reference" / assignment.name
    target.mkdir(parents=True)
    shutil.copy(assignment.source_notebook, target)
    return run([sys.executable, "-m", "nbgrader", "autograde", assignment.name], folder)


def measure(assignment: Assignment, folder: Path) -> list[Figure]:
    """Run one assignment in each of its profiles."""
    figures = []
    lend_ready_made(assignment, folder)
    for profile, (most_seconds, most_memory) in GOALS[assignment].items():
        label = f"{assignment.name}, {profile}"
        output = folder / f"{profile}.ipynb"
        if profile == "grade":
            seconds, memory = grade(assignment, folder / "course")
        else:
            seconds, memory = run(execute_command(assignment, profile, output))
        goal, met = f"<= {most_seconds:g}", seconds <= most_seconds
        figures.append(Figure(f"{label}: wall time", seconds, "s", goal, met))
        goal, met_memory = "", None
        if most_memory is not None:
            goal, met_memory = f"<= {most_memory:g}", memory <= most_memory
        figures.append(Figure(f"{label}: peak memory", memory, "GB", goal, met_memory))
        if profile != "grade":
            sections = section_times(nbformat.read(output, as_version=4))
            figures += [Figure(f"{label}: {name}", spent, "s") for name, spent in sections.items()]
    return figures


def kept_figures(measured: Sequence[Assignment]) -> list[Figure]:
    """Read the figures of the assignments that are not measured this time."""
    path = RESULTS / "profiles.json"
    known = json.loads(path.read_text())["figures"] if path.exists() else []
    names = tuple(f"{each.name}, " for each in measured)
    return [Figure(**row) for row in known if not row["name"].startswith(names)]


def main() -> None:
    """Run the profiles of the assignments that the command line names."""
    parser = argparse.ArgumentParser(description="Seconds and memory of the solved notebooks.")
    add_option(parser)
    chosen = parser.parse_args().assignments
    figures = kept_figures(chosen)
    for assignment in chosen:
        folder = ROOT / "build" / "benchmarks" / assignment.name
        folder.mkdir(parents=True, exist_ok=True)
        figures += measure(assignment, folder)
    order = [each.name for each in GOALS]
    figures.sort(key=lambda figure: order.index(figure.name.partition(", ")[0]))
    note = "Embedded conversations. Memory: sum of resident sizes of papermill and the kernel."
    save("profiles", "The solved notebooks", figures, note)


if __name__ == "__main__":
    main()
