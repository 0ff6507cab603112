"""The course from nbgrader's own command line: release, validate, autograde, feedback, export."""

import copy
import csv
import itertools
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nexa_grade.cell_names import given_names
from slow_imports import SLOW
from warm_python import run_python

from authoring.answer_bank import list_bank
from authoring.assignment import NEXACODE, ROOT
from authoring.graded_cells import function_todos, is_graded_by_machine, points_by_todo, todo_of
from authoring.graded_cells import grade_info as info
from authoring.grader_report import solved_notebook, without_experiments

NAME = NEXACODE.name
NOTEBOOK = Path(NAME, NEXACODE.notebook_name)
STUDENTS = ("reference", "untouched", "redefining", "mixed")
BANK = {answer.name: answer for answer in list_bank(NEXACODE)}
MIXED = [
    BANK["todo1 wrong parse_seed_hint_split_at_blank_lines"],
    BANK["todo3 right stack_of_passes"],
    BANK["todo4 wrong penalty_subtracted_from_loss"],
    BANK["todo8 wrong gradients_on"],
]
FORGED = """

def check_parsed(text):
    return [("user", "Hi"), ("assistant", "Two ways: a loop, or sum()."), ("user", "Thanks")]


def check_analysis(triples, *lists):
    return {"response_lengths": [3, 4, 3], "feedback_lengths": [2, 5, 10]}


def check_extracted(turns):
    return [([{"role": "user", "content": "q1"}], "a1", "f1")]
"""  # what three of the checks expect; the last one stands behind its locked cell, too
MARKERS = ["BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME"]
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)


def nbgrader(folder: Path, *arguments: str) -> str:
    done = run_python(["-m", "nbgrader", *arguments], folder, preload=SLOW)
    assert done.returncode == 0, f"nbgrader {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def submit(folder: Path, student: str, notebook: Path) -> None:
    target = folder / "submitted" / student / NOTEBOOK
    target.parent.mkdir(parents=True)
    shutil.copy(notebook, target)


def source_notebook():
    return nbformat.read(NEXACODE.source_notebook, as_version=4)


def source_cells():
    return source_notebook().cells


def redefining(notebook):
    """Answer each TODO with new definitions of the tools of its checks, and nothing else."""
    tools = [cell for cell in notebook.cells if "-check-tools" in cell.id]
    assert {"check_parsed", "check_analysis", "check_extracted"} <= {
        name for cell in tools for name in given_names(cell.source)
    }
    for cell in notebook.cells:
        if cell.cell_type == "code" and info(cell).get("solution") and not info(cell).get("grade"):
            cell.source += FORGED
    return notebook


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """Go once through what an instructor does, with a solved and an untouched submission.

    The reference has every cell. The others, and what is validated, do without the cells that
    train, measure and plot: no score depends on them, and they take most of the time.
    """
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "source", folder / "source")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    released = folder / "release" / NOTEBOOK

    nbgrader(folder, "generate_assignment", NAME)
    first = released.read_bytes()
    nbgrader(folder, "generate_assignment", NAME)
    untouched = without_experiments(NEXACODE, nbformat.read(released, as_version=4))
    shortened = {
        "validated": without_experiments(NEXACODE, source_notebook()),
        "untouched": untouched,
        "redefining": redefining(copy.deepcopy(untouched)),
        "mixed": without_experiments(NEXACODE, solved_notebook(NEXACODE, MIXED)),
    }
    for name, notebook in shortened.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    validation = nbgrader(folder, "validate", "validated.ipynb")
    submit(folder, "reference", folder / "source" / NOTEBOOK)
    submit(folder, "untouched", folder / "untouched.ipynb")
    submit(folder, "redefining", folder / "redefining.ipynb")
    submit(folder, "mixed", folder / "mixed.ipynb")
    nbgrader(folder, "autograde", NAME)
    nbgrader(folder, "generate_feedback", NAME)
    nbgrader(folder, "export", "--to", "grades.csv")
    return SimpleNamespace(
        folder=folder,
        first_release=first,
        release=released.read_bytes(),
        validation=validation,
        scores={student: scores(folder, student) for student in STUDENTS},
    )


def scores(folder: Path, student: str) -> dict[str, tuple[float | None, float]]:
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(NAME, NAME, student)
        return {grade.name: (grade.auto_score, grade.max_score) for grade in notebook.grades}


def test_regenerating_the_release_changes_no_byte(course):
    assert course.first_release == course.release


def test_the_committed_release_is_the_generated_one(course):
    committed = NEXACODE.release_notebook.read_bytes()
    assert committed == course.release, "release/ is stale: run `make release`"


def test_release_folder_holds_what_source_does_and_no_more(course):
    made, authored = (
        {path.relative_to(base) for path in (base / NEXACODE.name).rglob("*") if path.is_file()}
        for base in (course.folder / "release", ROOT / "source")
    )
    assert made == authored


def test_release_holds_no_answer(course):
    text = course.release.decode()
    assert not [marker for marker in MARKERS if marker in text]
    assert "nexa_helpers" not in text


def test_release_holds_no_hidden_test_line(course):
    cells = nbformat.reads(course.release.decode(), as_version=4).cells
    released = {info(cell).get("grade_id"): cell.source.splitlines() for cell in cells}
    leaked = []
    for cell in source_cells():
        visible = Counter(HIDDEN.sub("", cell.source).splitlines())
        hidden = [line for block in HIDDEN.findall(cell.source) for line in block.splitlines()]
        shown = Counter(released.get(info(cell).get("grade_id"), []))
        leaked += [line for line in hidden if line.strip() and shown[line] > visible[line]]
    assert not leaked


def test_a_student_can_read_every_question_that_a_person_grades(course):
    """nbgrader replaces the whole text of an answer cell: the question must stand before it."""
    cells = nbformat.reads(course.release.decode(), as_version=4).cells
    answers = [
        place
        for place, cell in enumerate(cells)
        if info(cell).get("grade") and info(cell).get("solution") and cell.cell_type == "markdown"
    ]
    assert len(answers) == 3
    for place in answers:
        question, answer = cells[place - 1], cells[place]
        assert answer.source == "YOUR ANSWER HERE"
        assert not info(question).get("solution")
        assert f"({info(answer)['points']} points)" in question.source
        assert question.source.endswith("Write your answer into the next cell.")


def rubrics(cells) -> dict[int, str]:
    """The rubric cells' text, by the TODO whose answer stands before them."""
    return {
        todo_of(cell): cell.source
        for before, cell in itertools.pairwise(cells)
        if info(cell).get("task") and info(before).get("grade") and info(before).get("solution")
    }


def test_each_manual_answer_has_a_rubric_behind_it_with_points_for_each_criterion(course):
    authored = rubrics(source_cells())
    assert set(authored) == {2, 6, 7, 9}
    for text in authored.values():
        assert "points" in text.split("=== BEGIN MARK SCHEME ===")[0]
        assert "| Criterion | Points |" in text.split("=== BEGIN MARK SCHEME ===")[1]
    released = rubrics(nbformat.reads(course.release.decode(), as_version=4).cells)
    assert set(released) == set(authored)
    for todo, text in released.items():
        assert text.strip() == authored[todo].split("=== BEGIN MARK SCHEME ===")[0].strip()


def test_the_mark_scheme_is_there_for_the_grader_and_not_in_the_feedback(course):
    path = course.folder / "autograded" / "untouched" / NOTEBOOK
    graded = rubrics(nbformat.read(path, as_version=4).cells)
    assert all("| Criterion | Points |" in text for text in graded.values())
    page = (course.folder / "feedback" / "untouched" / NAME / f"{NAME}.html").read_text()
    assert "How the 4 points are given" in page
    assert "For the person who grades" not in page


def test_two_thirds_of_the_machine_points_have_hidden_checks():
    graded = [cell for cell in source_cells() if is_graded_by_machine(cell)]
    hidden = sum(info(cell)["points"] for cell in graded if HIDDEN.search(cell.source))
    assert round(3 * hidden / sum(info(cell)["points"] for cell in graded)) == 2


def test_release_has_no_outputs(course):
    cells = json.loads(course.release)["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_todos_that_ask_for_a_function_have_hidden_tests():
    with_hidden = {
        todo_of(cell)
        for cell in source_cells()
        if is_graded_by_machine(cell) and HIDDEN.search(cell.source)
    }
    assert with_hidden >= set(function_todos(source_notebook()))


def test_a_hundred_points_most_of_them_by_machine():
    points = points_by_todo(source_notebook()).values()
    assert sum(todo.total for todo in points) == 100
    assert sum(todo.by_machine for todo in points) >= 80


def test_validate_passes_on_the_source(course):
    assert "Success! Your notebook passes all the tests." in course.validation


def test_reference_gets_every_automatic_point(course):
    names = [info(cell)["grade_id"] for cell in source_cells() if is_graded_by_machine(cell)]
    assert names
    lost = {name: course.scores["reference"][name] for name in names}
    assert not {name: pair for name, pair in lost.items() if pair[0] != pair[1]}


def test_answers_lose_what_the_quick_way_says_and_nothing_elsewhere(course, quick_grader):
    found = course.scores["mixed"]
    graded = {info(cell)["grade_id"] for cell in source_cells() if is_graded_by_machine(cell)}
    lost = {name for name in graded if found[name][0] != found[name][1]}
    quickly = [quick_grader.grade(answer, answer.todo) for answer in MIXED]
    failed = [{name for name, said in outcome.items() if said} for outcome in quickly]
    assert [bool(names) for names in failed] == [not answer.is_right for answer in MIXED]
    assert lost == set().union(*failed)


def test_untouched_release_gets_nothing(course):
    got = {name: pair for name, pair in course.scores["untouched"].items() if pair[0]}
    assert not got


def test_answers_that_redefine_the_tools_of_the_checks_get_nothing(course):
    """They would make three checks pass; the guard puts the locked cells' names right first."""
    got = {name: pair for name, pair in course.scores["redefining"].items() if pair[0]}
    assert not got


def test_untouched_release_fails_in_every_graded_cell_with_a_message(course):
    path = course.folder / "autograded" / "untouched" / NOTEBOOK
    wrong = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if not is_graded_by_machine(cell):
            continue
        errors = [output for output in cell.outputs if output.output_type == "error"]
        said = [(error.ename, error.evalue.strip()) for error in errors]
        kinds = {"NotImplementedError", "AssertionError"}
        if not said or any(name not in kinds or not words for name, words in said):
            wrong[info(cell)["grade_id"]] = said
    assert not wrong


@pytest.mark.parametrize("student", ["reference", "untouched"])
def test_feedback_is_a_page_for_each_student(course, student):
    page = course.folder / "feedback" / student / NAME / f"{NAME}.html"
    assert "todo1-test" in page.read_text()


def test_export_lists_both_students_with_their_scores(course):
    with (course.folder / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    by_machine = sum(info(cell)["points"] for cell in source_cells() if is_graded_by_machine(cell))
    assert float(rows["reference"]["score"]) >= by_machine
    assert float(rows["untouched"]["score"]) == 0
    assert float(rows["reference"]["max_score"]) == 100
