"""``make course`` and ``make solutions``: from the source notebook to what people hand out.

The reference submission is graded in a folder of its own, ``build/course/<name>/``, so that an
instructor's gradebook never meets a student who does not exist. The grading itself is nbgrader's,
from its command line.
"""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbformat import NotebookNode

from authoring import write_ready_made
from authoring.assignment import ROOT, Assignment, add_option
from authoring.execute import execute, print_section_times, solved_copy
from authoring.graded_cells import is_graded_by_machine, todo_number
from authoring.nbgrader_commands import (
    CourseError,
    Scores,
    prepare_course,
    read_scores,
    run_nbgrader,
)

REFERENCE = "reference"


class Steps:
    """The steps of a run, announced as they begin and timed."""

    def __init__(self) -> None:
        """Count set-up as the first assignment's first step where make says when it began."""
        began = float(os.environ.pop("NEXA_STARTED", time.time()))
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


def publish_release(assignment: Assignment) -> None:
    """Copy the generated release into the repository's ``release/``."""
    made, kept = assignment.course / "release" / assignment.name, assignment.release
    notebook = assignment.release_notebook
    same = notebook.exists() and filecmp.cmp(made / notebook.name, notebook, shallow=False)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(made, kept)
    print(f"  {assignment.shorten(notebook)}: {'unchanged' if same else 'new'}")


def grade_reference(assignment: Assignment) -> Scores:
    """Hand in the source folder and grade it.

    Returns:
        Score and maximum by grade id, for the cells that a machine grades.
    """
    target = assignment.course / "submitted" / REFERENCE / assignment.name
    shutil.copytree(assignment.source, target)
    run_nbgrader(assignment.course, "autograde", assignment.name, "--student", REFERENCE)
    scores = read_scores(assignment, assignment.course, [REFERENCE])[REFERENCE]
    cells = nbformat.read(assignment.source_notebook, as_version=4).cells
    names = [cell.metadata.nbgrader.grade_id for cell in cells if is_graded_by_machine(cell)]
    return {name: scores[name] for name in names if name in scores}


def print_scores(scores: Scores) -> None:
    """Print points per TODO, and the cells that lost some."""
    for todo in sorted({todo_number(grade_id) for grade_id in scores}):
        cells = [pair for grade_id, pair in scores.items() if todo_number(grade_id) == todo]
        got, of = (sum(column) for column in zip(*cells, strict=True))
        print(f"  TODO {todo}   {got:5g} of {of:3g} points   {len(cells)} graded cells")
    got, of = (sum(column) for column in zip(*scores.values(), strict=True))
    print(f"  all      {got:5g} of {of:3g} points   (the rest is graded by hand)")


def check_scores(assignment: Assignment, scores: Scores) -> None:
    """Insist that the reference submission has every automatic point.

    Raises:
        CourseError: There is nothing to grade, or a cell lost points.
    """
    if not scores:
        name = assignment.shorten(assignment.source_notebook)
        raise CourseError(f"{name} contains no cell that a machine grades")
    lost = [f"{name} ({got:g} of {of:g})" for name, (got, of) in scores.items() if got < of]
    if lost:
        graded = assignment.course / "autograded" / REFERENCE / assignment.name
        where = assignment.shorten(graded / assignment.notebook_name)
        raise CourseError(f"the reference submission lost points: {', '.join(lost)}. See {where}")


def lend_ready_made(assignment: Assignment, folder: Path) -> None:
    """Put the ready-made files beside a notebook that will be executed, as students have them."""
    link = folder / "ready_made"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():  # an earlier run's, perhaps of another assignment
        link.unlink()
    if assignment.ready_made.is_dir() and not link.exists():
        link.symlink_to(assignment.ready_made)


def execute_source(
    assignment: Assignment,
    output: Path,
    source: Path | None = None,
    switched_on: Sequence[str] = (),
) -> NotebookNode:
    """Execute the solved notebook on the embedded data, profile ``NEXA_PROFILE`` or full.

    Args:
        assignment: Whose notebook.
        output: Where the executed notebook is written.
        source: Another notebook to execute in place of the assignment's.
        switched_on: Settings of the notebook that are True in this run.

    Raises:
        CourseError: A cell failed.
    """
    profile = os.environ.get("NEXA_PROFILE") or "full"
    parameters: dict[str, Any] = {"DATA_SOURCE": "embedded", "PROFILE": profile}
    parameters |= dict.fromkeys(switched_on, True)
    lend_ready_made(assignment, output.parent)
    try:
        return execute(source or assignment.source_notebook, output, parameters)
    except papermill.PapermillExecutionError as error:
        where = assignment.shorten(output)
        raise CourseError(f"a cell failed, {error.ename}: {error.evalue}. See {where}") from error


def make_course(assignment: Assignment) -> None:
    """Generate the release, execute the solved notebook, grade the reference, and report."""
    steps = Steps()
    with steps.step("Generating release/ with nbgrader"):
        shutil.rmtree(assignment.course, ignore_errors=True)
        prepare_course(assignment, assignment.course)
        publish_release(assignment)
    with steps.step("Executing the solved notebook with papermill"):
        executed = execute_source(assignment, assignment.executed)
    with steps.step("Grading the reference submission with nbgrader"):
        scores = grade_reference(assignment)

    print("\n== Seconds per section")
    print_section_times(executed)
    print("\n== Seconds per step")
    steps.report()
    print("\n== Reference submission, points by machine")
    print_scores(scores)
    check_scores(assignment, scores)
    print("\n== Where to look")
    print(f"  {assignment.shorten(assignment.executed)}   the solved notebook with its plots")
    print(f"  {assignment.shorten(assignment.release_notebook)}   what students get")


def execute_and_save(assignment: Assignment, output: Path) -> NotebookNode:
    """Execute the solved notebook, full profile, and write the ready-made results.

    Returns:
        The executed notebook, with one cell more than the source.
    """
    notebook = nbformat.read(assignment.source_notebook, as_version=4)
    code = f"""
from authoring.assignment import find_assignment
from authoring.write_ready_made import save
save(find_assignment({assignment.name!r}), globals())
"""
    notebook.cells.append(nbformat.v4.new_code_cell(code.strip(), id="save-ready-made"))
    longer = output.with_suffix(".source.ipynb")
    longer.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, longer)
    return execute_source(assignment, output, longer, assignment.long_runs)


def make_solutions(assignment: Assignment) -> None:
    """Execute the solved notebook and keep it, outputs included, in ``solutions/``.

    With the full profile, the results that a stuck student can load are kept too, and their
    hashes in the notebook.
    """
    sync = [sys.executable, "-m", "authoring.sync", "--assignment", assignment.name]
    subprocess.run(sync, check=True, cwd=ROOT)  # the self-check knows cells by their text
    output = assignment.executed_solution
    is_full = (os.environ.get("NEXA_PROFILE") or "full") == "full"
    if is_full and assignment.results:
        executed = execute_and_save(assignment, output)
        write_ready_made.pin(assignment)
        subprocess.run(sync, check=True, cwd=ROOT)
    else:
        executed = execute_source(assignment, output)
    source = nbformat.read(assignment.source_notebook, as_version=4)
    target = assignment.solved_notebook
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(solved_copy(source, executed), target)
    print(f"{assignment.shorten(target)} is up to date; now run `make release`")


def main() -> int:
    """Make the course, or with the argument ``solutions`` the solved notebook."""
    parser = argparse.ArgumentParser(description="Make the course, or the solved notebook.")
    parser.add_argument("what", nargs="?", choices=("course", "solutions"), default="course")
    add_option(parser)
    options = parser.parse_args()
    make: Callable[[Assignment], None]
    make = make_solutions if options.what == "solutions" else make_course
    try:
        for assignment in options.assignments:
            make(assignment)
    except CourseError as error:
        print(f"\nStopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
