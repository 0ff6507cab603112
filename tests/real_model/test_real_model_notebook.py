"""The notebook of the third assignment: its code, its points, its cells, its bank."""

import ast
import re

import nbformat
import pytest
from nexa_grade.cell_names import parse_without_magics

from authoring.answer_bank import list_bank
from authoring.assignment import REAL_MODEL
from authoring.graded_cells import (
    asked_functions,
    grade_info,
    is_graded_by_machine,
    points_by_todo,
    solution_cells,
)
from authoring.sync import END, differences, points_table
from authoring.visible_lines import is_folded

FUNCTIONS = {
    "read_answer": 1, "encode_chat": 2, "chunked_log_probs": 3, "reference_log_probs": 4,
    "developer_reward": 5, "adapter_size": 6, "paired_comparison": 7, "plan_run": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(REAL_MODEL.source_notebook, as_version=4)


def test_it_shows_the_package_letter_by_letter(notebook):
    assert differences(REAL_MODEL, notebook) == ""
    assert REAL_MODEL.source_notebook.read_text() == nbformat.writes(notebook) + "\n"


def test_it_asks_for_the_eight_functions_of_the_contract(notebook):
    assert asked_functions(notebook) == FUNCTIONS


def test_sixty_points_and_at_least_45_by_machine(notebook):
    points = points_by_todo(notebook).values()
    assert sum(todo.total for todo in points) == 60
    assert sum(todo.by_machine for todo in points) >= 45
    assert points_table(notebook) in REAL_MODEL.student_guide.read_text()


def test_half_of_the_machines_points_have_hidden_checks(notebook):
    cells = [cell for cell in notebook.cells if is_graded_by_machine(cell)]
    hidden = [grade_info(c)["points"] for c in cells if "### BEGIN HIDDEN TESTS" in c.source]
    assert sum(hidden) >= sum(grade_info(cell)["points"] for cell in cells) / 2


def test_each_assert_of_a_graded_cell_has_a_message(notebook):
    for cell in filter(is_graded_by_machine, notebook.cells):
        for node in ast.walk(parse_without_magics(cell.source)):
            if isinstance(node, ast.Assert):
                assert node.msg is not None, f"{cell.id}: {ast.unparse(node)}"


def test_cells_are_folded_titled_narrow_and_empty(notebook):
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        assert (cell.outputs, cell.execution_count) == ([], None), cell.id
        if is_folded(cell):
            assert cell.source.startswith("# @title "), cell.id
            assert cell.metadata.cellView == "form", cell.id
        else:
            shown = re.sub(r"### BEGIN .*?### END [A-Z ]+", "", cell.source, flags=re.DOTALL)
            wide = [line for line in shown.splitlines() if len(line) > 88]
            assert wide == [], cell.id
        if cell.id.startswith(("given-", "setup-")):
            assert grade_info(cell)["locked"], cell.id


def test_a_call_by_hand_stands_between_each_stub_and_its_checks(notebook):
    ids = [cell.id for cell in notebook.cells]
    for cell in solution_cells(notebook):
        assert re.match(r"todo\d-call-", ids[ids.index(cell.id) + 1])


def test_the_bank_has_its_size():
    for todo in FUNCTIONS.values():
        answers = [answer for answer in list_bank(REAL_MODEL) if answer.todo == todo]
        assert sum(answer.is_right for answer in answers) >= 4, todo
        assert sum(not answer.is_right for answer in answers) >= 8, todo


def test_the_reference_gets_every_point(real_model_grader):
    outcome = real_model_grader.grade(None)
    assert len(outcome) == 25
    assert {name: said for name, said in outcome.items() if said} == {}


def test_a_blank_stub_gets_no_point_of_its_todo(real_model_grader, notebook, tmp_path):
    """Blanks stand in the place of all answers, as in the release."""
    namespace = real_model_grader.namespace
    answers = {name: namespace[name] for name in FUNCTIONS}

    def blank(*arguments, **options):
        raise NotImplementedError("This part is yours: replace this line with your code.")

    try:
        namespace.update(dict.fromkeys(FUNCTIONS, blank))
        outcome = real_model_grader.grade(None)
    finally:
        namespace.update(answers)
    assert [name for name, said in outcome.items() if not said] == []


def test_an_answer_of_the_real_model_bank_gets_what_it_deserves(
    real_model_grader, real_model_answer
):
    outcome = real_model_grader.grade(real_model_answer)
    lost = {name: said for name, said in outcome.items() if said}
    own = {name for name in lost if name.startswith((f"todo{real_model_answer.todo}-", "answer"))}
    assert bool(lost) != real_model_answer.is_right, lost
    assert set(lost) == own, "a mistake costs points of its own TODO alone"


def test_solutions_are_marked(notebook):
    for cell in solution_cells(notebook):
        assert cell.source.rstrip().endswith(END), cell.id
