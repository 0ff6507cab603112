"""``make course`` and ``make solutions``: from the source notebook to what people hand out.

The reference submission is graded in a course folder of its own, ``build/course``, so that an
instructor's gradebook never meets a student who does not exist. The grading itself is nbgrader's,
from its command line.
"""

import filecmp
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode

from authoring import write_ready_made as ready_made_files
from authoring.execute import Heartbeat, execute, print_section_times, solved_copy

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = "nexacode"
NOTEBOOK = Path(ASSIGNMENT, f"{ASSIGNMENT}.ipynb")
SOURCE = ROOT / "source" / NOTEBOOK
READY_MADE = SOURCE.parent / "ready_made"
EXECUTED = ROOT / "build" / f"{ASSIGNMENT}.ipynb"
COURSE = ROOT / "build" / "course"
REFERENCE = "reference"
TODO_OF_GRADE_ID = re.compile(r"todo(\d+)-")


class CourseError(Exception):
    """Something that stops the course from being made, in words for the person at the terminal."""


class Steps:
    """The steps of a run, announced as they begin and timed."""

    def __init__(self) -> None:
        """Count set-up as the first step where make says when it began."""
        began = float(os.environ.get("NEXA_STARTED", time.time()))
        self.seconds = {"set-up": time.time() - began}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step and take its time."""
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started

    def report(self) -> None:
        """Print the time of each step and of all."""
        for name, seconds in self.seconds.items():
            print(f"  {seconds:7.1f} s  {name}")
        print(f"  {sum(self.seconds.values()):7.1f} s  in all")


def run_nbgrader(*arguments: str) -> None:
    """Run one nbgrader command in ``build/course``.

    Raises:
        CourseError: It failed; the message ends with what nbgrader said.
    """
    command = [sys.executable, "-m", "nbgrader", *arguments]
    with Heartbeat(lambda: f"nbgrader {' '.join(arguments)}"):
        done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise CourseError(f"nbgrader {arguments[0]} failed:\n{said}")


def prepare_course() -> None:
    """Set up ``build/course``: the source, nbgrader's settings and the reference submission."""
    shutil.rmtree(COURSE, ignore_errors=True)
    shutil.copytree(SOURCE.parent, COURSE / "source" / ASSIGNMENT)
    shutil.copytree(SOURCE.parent, COURSE / "submitted" / REFERENCE / ASSIGNMENT)
    shutil.copy(ROOT / "nbgrader_config.py", COURSE)


def publish_release() -> None:
    """Copy the generated release into the repository's ``release/``."""
    made, kept = COURSE / "release" / ASSIGNMENT, ROOT / "release" / ASSIGNMENT
    notebook = kept / NOTEBOOK.name
    same = notebook.exists() and filecmp.cmp(made / NOTEBOOK.name, notebook, shallow=False)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(made, kept)
    print(f"  {notebook.relative_to(ROOT)}: {'unchanged' if same else 'new'}")


def read_scores() -> dict[str, tuple[float, float]]:
    """Read the reference submission's automatic scores.

    Returns:
        Score and maximum by grade id, for the cells that a machine grades.
    """
    from nbgrader.api import Gradebook  # takes seconds to import

    cells = nbformat.read(SOURCE, as_version=4).cells
    by_machine = {
        info["grade_id"]
        for info in (cell.metadata.get("nbgrader", {}) for cell in cells)
        if info.get("grade") and not info.get("solution")
    }
    with Gradebook(f"sqlite:///{COURSE / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, REFERENCE)
        return {
            grade.name: (grade.auto_score or 0.0, grade.max_score)
            for grade in notebook.grades
            if grade.name in by_machine
        }


def todo_number(grade_id: str) -> int:
    """Tell the TODO that a graded cell belongs to, 0 for none."""
    match = TODO_OF_GRADE_ID.match(grade_id)
    return int(match[1]) if match else 0


def print_scores(scores: dict[str, tuple[float, float]]) -> None:
    """Print points per TODO, and the cells that lost some."""
    for todo in sorted({todo_number(grade_id) for grade_id in scores}):
        cells = [pair for grade_id, pair in scores.items() if todo_number(grade_id) == todo]
        got, of = (sum(column) for column in zip(*cells, strict=True))
        print(f"  TODO {todo}   {got:5g} of {of:3g} points   {len(cells)} graded cells")
    got, of = (sum(column) for column in zip(*scores.values(), strict=True))
    print(f"  all      {got:5g} of {of:3g} points   (the rest is graded by hand)")


def check_scores(scores: dict[str, tuple[float, float]]) -> None:
    """Insist that the reference submission has every automatic point.

    Raises:
        CourseError: There is nothing to grade, or a cell lost points.
    """
    if not scores:
        raise CourseError(f"{SOURCE.relative_to(ROOT)} holds no cell that a machine grades")
    lost = [f"{name} ({got:g} of {of:g})" for name, (got, of) in scores.items() if got < of]
    if lost:
        where = (COURSE / "autograded" / REFERENCE / NOTEBOOK).relative_to(ROOT)
        raise CourseError(f"the reference submission lost points: {', '.join(lost)}. See {where}")


def execute_source(output: Path, source: Path = SOURCE) -> NotebookNode:
    """Execute the solved notebook on the embedded data, profile ``NEXA_PROFILE`` or full.

    Raises:
        CourseError: A cell failed.
    """
    profile = os.environ.get("NEXA_PROFILE") or "full"
    parameters = {"DATA_SOURCE": "embedded", "PROFILE": profile}
    try:
        return execute(source, output, parameters)
    except papermill.PapermillExecutionError as error:
        where = output.relative_to(ROOT)
        raise CourseError(f"a cell failed, {error.ename}: {error.evalue}. See {where}") from error


def make_course() -> None:
    """Generate the release, execute the solved notebook, grade the reference, and report."""
    steps = Steps()
    with steps.step("Generating release/ with nbgrader"):
        prepare_course()
        run_nbgrader("generate_assignment", ASSIGNMENT)
        publish_release()
    with steps.step("Executing the solved notebook with papermill"):
        executed = execute_source(EXECUTED)
    with steps.step("Grading the reference submission with nbgrader"):
        run_nbgrader("autograde", ASSIGNMENT, "--student", REFERENCE)
        scores = read_scores()

    print("\n== Seconds per section")
    print_section_times(executed)
    print("\n== Seconds per step")
    steps.report()
    print("\n== Reference submission, points by machine")
    print_scores(scores)
    check_scores(scores)
    print("\n== Where to look")
    print(f"  {EXECUTED.relative_to(ROOT)}   the solved notebook with its plots")
    print(f"  {Path('release', NOTEBOOK)}   what students get")


def execute_and_save(output: Path) -> NotebookNode:
    """Execute the solved notebook, full profile, and write the ready-made results.

    Returns:
        The executed notebook, with one cell more than the source.
    """
    notebook = nbformat.read(SOURCE, as_version=4)
    code = f"""
from authoring import write_ready_made as ready_made_files
ready_made_files.save(globals(), Path({str(READY_MADE)!r}))
"""
    notebook.cells.append(nbformat.v4.new_code_cell(code.strip(), id="save-ready-made"))
    longer = output.with_suffix(".source.ipynb")
    longer.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, longer)
    return execute_source(output, longer)


def make_solutions() -> None:
    """Execute the solved notebook and keep it, outputs included, in ``solutions/``.

    With the full profile, the results that a stuck student can load are kept too, and their
    hashes in the notebook.
    """
    sync = [sys.executable, "-m", "authoring.sync"]
    subprocess.run(sync, check=True, cwd=ROOT)  # the self-check knows cells by their text
    output = ROOT / "build" / "solutions" / NOTEBOOK.name
    if (os.environ.get("NEXA_PROFILE") or "full") == "full":
        executed = execute_and_save(output)
        ready_made_files.pin(READY_MADE)
        subprocess.run(sync, check=True, cwd=ROOT)
    else:
        executed = execute_source(output)
    source = nbformat.read(SOURCE, as_version=4)
    target = ROOT / "solutions" / NOTEBOOK
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(solved_copy(source, executed), target)
    print(f"{target.relative_to(ROOT)} is up to date; now run `make release`")


def main(arguments: list[str]) -> int:
    """Make the course, or with the argument ``solutions`` the solved notebook."""
    make = make_solutions if arguments == ["solutions"] else make_course
    try:
        make()
    except CourseError as error:
        print(f"\nStopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
