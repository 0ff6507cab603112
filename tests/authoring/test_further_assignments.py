"""Each assignment after the first, from source to feedback, by nbgrader itself."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from slow_imports import SLOW
from warm_kernels import forked_kernels
from warm_python import run_python

from authoring.assignment import ASSIGNMENTS
from authoring.execute import execute
from authoring.graded_cells import function_todos, is_graded_by_machine
from authoring.grader_report import without_experiments

STUDENTS = ("reference", "untouched")


def nbgrader(folder: Path, *arguments: str) -> None:
    done = run_python(["-m", "nbgrader", *arguments], folder, preload=SLOW)
    assert done.returncode == 0, f"nbgrader {' '.join(arguments)}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module", params=ASSIGNMENTS[1:], ids=lambda assignment: assignment.name)
def course(request, tmp_path_factory):
    """Generate the release, grade the solved notebook and the untouched release."""
    assignment = request.param
    folder = tmp_path_factory.mktemp(assignment.name)
    shutil.copytree(assignment.source, folder / "source" / assignment.name)
    shutil.copy(assignment.settings, folder)
    nbgrader(folder, "generate_assignment", assignment.name)
    released = folder / "release" / assignment.name
    for student, path in zip(STUDENTS, (assignment.source, released), strict=True):
        target = folder / "submitted" / student / assignment.name
        target.mkdir(parents=True)
        notebook = nbformat.read(path / assignment.notebook_name, as_version=4)
        shorter = without_experiments(assignment, notebook)
        nbformat.write(shorter, target / assignment.notebook_name)
    nbgrader(folder, "autograde", assignment.name)
    nbgrader(folder, "generate_feedback", assignment.name)
    return SimpleNamespace(assignment=assignment, folder=folder, released=released)


def read_points(course, student: str) -> dict[str, tuple[float, float]]:
    name = course.assignment.name
    cells = nbformat.read(course.assignment.source_notebook, as_version=4).cells
    graded = {cell.metadata.nbgrader.grade_id for cell in cells if is_graded_by_machine(cell)}
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as gradebook:
        grades = gradebook.find_submission_notebook(name, name, student).grades
        points = {grade.name: (grade.auto_score, grade.max_score) for grade in grades}
    return {name: points[name] for name in graded}


def test_the_committed_release_is_the_generated_one(course):
    made, kept = (
        {path.relative_to(base): path.read_bytes() for path in base.rglob("*") if path.is_file()}
        for base in (course.released, course.assignment.release)
    )
    assert made.keys() == kept.keys()
    stale = [path for path, data in made.items() if kept[path] != data]
    assert stale == [], "release/ is stale: run `make release`"


def test_the_reference_gets_every_point_and_the_blank_release_none(course):
    reference, untouched = (read_points(course, student) for student in STUDENTS)
    assert reference
    assert [name for name, (got, most) in reference.items() if got != most] == []
    assert [name for name, (got, _) in untouched.items() if got] == []


def test_each_gets_a_feedback_page_without_hidden_tests(course):
    for student in STUDENTS:
        name = course.assignment.name
        page = course.folder / "feedback" / student / name / f"{name}.html"
        assert "BEGIN HIDDEN TESTS" not in page.read_text()


def test_with_every_switch_the_untouched_release_runs_to_its_end(course, tmp_path):
    assignment = course.assignment
    notebook = nbformat.read(assignment.release_notebook, as_version=4)
    (tmp_path / "ready_made").symlink_to(assignment.ready_made)
    parameters = {"PROFILE": "fast", "READY_MADE": function_todos(notebook)}
    parameters |= dict(assignment.offline)
    with forked_kernels(*SLOW):
        executed = execute(assignment.release_notebook, tmp_path / "out.ipynb", parameters)
    assert all(c.execution_count for c in executed.cells if c.cell_type == "code")
