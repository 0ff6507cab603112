"""Canvas and Moodle files from a tiny course that nbgrader itself releases and grades."""

import csv
import math
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nexa_grade.results.lms_export import (
    CanvasExportPlugin,
    MoodleExportPlugin,
    Person,
    Result,
    Sheet,
    escape_formula,
    format_number,
)
from nexa_grade.run.journal import Journal
from nexa_grade.run.outcome import Outcome, Status
from warm_python import run_python

CONFIG = f"""
import os
os.environ["PATH"] = {str(Path(sys.executable).parent)!r} + os.pathsep + os.environ["PATH"]
from nbgrader.plugins import BasePlugin
c = get_config()
c.Execute.timeout = c.Execute.startup_timeout = 300  # a busy machine fails no test
class HalfPoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5
c.AssignLatePenalties.plugin_class = HalfPoint
c.ClassExportPlugin.question = r"todo(\\d+)-"
c.ClassExportPlugin.question_name = "TODO {{}}"
"""
EVIL = '=HYPERLINK("http://evil","x")'
QUESTIONS = ["TODO 1", "TODO 2", "TODO 10"]


def cell_info(name, **more):
    flags = dict.fromkeys(["grade", "solution", "locked"], False)
    return {"nbgrader": {"grade_id": name, "schema_version": 3} | flags | more}


def source_notebook():
    solution = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    test = {"grade": True, "locked": True}
    task = {"task": True, "locked": True, "points": 0}
    essay = {"grade": True, "solution": True, "points": 3}
    cells = [
        new_code_cell(solution, metadata=cell_info("todo1-double", solution=True)),
        new_code_cell(
            "assert double(2) == 4", metadata=cell_info("todo1-test-a", points=2, **test)
        ),
        new_code_cell(
            "round(double(1) / 2 - 0.5, 2)", metadata=cell_info("todo1-test-b", points=1, **test)
        ),
        new_markdown_cell("An essay.", metadata=cell_info("todo2-essay", **essay)),
        new_markdown_cell("A rubric.", metadata=cell_info("todo2-rubric", **task)),
        new_code_cell("assert double(0) == 0", metadata=cell_info("todo10-test", points=1, **test)),
    ]
    return new_notebook(cells=cells)


def nbgrader(folder, *arguments, status=0):
    done = run_python(["-m", "nbgrader", *arguments], folder)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


def submit(folder, student, when=None, broken=False):
    """Hand in the solved notebook with an essay; a broken one is no notebook at all."""
    target = folder / "submitted" / student / "tiny"
    target.mkdir(parents=True)
    notebook = source_notebook()
    notebook.cells[3].source = "My essay."
    (target / "tiny.ipynb").write_text("{" if broken else nbformat.writes(notebook))
    if when:
        (target / "timestamp.txt").write_text(when)


def grade_essay(gradebook, student, score):
    grade = gradebook.find_grade("todo2-essay", "tiny", "tiny", student)
    grade.manual_score, grade.needs_manual_grade = score, False
    gradebook.db.commit()


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Six students: graded, late, waiting, broken, not autograded, missing."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    (folder / "source" / "tiny").mkdir(parents=True)
    nbformat.write(source_notebook(), folder / "source" / "tiny" / "tiny.ipynb")
    nbgrader(folder, "generate_assignment", "tiny")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_assignment("tiny", duedate="2030-01-01 00:00:00 UTC")
        gradebook.add_student(
            "ann", last_name="Ångström", first_name='Ann "A", Jr', lms_user_id="7"
        )
        gradebook.add_student(
            "eve", last_name=EVIL, first_name="+1", email="@eve", lms_user_id="-7"
        )
    submit(folder, "ann", "2029-12-31 23:59:59 UTC")
    submit(folder, "bob", "2030-01-01 00:00:01 UTC")
    submit(folder, "cat", "2030-01-02 00:00:00 UTC")
    submit(folder, "dan", broken=True)
    nbgrader(folder, "autograde", "tiny", status=1)  # because of dan
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        grade_essay(gradebook, "ann", 2.5)
        grade_essay(gradebook, "bob", 3)
    submit(folder, "fay")
    return folder


def exported(course, plugin, *arguments):
    path = course / f"{plugin}.csv"
    exporter = f"--exporter=nexa_grade.results.lms_export.{plugin}"
    log = nbgrader(course, "export", exporter, "--to", str(path), *arguments)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)), log


@pytest.fixture(scope="module")
def canvas(course):
    rows, _ = exported(course, "CanvasExportPlugin")
    return {row["SIS Login ID"]: row for row in rows}


@pytest.fixture(scope="module")
def moodle(course):
    rows, _ = exported(course, "MoodleExportPlugin")
    return {row["Username"]: row for row in rows}


CANVAS = [f"tiny {name}" for name in [*QUESTIONS, "late penalty", "Final Points"]]
EXPECTED = {
    "ann": (["2.5", "2.5", "1", "0", "6"], "graded"),
    "bob": (["2.5", "3", "1", "-0.5", "6"], "graded, late"),
    "cat": (["2.5", "", "1", "", ""], "needs manual grading, late"),
    "dan": (["", "", "", "", ""], "could not be graded"),
    "eve": (["", "", "", "", ""], "missing"),
    "fay": (["", "", "", "", ""], "not graded yet"),
}


@pytest.mark.parametrize("student", EXPECTED)
def test_canvas_scores_and_status(canvas, student):
    scores, status = EXPECTED[student]
    assert [canvas[student][column] for column in CANVAS] == scores
    assert canvas[student]["tiny Final Grade Status"] == status


@pytest.mark.parametrize("student", EXPECTED)
def test_moodle_scores_and_status(moodle, student):
    scores, status = EXPECTED[student]
    questions = [moodle[student][f"tiny {name}"] for name in QUESTIONS]
    assert [*questions, moodle[student]["tiny total"]] == [
        score or "-" for score in [*scores[:3], scores[4]]
    ]
    late = ", penalty 0.5" if student == "bob" else ""
    assert moodle[student]["tiny status"] == status + late


def test_canvas_finds_its_columns_and_the_possible_points(course, canvas):
    with (course / "CanvasExportPlugin.csv").open(newline="", encoding="utf-8") as file:
        header, possible, *rows = list(csv.reader(file))
    assert header[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert possible[0].strip() == "Points Possible"
    assert possible[5:] == ["3", "3", "1", "0", "(read only)", "(read only)"]
    assert {len(row) for row in rows} == {len(header)} == {len(possible)}


def test_the_columns_that_canvas_imports_add_up_to_the_total(canvas):
    for student, row in canvas.items():
        if student and row["tiny Final Points"]:
            assert math.fsum(float(row[column]) for column in CANVAS[:4]) == float(row[CANVAS[4]])


def test_names_are_quoted_and_never_formulas(canvas, moodle):
    assert canvas["ann"]["Student"] == 'Ångström, Ann "A", Jr'
    assert canvas["ann"]["ID"] == "7"
    assert canvas["eve"]["Student"] == f"'{EVIL}, +1"
    assert canvas["eve"]["ID"] == "'-7"
    assert moodle["eve"]["Last name"] == f"'{EVIL}"
    assert moodle["eve"]["First name"] == "'+1"


def test_a_student_who_only_has_a_folder_is_listed_last(canvas):
    assert list(canvas)[-1] == "fay"


def test_one_student_of_one_assignment(course):
    rows, _ = exported(
        course, "MoodleExportPlugin", "--student", '["cat"]', "--assignment", '["tiny"]'
    )
    assert [row["Username"] for row in rows] == ["cat"]


def test_email_column_needs_an_address_for_every_student(course):
    rows, log = exported(course, "MoodleExportPlugin")
    assert "Email address" not in rows[0]
    assert "not every student has one" in log


def test_email_column_where_every_student_has_one():
    people = [Person("a", email="a@b.c"), Person("b", email="+b@b.c")]
    header, *rows = MoodleExportPlugin().rows(people, [])
    assert header[-1] == "Email address"
    assert [row[-1] for row in rows] == ["a@b.c", "'+b@b.c"]


@pytest.mark.parametrize(
    ("column", "ids"), [("SIS User ID", ["", "u1", ""]), ("ID", ["u1", "", ""])]
)
def test_another_column_can_hold_the_student(column, ids):
    plugin = CanvasExportPlugin(student_id_column=column)
    rows = list(
        plugin.rows(
            [Person("u1")], [Sheet("a", {"q": 1.0}, {"u1": Result("graded", {"q": 0.0}, 0.0, 0.0)})]
        )
    )
    assert rows[2] == ["u1", *ids, "", "0", "0", "0", "graded"]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (0.0, "0"),
        (-0.0, "0"),
        (10.0, "10"),
        (1 / 3, "0.3333"),
        (1e-9, "0"),
        (1e6, "1000000"),
        (-1e-9, "0"),
    ],
)
def test_number(value, written):
    assert format_number(value) == written


@pytest.mark.parametrize(
    "begin", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\x00=", "＝", "\u00a0-"]
)
def test_a_formula_becomes_text(begin):
    assert escape_formula(f"{begin}1+1") == f"'{begin}1+1"


@pytest.mark.parametrize("value", ["", "Ann", "O'Neil", "a=b", "x@y.z", "1-2", " Ann"])
def test_other_text_stays(value):
    assert escape_formula(value) == value


def test_what_the_journal_says_is_held_is_held_in_the_file(course):
    with Journal(course / "nexa-grade" / "tiny") as journal:
        journal.keep(Outcome("dan", "", Status.HELD, "it looks forged"))
    rows, _ = exported(course, "MoodleExportPlugin", "--student", '["dan"]')
    assert rows[0]["tiny status"] == "held for a person"
    shutil.rmtree(course / "nexa-grade")
    rows, _ = exported(course, "MoodleExportPlugin", "--student", '["dan"]')
    assert rows[0]["tiny status"] == "could not be graded"


def excluding(course, setting):
    config = course / "nbgrader_config.py"
    text = config.read_text()
    config.write_text(text + setting)
    try:
        rows, _ = exported(course, "MoodleExportPlugin")
    finally:
        config.write_text(text)
    return {row["Username"] for row in rows}


def test_the_students_are_those_who_are_graded(course):
    everybody = set(EXPECTED)
    assert excluding(course, "") == everybody
    assert excluding(course, "c.CourseDirectory.student_id_exclude = 'fay,ann'\n") == everybody - {
        "fay",
        "ann",
    }
    assert excluding(course, "c.CourseDirectory.student_id = 'c*'\n") == {"cat"}
