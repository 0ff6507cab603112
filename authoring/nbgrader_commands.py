"""nbgrader from its own command line, in a course folder made for it, and the scores it gave."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from authoring.assignment import Assignment
from authoring.execute import Heartbeat

Scores = dict[str, tuple[float, float]]  # score and maximum by grade id


class CourseError(Exception):
    """Something that stops the course from being made, in words for the person at the terminal."""


def run_nbgrader(folder: Path, *arguments: str) -> None:
    """Run one nbgrader command in a course folder; its output is added to ``nbgrader.log``.

    Raises:
        CourseError: It failed; the message ends with what nbgrader said.
    """
    command = [sys.executable, "-m", "nbgrader", *arguments]
    with Heartbeat(lambda: f"nbgrader {' '.join(arguments)}"):
        done = subprocess.run(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    with (folder / "nbgrader.log").open("a") as log:
        log.write(done.stdout)
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-15:])
        raise CourseError(f"nbgrader {arguments[0]} failed:\n{said}")


def prepare_course(
    assignment: Assignment, folder: Path, source: NotebookNode | None = None
) -> None:
    """Set up a course folder and generate the release in it.

    Args:
        assignment: Whose settings and source go into the folder.
        folder: The course folder; it must not exist.
        source: The instructor's notebook; None means the source folder with all of its files.
    """
    target = folder / "source" / assignment.name
    if source is None:
        shutil.copytree(assignment.source, target)
    else:
        target.mkdir(parents=True)
        nbformat.write(source, target / assignment.notebook_name)
    shutil.copy(assignment.settings, folder)
    run_nbgrader(folder, "generate_assignment", assignment.name)


def read_scores(assignment: Assignment, folder: Path, students: Iterable[str]) -> dict[str, Scores]:
    """Read automatic scores from the gradebook of a course folder.

    Returns:
        Scores by student, ``{}`` where nothing was graded; a cell without a score counts 0.
    """
    from nbgrader.api import Gradebook, MissingEntry  # takes seconds to import

    name = assignment.name
    found: dict[str, Scores] = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for student in students:
            try:
                grades = gradebook.find_submission_notebook(name, name, student).grades
            except MissingEntry:
                grades = []
            found[student] = {
                each.name: (each.auto_score or 0.0, each.max_score) for each in grades
            }
    return found
