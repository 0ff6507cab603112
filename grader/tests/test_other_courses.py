"""Courses that nobody here wrote: nbgrader's example, and one of the notebooks it ships.

The first has what ``nbgrader quickstart`` copies, and the class of its user guide. The second has
four notebooks of nbgrader's: its example with tests that it generates itself, and three that its
own tests grade. nbgrader as it comes grades both, too: its scores are the ones to give, but where
a test here says what is better.
"""

import html
import json
import os
import shutil
import sys
from dataclasses import dataclass
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
from warm_python import run_python

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

SHIPPED = Path(nbgrader.__file__).parent
GUIDE = SHIPPED / "docs" / "source" / "user_guide"
FILES = SHIPPED / "tests" / "apps" / "files"
HARDENED = "from nexa_grade.settings import harden\nharden(get_config())\n"
CONFIG = """
c = get_config()
c.Execute.timeout = c.Execute.iopub_timeout = 120
c.NexaGrade.preload = ["hashlib"]  # kernels are forked, which is faster
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()", "echo": "#", "R": "#"}
"""
GENERATE = """
import sys
from nbgrader.apps import GenerateAssignmentApp
for name in sys.argv[1:]:
    app = GenerateAssignmentApp()
    app.initialize([name])
    app.start()
"""
STOCK_RUN = """
import sys
from nbgrader.apps import AutogradeApp
for name in sys.argv[1:]:
    app = AutogradeApp()
    app.initialize([name])
    try:
        app.start()
    except SystemExit:
        pass
"""
HARD_RUN = """
import sys
from nexa_grade.command import NexaGrade
from nexa_grade.results.class_report import Report
for command in ["ps1", *sys.argv[1:]], ["ps2", *sys.argv[1:]], ["kernels", "--no-sandbox"]:
    for app in NexaGrade(), Report():
        app.initialize(command[: None if isinstance(app, NexaGrade) else 1])
        try:
            app.start()
        except SystemExit as end:
            print("status", command[0], end.code)
"""
READ_CSV = """
import csv
with open("tables/points.csv") as file:
    assert [row["points"] for row in csv.DictReader(file)] == ["1", "2"]
"""
SANDBOX = ["--no-sandbox"] if NO_SANDBOX else []

Scores = dict[str, tuple[float | None, bool]]  # points, and whether a person is waited for
BY_HAND = (None, True)


def full(**points: float) -> Scores:
    return {name: (value, False) for name, value in points.items()}


def none_of(scores: Scores) -> Scores:
    return dict.fromkeys(scores, (0.0, False))


TESTS = full(
    correct_squares=1, squares_invalid_input=1, correct_sum_of_squares=0.5,
    sum_of_squares_uses_squares=0.5,
)  # fmt: skip
# Ben leaves the squares from 0 on, so both sums are wrong; his copies of two tests are empty.
BEN = none_of(TESTS) | full(squares_invalid_input=1, sum_of_squares_uses_squares=0.5)
TASK, NO_POINTS = "cell-938593c4a215c6cc", "cell-6e9ff83aa5dfaf17"
ANSWERS = ("sum_of_squares_equation", "sum_of_squares_application")
RIGHT = {  # of the second course
    "changed": full(foo=1, bar=1) | {"baz": BY_HAND, "quux": BY_HAND},
    "files": full(open_file=10, read_csv=2),
    "hidden": full(test_hidden=1),
    "problem1": TESTS | {NO_POINTS: (0.0, False), TASK: BY_HAND} | dict.fromkeys(ANSWERS, BY_HAND),
}
WRONG = {
    # Nothing was changed, so nobody needs to look at it; `foo` only prints.
    "changed": none_of(RIGHT["changed"]) | full(foo=1),
    "files": RIGHT["files"],
    "hidden": none_of(RIGHT["hidden"]),
    "problem1": none_of(RIGHT["problem1"]) | {TASK: BY_HAND},
}


def write_sources(course: Path) -> None:
    """Write the two assignments that nbgrader ships, and one in two languages."""
    shutil.copytree(GUIDE / "source", course / "source")
    (course / "source/ps1_autotest").rename(course / "source/ps2")
    shutil.copy(GUIDE / "autotests.yml", course)
    ps2 = course / "source/ps2"
    (ps2 / "problem2.ipynb").unlink()  # the first course has it
    shutil.copy(FILES / "submitted-unchanged.ipynb", ps2 / "changed.ipynb")
    shutil.copy(FILES / "autotest-hidden.ipynb", ps2 / "hidden.ipynb")
    shutil.copy(FILES / "data.txt", ps2)
    (ps2 / "tables").mkdir()
    (ps2 / "tables/points.csv").write_text("name,points\nann,1\nben,2\n")
    notebook = nbformat.read(FILES / "open_relative_file.ipynb", 4)
    notebook.cells.append(a_test("read_csv", READ_CSV, 2))
    nbformat.write(notebook, ps2 / "files.ipynb")
    write_kernels(course / "source/kernels")


def hand_in(course: Path) -> None:
    """Hand in what the guide and nbgrader's own tests have, and what a class could have."""
    submitted, release = course / "submitted", course / "release"
    for student in ("bitdiddle", "hacker"):
        shutil.copytree(GUIDE / "submitted" / student, submitted / student)
    shutil.copytree(release / "ps1", submitted / "blank/ps1")
    shutil.copytree(release / "kernels", submitted / "one/kernels")
    for student in ("right", "lost", "renamed", "broken", "cheat"):
        folder = submitted / student / "ps2"
        shutil.copytree(release / "ps2", folder)
        solve(course / "source/ps2/problem1.ipynb", folder / "problem1.ipynb")
        shutil.copy(FILES / "autotest-hidden-changed-right.ipynb", folder / "hidden.ipynb")
        shutil.copy(FILES / "submitted-changed.ipynb", folder / "changed.ipynb")
    wrong = submitted / "wrong/ps2"
    shutil.copytree(release / "ps2", wrong)
    shutil.copy(FILES / "autotest-hidden-changed-wrong.ipynb", wrong / "hidden.ipynb")
    (wrong / "data.txt").write_text("another text")
    (wrong / "tables/points.csv").write_text("name,points\nben,99\n")
    (submitted / "lost/ps2/hidden.ipynb").unlink()
    renamed = submitted / "renamed/ps2/hidden.ipynb"
    renamed.rename(renamed.with_name("homework.ipynb"))
    (submitted / "broken/ps2/changed.ipynb").write_text("{")
    cheat = submitted / "cheat/ps2/changed.ipynb"
    shutil.copy(FILES / "submitted-cheat-attempt.ipynb", cheat)


def solve(source: Path, path: Path) -> None:
    """Write the author's answers into a released notebook."""
    known = {id_of(cell): cell.source for cell in nbformat.read(source, 4).cells}
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = known[id_of(cell)]
    nbformat.write(notebook, path)


def id_of(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def a_test(name: str, text: str, points: float) -> nbformat.NotebookNode:
    info = {"schema_version": 3, "task": False, "grade": True, "solution": False, "locked": True}
    return new_code_cell(text, metadata={"nbgrader": info | {"grade_id": name, "points": points}})


def run(folder: Path, script: str, *arguments: str) -> str:
    """Run Python code in a course folder; returns what it printed."""
    done = run_python(["-c", script, *arguments], folder, preload=[])
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@dataclass(frozen=True)
class Class:
    """One class, graded twice: as nbgrader comes, and with ``nexa-grade``."""

    stock: Path
    hard: Path
    said: str  # on the screen, by nexa-grade

    def report(self, assignment: str) -> str:
        path = self.hard / "nexa-grade" / assignment / "report.html"
        return html.unescape(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("courses")
    stock, hard = folder / "stock", folder / "hard"
    write_sources(stock)
    write_echo(folder / "jupyter/kernels/echo")
    (stock / "nbgrader_config.py").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        return grade_twice(stock, hard)


def grade_twice(stock: Path, hard: Path) -> Class:
    """Release a course in a folder, copy it into another one, and grade both."""
    run(stock, GENERATE, "ps1", "ps2", "kernels")
    hand_in(stock)
    shutil.copytree(stock, hard)
    shutil.rmtree(hard / "source")  # a release, and submissions, are enough
    for student in ("cheat", "renamed"):
        shutil.rmtree(stock / "submitted" / student)
    (hard / "nbgrader_config.py").write_text(HARDENED + CONFIG)
    run(stock, STOCK_RUN, "ps1", "ps2")
    return Class(stock, hard, run(hard, HARD_RUN, *SANDBOX))


def scores(course: Path, assignment: str, student: str) -> dict[str, Scores]:
    """Read the automatic scores of each notebook."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        try:
            found = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return {}
        return {
            notebook.name: {
                each.name: (each.auto_score, bool(each.needs_manual_grade))
                for each in notebook.grades
            }
            for notebook in found.notebooks
        }


# Two courses


@pytest.mark.parametrize(
    ("student", "expected"), [("bitdiddle", BEN), ("hacker", TESTS), ("blank", none_of(TESTS))]
)
def test_the_example_course_has_the_scores_that_nbgrader_gives(graded, student, expected):
    found = scores(graded.hard, "ps1", student)
    assert found == scores(graded.stock, "ps1", student), graded.said
    assert expected == {name: found["problem1"][name] for name in expected}


@pytest.mark.parametrize(("student", "expected"), [("right", RIGHT), ("wrong", WRONG)])
def test_several_notebooks_have_the_scores_that_nbgrader_gives(graded, student, expected):
    """Tests of four kinds, answers and a task; ``wrong`` has changed both of the course's files."""
    assert scores(graded.hard, "ps2", student) == expected, graded.said
    assert scores(graded.stock, "ps2", student) == expected


def test_a_lost_notebook_has_the_0_that_nbgrader_gives_and_it_is_told(graded):
    found = scores(graded.hard, "ps2", "lost")
    assert found == RIGHT | {"hidden": none_of(RIGHT["hidden"])}, graded.said
    assert found == scores(graded.stock, "ps2", "lost")
    assert_told(graded, "lost", "hidden.ipynb was not handed in: it has 0 points")


def test_a_renamed_notebook_is_no_0(graded):
    """It is graded under its name, and both names are told; nbgrader gives 0, as for a lost one."""
    assert scores(graded.hard, "ps2", "renamed") == RIGHT, graded.said
    assert_told(graded, "renamed", "'homework.ipynb' is graded as hidden.ipynb")


def test_a_broken_notebook_costs_no_other(graded):
    """nbgrader grades none of the others, since it stops at the first that is broken."""
    found = scores(graded.hard, "ps2", "broken")
    changed = found.pop("changed")
    assert changed == dict.fromkeys(changed, BY_HAND)
    assert found == {name: RIGHT[name] for name in found}, graded.said
    assert scores(graded.stock, "ps2", "broken")["hidden"] != RIGHT["hidden"]
    assert_told(graded, "broken", "'changed.ipynb'", "not JSON")
    handed_back = {path.name for path in (graded.hard / "autograded/broken/ps2").glob("*.ipynb")}
    assert handed_back == {"files.ipynb", "hidden.ipynb", "problem1.ipynb"}


def test_hiding_every_error_gains_nothing_without_probes_as_well(graded):
    """It is nbgrader's own example of a cheat; its tests still end in errors."""
    found = scores(graded.hard, "ps2", "cheat")
    changed = found.pop("changed")
    assert changed["bar"] == (0.0, False), graded.said
    assert found == {name: RIGHT[name] for name in found}
    assert "no probes, so no second look" in graded.said


def assert_told(graded: Class, student: str, *words: str) -> None:
    lines = [each for each in graded.said.splitlines() if f": {student}: " in each]
    page = graded.report("ps2")
    for word in words:
        assert any(word in line for line in lines)
        assert word in page


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


def write_echo(folder: Path) -> None:
    """Install a kernel of another language."""
    folder.mkdir(parents=True)
    (folder / "echo.py").write_text(ECHO)
    argv = [sys.executable, str(folder / "echo.py"), "-f", "{connection_file}"]
    about = {"argv": argv, "display_name": "echo", "language": "echo"}
    (folder / "kernel.json").write_text(json.dumps(about))


def write_kernels(folder: Path) -> None:
    """Write two notebooks of other languages; nothing on this machine runs the second."""
    folder.mkdir()
    info = {"schema_version": 3, "task": False, "grade": False, "solution": True, "locked": False}
    for kernel, language in (("echo", "echo"), ("no-such-kernel", "R")):
        answer = new_code_cell("fine", metadata={"nbgrader": info | {"grade_id": "answer"}})
        tests = [a_test(text, text, 2) for text in ("passes", "fails")]
        spec = {"name": kernel, "display_name": kernel, "language": language}
        notebook = nbformat.v4.new_notebook(cells=[answer, *tests], metadata={"kernelspec": spec})
        nbformat.write(notebook, folder / f"{language}.ipynb")


def test_another_kernel_runs_plainly_and_one_that_is_not_there_is_refused(graded):
    found = scores(graded.hard, "kernels", "one")
    assert found["echo"] == full(passes=2, fails=0), graded.said
    log = next((graded.hard / "nexa-grade/kernels/runs").iterdir()).read_text()
    assert "Not watched for forgery, the language is 'echo'" in log
    assert found["R"] == dict.fromkeys(("passes", "fails"), BY_HAND)
    assert "'R.ipynb': UngradableError: no kernel 'no-such-kernel'" in graded.said
