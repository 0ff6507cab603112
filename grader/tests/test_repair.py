"""Damaged submissions, graded by nbgrader as delivered and by the hardened one."""

import copy
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nexa_grade.cell_names import names_in_broken_text
from nexa_grade.errors import UngradableError
from nexa_grade.intake.notebook_file import read_notebook
from nexa_grade.repair.match_cells import (
    Match,
    arrange,
    heaviest_in_order,
    look_at,
    match,
)
from nexa_grade.repair.release import ReleasedCell
from nexa_grade.repair.repair_submission import NOTE_ID, RepairSubmission
from nexa_grade.text import quote
from tiny_course import FULL, NAME, TinyCourse, cell_of

NO_ADD = FULL | {"add-test": 0.0, "limit-test": 0.0}
DAMAGES = {}


def damage(scores=FULL, stock_is_wrong=True):
    """Register a way to damage a solved notebook, and the scores that it deserves."""

    def register(function):
        DAMAGES[function.__name__] = (function, scores, stock_is_wrong)
        return function

    return register


def remove(notebook, *names):
    for name in names:
        notebook.cells.remove(cell_of(notebook, name))


def copy_of(notebook, name):
    cell = copy.deepcopy(cell_of(notebook, name))
    cell.id = f"copy-{cell.id}"
    return cell


def insert_after(notebook, name, cell):
    notebook.cells.insert(notebook.cells.index(cell_of(notebook, name)) + 1, cell)


@damage(stock_is_wrong=False)
def intact(notebook):
    pass


@damage()
def copied_test(notebook):
    insert_after(notebook, "double-test", copy_of(notebook, "double-test"))


@damage()
def answer_in_the_copy(notebook):
    answer = copy_of(notebook, "add")
    cell_of(notebook, "add").source = "def add(a, b):\n    # YOUR CODE HERE\n    raise OSError"
    insert_after(notebook, "add", answer)


@damage()
def stub_behind_the_answer(notebook, release):
    stub = copy_of(release, "add")
    insert_after(notebook, "add", stub)


@damage()
def everything_twice(notebook):
    second = copy.deepcopy(notebook.cells)
    for cell in second:
        cell.id = f"copy-{cell.id}"
    notebook.cells += second


@damage()
def deleted_test(notebook):
    remove(notebook, "double-test")


@damage(NO_ADD, stock_is_wrong=False)
def deleted_solution(notebook):
    remove(notebook, "add")


@damage(NO_ADD)
def deleted_solution_and_tests(notebook):
    remove(notebook, "add", "add-test", "limit-test")


@damage()
def deleted_given_cell(notebook):
    remove(notebook, "limit")


@damage(stock_is_wrong=False)
def retyped_solution(notebook):
    cell = cell_of(notebook, "add")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


@damage()
def retyped_to_raw_and_prose_to_code(notebook):
    for name in ("double-test", "add"):
        cell = cell_of(notebook, name)
        cell.cell_type = "raw"
        del cell["outputs"], cell["execution_count"], cell.metadata["nbgrader"]
    cell_of(notebook, "why").update(cell_type="code", outputs=[], execution_count=None)


@damage()
def all_metadata_gone(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


@damage()
def exported_by_an_editor_without_ids(notebook):
    notebook.nbformat_minor = 0
    for place, cell in enumerate(notebook.cells):
        cell.metadata = {"id": f"x{place}"}
        del cell["id"]


@damage()
def ids_kept_in_the_metadata(notebook):
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        cell.metadata = {"id": cell.pop("id")}
    cells = [cell for cell in notebook.cells if cell.metadata["id"] == "cell-add-test"]
    cells[0].source = "assert True"


@damage(stock_is_wrong=False)
def changed_points(notebook):
    cell_of(notebook, "add-test").metadata.nbgrader.points = 200


@damage()
def no_longer_graded(notebook):
    cell_of(notebook, "add-test").metadata.nbgrader.grade = False


@damage()
def unlocked_and_weakened(notebook):
    cell = cell_of(notebook, "add-test")
    cell.metadata.nbgrader.update(locked=False, solution=True)
    cell.source = "pass"


@damage()
def schema_of_another_time(notebook):
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99


@damage()
def metadata_of_wrong_types(notebook):
    cell_of(notebook, "add").metadata.nbgrader = ["solution"]
    cell_of(notebook, "add-test").metadata.nbgrader.update(grade_id={"a": 1}, points="many")
    cell_of(notebook, "double-test").metadata.nbgrader.update(extra="key", grade=1)


@damage()
def invented_graded_cell(notebook):
    flags = {"schema_version": 3, "grade": True, "solution": False, "locked": False}
    info = {"nbgrader": flags | {"grade_id": "<b>`bonus", "points": 50}}
    notebook.cells.append(new_code_cell("pass", id="bonus", metadata=info))


@damage(stock_is_wrong=False)
def swapped_ids(notebook):
    add, double = (cell_of(notebook, name) for name in ("add", "double"))
    add.metadata.nbgrader.grade_id, double.metadata.nbgrader.grade_id = "double", "add"
    add.id, double.id = "one", "two"


@damage()
def two_cells_with_one_id(notebook):
    cell_of(notebook, "double").metadata.nbgrader.grade_id = "add"


@damage()
def solutions_behind_their_tests(notebook):
    tests = [cell for cell in notebook.cells if "-test" in cell.id]
    others = [cell for cell in notebook.cells if cell not in tests]
    notebook.cells = tests + others


@damage()
def helper_behind_the_place_of_a_test(notebook):
    cell_of(notebook, "double").source = "def double(x):\n    return helper(x)"
    remove(notebook, "double-test")
    helper = new_code_cell("def helper(x):\n    return 2 * x", id="helper")
    insert_after(notebook, "double", helper)


@damage(FULL | {"double-test": 0.0})
def skipped_by_tags(notebook):
    cell_of(notebook, "double").source = "def double(x):\n    return x"
    cell_of(notebook, "double-test").metadata.tags = ["skip-execution"]
    cell_of(notebook, "add-test").metadata.tags = ["raises-exception"]


@damage()
def without_minor_version(notebook):
    del notebook["nbformat_minor"]


@damage()
def cells_of_wrong_form(notebook):
    add, test, why = (cell_of(notebook, name) for name in ("add", "add-test", "why"))
    del add["outputs"], add["execution_count"]
    test.outputs = "none"
    why.update(outputs=[], source=list(why.source))
    notebook.cells.insert(0, "not a cell")
    notebook.cells.append({"cell_type": "code"})


@damage()
def half_an_emoji(notebook):
    cell_of(notebook, "title").source = "# \ud83d"


WRONG = [name for name, (*_, stock_is_wrong) in DAMAGES.items() if stock_is_wrong]


@pytest.fixture(scope="module")
def courses(tmp_path_factory):
    """Grade every damaged notebook twice: hardened in one run, as delivered each alone."""
    both = {
        "hardened": TinyCourse(tmp_path_factory.mktemp("hardened"), forks_kernels=True),
        "stock": TinyCourse(tmp_path_factory.mktemp("stock"), config="", forks_kernels=True),
    }
    for course in both.values():
        for name, (function, _, _) in DAMAGES.items():
            notebook = course.solved()
            wants_release = function.__code__.co_argcount == 2
            function(notebook, course.release) if wants_release else function(notebook)
            course.submit(name, notebook)
    done = both["hardened"].autograde()
    both["log"] = done.stderr
    assert done.returncode == 0, done.stderr
    both["stock"].autograde_one_by_one(["intact", *WRONG])
    return both


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_submission_gets_the_scores_it_deserves(courses, name):
    assert courses["hardened"].scores(name) == DAMAGES[name][1]


@pytest.mark.parametrize("name", WRONG)
def test_nbgrader_as_delivered_gets_it_wrong(courses, name):
    assert courses["stock"].scores(name) != DAMAGES[name][1]


@pytest.mark.parametrize("name", [name for name in DAMAGES if name != "intact"])
def test_every_repair_is_told_to_instructor_machine_and_student(courses, name):
    course = courses["hardened"]
    repairs = course.repairs(name)
    assert repairs
    note = course.graded(name).cells[0]
    assert note.id == NOTE_ID
    for cell, what in repairs:
        assert f"student {name}, notebook {NAME}, cell {cell or '-'}: {what}" in courses["log"]
        assert what in note.source
        assert cell in note.source


def test_an_intact_submission_is_graded_as_ever_byte_for_byte(courses):
    hardened, stock = (courses[kind].autograded("intact") for kind in ("hardened", "stock"))
    assert hardened.read_bytes() == stock.read_bytes()
    assert "student intact" not in courses["log"]


def test_the_students_text_is_kept(courses):
    for name in ("answer_in_the_copy", "everything_twice", "exported_by_an_editor_without_ids"):
        texts = [cell.source for cell in courses["hardened"].graded(name).cells]
        assert "def add(a, b):\n    return a + b" in texts
        assert "Because it is so." in texts


@pytest.mark.parametrize("name", ["all_metadata_gone", "exported_by_an_editor_without_ids"])
def test_an_answer_in_prose_is_found_again(courses, name):
    assert cell_of(courses["hardened"].graded(name), "why").source == "Because it is so."


def test_hidden_tests_come_back_with_a_deleted_test(courses):
    test = cell_of(courses["hardened"].graded("deleted_solution_and_tests"), "add-test")
    assert "hidden" in test.source


def test_a_stub_behind_the_answer_is_kept_but_does_not_run(courses):
    cells = courses["hardened"].graded("stub_behind_the_answer").cells
    assert [cell.cell_type for cell in cells if "YOUR CODE HERE" in cell.source] == ["raw"]


def test_an_intact_submission_made_from_the_source_needs_no_repair(courses, tmp_path):
    course = courses["hardened"]
    source = nbformat.read(course.folder / "source" / NAME / f"{NAME}.ipynb", as_version=4)
    course.submit("instructor", source)
    done = course.autograde("--student", "instructor")
    assert done.returncode == 0
    assert course.scores("instructor") == FULL
    assert course.repairs("instructor") == []


def test_a_repaired_notebook_can_be_submitted_again(courses):
    course = courses["hardened"]
    course.submit("again", course.autograded("copied_test").read_text())
    assert course.autograde("--student", "again").returncode == 0
    assert course.scores("again") == FULL
    ids = [cell.id for cell in course.graded("again").cells]
    assert ids.count(NOTE_ID) <= 1


def test_a_missing_release_folder_is_said_and_the_gradebook_serves(tmp_path):
    course = TinyCourse(tmp_path, forks_kernels=True)
    (course.folder / "release" / NAME / f"{NAME}.ipynb").unlink()
    notebook = course.solved()
    deleted_test(notebook)
    skipped = cell_of(notebook, "add-test")
    notebook.cells.remove(skipped)
    notebook.cells.insert(0, skipped)
    course.submit("student", notebook)
    done = course.autograde()
    assert done.returncode == 0, done.stderr
    assert "No released notebook" in done.stderr
    assert course.scores("student") == FULL


# The parts, without a kernel


RELEASED = [
    ReleasedCell("a", "code", "def a(): ...", cell_id="1", info={"solution": True}),
    ReleasedCell("a-test", "code", "assert a()", cell_id="2"),
    ReleasedCell("", "markdown", "Next", cell_id="3"),
    ReleasedCell("b", "code", "def b(): ...", cell_id="4", info={"solution": True}),
    ReleasedCell("b-test", "code", "assert b()", cell_id="5"),
]


def nodes_of(*texts):
    return [new_code_cell(text, id=f"own-{place}") for place, text in enumerate(texts)]


def test_names_are_found_in_broken_code():
    code = "def f(x:\n  return\nclass K(Base):\ny: int = 3\nz == 4\n  inner = 1\nasync def g(): ..."
    assert names_in_broken_text(code) == {"f", "K", "y", "g"}


def test_cells_are_known_by_their_content():
    nodes = nodes_of(
        "assert b()", "def b():\n    return 1", "x = 1", "def a(: broken", "assert a() "
    )
    found = match([look_at(node) for node in nodes], RELEASED)
    assert found.chosen == {"a": 3, "a-test": 4, "b": 1, "b-test": 0}
    assert found.copies == {}


def test_of_copies_the_last_with_work_in_it_counts():
    texts = ["def a(): return 1", "def a(): return 2", "def a(): ...", ""]
    found = match([look_at(node) for node in nodes_of(*texts)], RELEASED)
    assert found.chosen == {"a": 1}
    assert found.copies == {0: "a", 2: "a"}


@pytest.mark.parametrize(
    ("ranks", "weights", "kept"),
    [
        ([], [], set()),
        ([0, 1, 2], [1, 1, 1], {0, 1, 2}),
        ([2, 0, 1], [1, 1, 1], {0, 1}),
        ([1, 2, 0], [1, 1, 4], {0}),
        ([3, 0, 1, 2], [4, 1, 4, 1], {0, 1, 2}),
    ],
)
def test_the_heaviest_part_in_order_stays(ranks, weights, kept):
    assert heaviest_in_order(ranks, weights) == kept


def test_what_is_put_back_stands_behind_the_students_own_cells():
    nodes = nodes_of("def a(): return h()", "def h(): return 1", "Next", "def b(): return 1")
    found = Match(chosen={"a": 0, "b": 3}, plain={2: 2})
    cells, moved, missing = arrange(nodes, found, RELEASED)
    texts = [cell.source for cell in cells]
    assert texts == [
        *(node.source for node in nodes[:2]),
        "assert a()",
        "Next",
        texts[4],
        "assert b()",
    ]
    assert (moved, missing) == ([], ["a-test", "b-test"])


def test_a_solution_that_is_moved_stands_behind_its_copies():
    nodes = nodes_of("def a(): return 1", "assert a()", "def b(): ...", "assert b()")
    nodes.append(new_code_cell("def a(): return 2"))
    found = Match(chosen={"a": 4, "a-test": 1, "b": 2, "b-test": 3}, copies={0: "a"})
    cells, moved, _ = arrange(nodes, found, RELEASED)
    assert [cell.source for cell in cells[:3]] == [
        "def a(): return 1",
        "def a(): return 2",
        "assert a()",
    ]
    assert moved == ["a"]


def test_an_id_cannot_write_into_the_log_or_the_note():
    quoted = quote("x\nWARNING <script>`" + "y" * 1000)
    assert "\n" not in quoted
    assert quoted.count("`") == 2
    assert len(quoted) == len("``") + 70


def test_large_attachments_are_left_out_and_many_cells_refused(courses):
    course = courses["hardened"]
    notebook = course.solved()
    why = cell_of(notebook, "why")
    why.attachments = {"a.png": {"image/png": "A" * 2000}}
    submission = {
        "db_url": f"sqlite:///{course.folder / 'gradebook.db'}",
        "student": "s",
        "assignment": NAME,
        "notebook": NAME,
    }
    repair = RepairSubmission(max_attachment_bytes=1000, max_cells=20)
    repair.config.CourseDirectory.root = str(course.folder)
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {}}  # as Colab does
    done, _ = repair.preprocess(notebook, {"nbgrader": submission})
    assert "widgets" not in done.metadata
    assert "attachments" not in cell_of(done, "why")
    assert "attachments of 20" in done.cells[0].source
    notebook.cells += [new_markdown_cell("")] * 20
    with pytest.raises(UngradableError, match="at most 20 cells, got"):
        repair.preprocess(notebook, {"nbgrader": submission})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"\x89PNG\r\n\x1a\n\x00", "not JSON"),
        (b"[1, 2", "not JSON"),
        (b"[1, 2]", "list of cells"),
        (b'{"nbformat": 4, "cells": {}}', "list of cells"),
        (b'{"nbformat": 99, "metadata": {}}', "list of cells"),
        (b"[" * 100_000, "JSON that is none"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(data, reason):
    with pytest.raises(UngradableError, match=reason):
        read_notebook(data)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_notebook_is_read_in_every_encoding_of_json(courses, encoding):
    notebook = courses["hardened"].solved(why="Weil es so ist: ä")
    read, repairs = read_notebook(json.dumps(notebook, ensure_ascii=False).encode(encoding))
    assert (read, repairs) == (notebook, [])
