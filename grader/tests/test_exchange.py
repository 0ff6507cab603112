"""The exchange of nbgrader, as on a JupyterHub: release, fetch, submit, collect, feedback."""

import getpass

import nbformat
import pytest
from bwrap import NO_SANDBOX
from tiny_course import FULL, HARDENED, NAME, SOLUTIONS, TinyCourse, cell_of
from warm_python import run_python

CONFIG = """
c.Exchange.root = {root!r}
c.NexaGrade.preload = []
"""
STUDENT = 'c = get_config()\nc.CourseDirectory.course_id = "tiny"\nc.Exchange.root = {root!r}\n'
GRADE = ["-m", "nexa_grade.command", NAME, "--believe-timestamps"]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory):
    """Go through it once; the same person is instructor and student."""
    root, student = (tmp_path_factory.mktemp(name) for name in ("exchange", "student"))
    config = CONFIG.format(root=str(root))
    course = TinyCourse(tmp_path_factory.mktemp("course"), HARDENED + config)
    (student / "nbgrader_config.py").write_text(STUDENT.format(root=str(root)))

    def run(where, *arguments):
        done = run_python(arguments, where)
        assert done.returncode == 0, f"{arguments}\n{done.stderr}"

    run(course.folder, "-m", "nbgrader", "release_assignment", NAME)
    run(student, "-m", "nbgrader", "fetch_assignment", NAME)
    path = student / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for name, text in SOLUTIONS.items():
        cell_of(notebook, name).source = text
    nbformat.write(notebook, path)
    run(student, "-m", "nbgrader", "submit", NAME)
    run(course.folder, "-m", "nbgrader", "collect", NAME)
    run(course.folder, *GRADE, *(["--no-sandbox"] if NO_SANDBOX else []))
    run(course.folder, "-m", "nbgrader", "generate_feedback", NAME)
    run(course.folder, "-m", "nbgrader", "release_feedback", NAME)
    run(student, "-m", "nbgrader", "fetch_feedback", NAME)
    return course, student


def test_what_came_through_the_exchange_is_graded(exchanged):
    course, _ = exchanged
    assert course.scores(getpass.getuser()) == FULL


def test_the_student_fetches_a_page_with_the_points(exchanged):
    _, student = exchanged
    [page] = (student / NAME / "feedback").glob(f"*/{NAME}.html")
    text = page.read_text()
    assert "add-test" in text
    assert "2 / 2" in text
