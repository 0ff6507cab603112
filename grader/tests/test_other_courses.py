"""Courses that nobody here wrote: nbgrader's quickstart, and the class of its user guide."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import nbgrader
import pytest
from bwrap import NO_SANDBOX
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import determine_grade
from nexa_grade.execution.grade_by_errors import GradeByErrors
from nexa_grade.results.feedback_page import LeaveOutGivenCells

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
HARDENED = "from nexa_grade.settings import harden\nharden(get_config())\n"
CONFIG = "c = get_config()\nc.Execute.timeout = c.Execute.iopub_timeout = 120\n"
SANDBOX = ["--no-sandbox"] if NO_SANDBOX else []
RIGHT = {
    "correct_squares": 1.0,
    "squares_invalid_input": 1.0,
    "correct_sum_of_squares": 0.5,
    "sum_of_squares_uses_squares": 0.5,
}
WRONG = dict.fromkeys(RIGHT, 0.0)
# Ben leaves the squares from 0 on, so both sums are wrong; his copies of two tests are empty.
BEN = WRONG | {"squares_invalid_input": 1.0, "sum_of_squares_uses_squares": 0.5}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"PATH": path},
    )


def make_course(folder: Path, config: str) -> Path:
    """Make nbgrader's quickstart course, whose assignment is the user guide's, and release it."""
    done = run(folder, "nbgrader", "quickstart", "course")
    assert done.returncode == 0, done.stderr
    course = folder / "course"
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(f"\n{config}{CONFIG}c.NexaGrade.preload = []\n")
    done = run(course, "nbgrader", "generate_assignment", "ps1")
    assert done.returncode == 0, done.stderr
    return course


def hand_in(course: Path) -> None:
    """Hand in the guide's two submissions, and what its class could have handed in."""
    for student in ("bitdiddle", "hacker"):
        shutil.copytree(GUIDE / "submitted" / student, course / "submitted" / student)
    for student in ("blank", "misses", "renamed", "broken", "data"):
        origin = GUIDE / "submitted" / "hacker" if student != "blank" else course / "release"
        shutil.copytree(origin / "ps1", course / "submitted" / student / "ps1")
    (course / "submitted/misses/ps1/problem2.ipynb").unlink()
    renamed = course / "submitted/renamed/ps1"
    (renamed / "problem2.ipynb").rename(renamed / "homework.ipynb")
    (course / "submitted/broken/ps1/problem2.ipynb").write_text("{")
    (course / "submitted/data/ps1/jupyter.png").write_bytes(b"changed")


def scores(course: Path, student: str) -> dict[str, float | None]:
    """Read the automatic scores of the first notebook's tests."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        try:
            graded = gradebook.find_submission_notebook("problem1", "ps1", student)
        except MissingEntry:
            return {}
        return {each.name: each.auto_score for each in graded.grades if each.name in RIGHT}


@pytest.fixture(scope="module")
def courses(tmp_path_factory):
    """Grade one class twice: as nbgrader comes, and with ``nexa-grade``."""
    stock = make_course(tmp_path_factory.mktemp("stock"), "")
    hard = stock.parent / "hard"
    shutil.copytree(stock, hard)
    with (hard / "nbgrader_config.py").open("a") as file:
        file.write(HARDENED)
    for course in (stock, hard):
        hand_in(course)
    run(stock, "nbgrader", "autograde", "ps1")
    return stock, hard, run(hard, "nexa_grade.command", "ps1", "--workers", "2", *SANDBOX)


@pytest.mark.parametrize(
    ("student", "expected"),
    [("bitdiddle", BEN), ("hacker", RIGHT), ("blank", WRONG), ("data", RIGHT)],
)
def test_both_give_the_scores_that_the_points_say(courses, student, expected):
    stock, hard, done = courses
    assert scores(hard, student) == expected, done.stdout + done.stderr
    assert scores(stock, student) == expected


@pytest.mark.parametrize("student", ["misses", "renamed", "broken"])
def test_a_notebook_that_cannot_be_read_is_told_and_gives_no_wrong_score(courses, student):
    _, hard, done = courses
    found = scores(hard, student)
    assert all(score in (None, RIGHT[name]) for name, score in found.items()), found
    if found != RIGHT:
        assert f": {student}: " in done.stdout, done.stdout


def test_cells_for_a_person_wait_for_one(courses):
    _, hard, _ = courses
    with Gradebook(f"sqlite:///{hard / 'gradebook.db'}") as gradebook:
        for name in ("problem1", "problem2"):
            graded = gradebook.find_submission_notebook(name, "ps1", "hacker")
            by_hand = [each for each in graded.grades if each.name not in RIGHT]
            assert by_hand
            assert all(each.needs_manual_grade for each in by_hand)


# Partial credit


def points_for(source: str, *outputs, language: str = "python") -> float | None:
    """Grade a test of 4 points by nbgrader's own rule, after ``GradeByErrors``."""
    info = {"grade": True, "solution": False, "locked": True, "grade_id": "t", "points": 4}
    cell = new_code_cell(source, execution_count=1, outputs=list(outputs))
    cell.metadata["nbgrader"] = info
    notebook = nbformat.v4.new_notebook(cells=[cell])
    GradeByErrors().preprocess(notebook, {})
    return determine_grade(cell)[0]


def shows(text: str):
    return new_output("execute_result", {"text/plain": text}, execution_count=1)


FAILS = new_output("error", ename="E", evalue="", traceback=[])
CALL = "points = 1.5\npoints"


@pytest.mark.parametrize(
    ("source", "outputs", "expected"),
    [
        (CALL, [shows("1.5")], 1.5),
        (CALL, [shows("0")], 0),
        (CALL, [shows("9")], 4),
        (CALL, [shows("-1")], 0),
        (CALL, [shows("nan")], 0),
        (CALL, [shows("3"), shows("1.5")], 1.5),  # the last statement's comes last
        (CALL, [shows("3"), FAILS], 0),
        ("check(f)", [], 4),
        ("f(3) == 2", [shows("True")], 4),
        ("assert f(3) == 2", [shows("1")], 4),  # a number that the test did not mean
        ("f(3);", [shows("1")], 4),
    ],
)
def test_a_number_counts_where_the_test_means_it(source, outputs, expected):
    assert points_for(source, *outputs) == expected


# Feedback


def given(**more):
    info = {"grade": False, "solution": False, "locked": True, "grade_id": "g"} | more
    return new_code_cell("print(1)", metadata={"nbgrader": info})


def left_on_page(cells, **settings) -> list[str]:
    notebook = nbformat.v4.new_notebook(cells=cells)
    LeaveOutGivenCells(**settings).preprocess(notebook, {})
    return [cell.source for cell in notebook.cells]


def test_given_cells_are_not_on_the_page():
    test, answer = given(grade=True, points=1), given(locked=False, solution=True)
    failed = given()
    failed.outputs = [FAILS]
    said, *rest = left_on_page([given(), test, answer, given(), failed])
    assert said == "*2 given code cells of the course left out here.*"
    assert len(rest) == 3


def test_given_cells_stay_where_the_course_says_so():
    assert left_on_page([given(), given()], keep=True) == ["print(1)", "print(1)"]


# Other kernels

ECHO = """
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
class Echo(Kernel):
    implementation = language = "echo"
    implementation_version = language_version = "1"
    banner = ""
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}
    async def do_execute(self, code, silent, store_history=True, *more, **named):
        self.execution_count += 0
        if "fail" in code:
            said = {"ename": "Fail", "evalue": "fail", "traceback": ["fail"]}
            self.send_response(self.iopub_socket, "error", said)
            return {"status": "error", "execution_count": self.execution_count} | said
        return {"status": "ok", "execution_count": self.execution_count,
                "payload": [], "user_expressions": {}}
IPKernelApp.launch_instance(kernel_class=Echo)
"""


def release_echo(folder: Path, kernel: str) -> None:
    """Release one notebook of another language, and hand it in twice."""
    info = {"schema_version": 3, "task": False}
    flags = {"grade": False, "solution": True, "locked": False, "grade_id": "answer"}
    answer = new_code_cell("fine", metadata={"nbgrader": info | flags})
    flags = {"grade": True, "solution": False, "locked": True, "grade_id": "t", "points": 2}
    tests = [
        new_code_cell(text, metadata={"nbgrader": info | flags | {"grade_id": text}})
        for text in ("passes", "fails")
    ]
    spec = {"name": kernel, "display_name": kernel, "language": "echo"}
    notebook = nbformat.v4.new_notebook(cells=[answer, *tests], metadata={"kernelspec": spec})
    (folder / "source/echo").mkdir(parents=True)
    nbformat.write(notebook, folder / "source/echo/echo.ipynb")
    run(folder, "nbgrader", "generate_assignment", "echo")
    shutil.copytree(folder / "release/echo", folder / "submitted/one/echo")


@pytest.mark.parametrize("is_installed", [True, False])
def test_another_kernel_runs_plainly_or_is_refused(tmp_path, monkeypatch, is_installed):
    spec = tmp_path / "jupyter/kernels/echo"
    spec.mkdir(parents=True)
    (spec / "echo.py").write_text(ECHO)
    argv = [sys.executable, str(spec / "echo.py"), "-f", "{connection_file}"]
    about = {"argv": argv, "display_name": "echo", "language": "echo"}
    (spec / "kernel.json").write_text(json.dumps(about))
    if is_installed:
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    stub = 'c.ClearSolutions.code_stub = {"echo": "#"}\n'
    config = "c = get_config()\nc.NexaGrade.preload = []\n" + stub + HARDENED
    (tmp_path / "nbgrader_config.py").write_text(config)
    release_echo(tmp_path, "echo")
    done = run(tmp_path, "nexa_grade.command", "echo", "--workers", "1", "--no-sandbox")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        graded = gradebook.find_submission("echo", "one").notebooks[0].grades
        found = {each.name: each.auto_score for each in graded}
    if is_installed:
        assert found == {"passes": 2.0, "fails": 0.0}, done.stdout + done.stderr
        log = next((tmp_path / "nexa-grade/echo/runs").iterdir()).read_text()
        assert "Not watched for forgery, the language is 'echo'" in log
    else:
        assert found == {"passes": None, "fails": None}
        assert "no kernel 'echo'" in done.stdout
