"""The bank of answers: wrong ones are caught in their TODO, right ones accepted, nothing else."""

import dataclasses
import os

import nbformat
import pytest
from nexa_grade.cell_names import definitions, given_names

from authoring.answer_bank import (
    Answer,
    answered_cell,
    list_bank,
    read_source,
    run_graded,
    with_answer,
)
from authoring.assignment import ASSIGNMENTS, DRAFTS, NEXACODE, Assignment
from authoring.graded_cells import (
    asked_functions,
    asked_name,
    function_todos,
    is_graded_by_machine,
    solution_cells,
    todo_of,
)

ANSWERS = list_bank(NEXACODE)
FUNCTIONS = asked_functions(read_source(NEXACODE))
TODOS = function_todos(read_source(NEXACODE))


@pytest.fixture(scope="module")
def source():
    return read_source(NEXACODE)


def new_answer(folder, text: str, todo: int = 1, verdict: str = "wrong") -> Answer:
    assignment = dataclasses.replace(NEXACODE, root=folder)
    path = assignment.answers / f"todo{todo}" / verdict / "an_answer.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (answer,) = list_bank(assignment)
    return answer


def sample(assignment: Assignment) -> list[Answer]:
    """Take one answer of each TODO: of the even ones a right one, of the odd ones a wrong one.

    Of the first assignment test_nbgrader_cli.py grades a mixed submission: those TODOs are left
    out here.
    """
    by_todo: dict[int, list[Answer]] = {}
    mixed = (1, 3, 4, 8) if assignment is NEXACODE else ()
    for answer in list_bank(assignment):
        if answer.todo in mixed:
            continue
        by_todo.setdefault(answer.todo, []).append(answer)
    return [listed[-(todo % 2)] for todo, listed in by_todo.items()]  # right ones stand first


@pytest.mark.parametrize(
    ("assignment", "answer"),
    [(each, answer) for each in ASSIGNMENTS + DRAFTS for answer in sample(each)],
    ids=lambda one: one.name,
)
def test_an_answer_costs_nothing_in_other_todos(quick_graders, assignment, answer):
    """A sample; ``make grader-report`` does it for all."""
    outcome = quick_graders(assignment).grade(answer)
    mine = (f"todo{answer.todo}-", "answer")
    assert {n: said for n, said in outcome.items() if said and not n.startswith(mine)} == {}


@pytest.mark.parametrize("todo", TODOS)
def test_a_todo_is_gradable_when_every_other_one_is_blank(quick_grader, tmp_path, todo):
    """The reference answers of one TODO in one file; the functions of all others are missing."""
    others = [
        asked_name(cell) for cell in solution_cells(quick_grader.notebook) if todo_of(cell) != todo
    ]
    removed = {
        name: quick_grader.namespace.pop(name) for name in others if name in quick_grader.namespace
    }
    votes = quick_grader.namespace["ProcessRewardModel"].majority_vote
    try:
        if todo != 3:
            del quick_grader.namespace["ProcessRewardModel"].majority_vote
        outcome = quick_grader.grade(None, todo)
    finally:
        quick_grader.namespace.update(removed)
        quick_grader.namespace["ProcessRewardModel"].majority_vote = votes
    assert outcome
    assert {name: said for name, said in outcome.items() if said} == {}


def test_an_answer_replaces_the_function_and_nothing_else(source, tmp_path):
    text = "def majority_vote(self, input_ids):\n    return 1\n"
    answer = new_answer(tmp_path, text, todo=3)
    cell = answered_cell(source, answer)
    code = with_answer(cell, answer)
    assert "    def majority_vote(self, input_ids):\n        return 1" in code
    assert code.startswith("class ProcessRewardModel")
    assert "def forward(" in code
    assert "one_hot" not in code


def test_a_decorator_of_the_cell_is_replaced_too(source, tmp_path):
    answer = new_answer(tmp_path, "def categorize_errors(policy):\n    return {}\n", todo=7)
    code = with_answer(answered_cell(source, answer), answer)
    assert code.strip() == "def categorize_errors(policy):\n    return {}"


def test_a_file_without_the_function_is_refused(source, tmp_path):
    answer = new_answer(tmp_path, "def something_else():\n    return 1\n")
    with pytest.raises(ValueError, match="expected a definition of parse_conversation"):
        answered_cell(source, answer)


def test_a_word_on_stderr_costs_the_points():
    cell = nbformat.v4.new_code_cell("import sys\nprint('oh', file=sys.stderr)")
    cell.metadata.nbgrader = {"grade_id": "todo1-test-x", "grade": True}
    assert run_graded(cell, {}) == "stderr: oh"
    cell.source = "print('fine')"
    assert run_graded(cell, {}) == ""
    cell.source = "assert 1 == 2, 'expected 2, got 1'"
    assert run_graded(cell, {}) == "AssertionError: expected 2, got 1"


def test_cells_before_the_answer_have_run_already(quick_grader):
    answer = next(answer for answer in ANSWERS if answer.todo == 8)
    assert {name[:6] for name in quick_grader.grade(answer)} == {"todo8-", "todo9-"}


def test_an_answer_that_ends_the_process_is_a_result(quick_grader, tmp_path):
    text = "import os\n\ndef parse_conversation(raw_text):\n    os._exit(0)\n"
    outcome = quick_grader.grade(new_answer(tmp_path, text), todo=1)
    assert outcome == {"answer": "the process ended without a result"}


def test_grading_leaves_the_environment_as_it_was(quick_grader):
    assert "NBGRADER_EXECUTION" not in os.environ


NOTHING = "def {name}(*args, **kwargs):\n    return None\n"
LIAR = """def {name}(*args, **kwargs):
    class Liar(dict):
        __class__ = property(lambda self: dict)
        __hash__ = None
        __eq__ = __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: True
        __ne__ = lambda self, other: False
        __contains__ = lambda self, key: True
        __len__ = lambda self: 2
        __float__ = lambda self: 0.5
        __int__ = __index__ = lambda self: 1
        __abs__ = __neg__ = __add__ = __radd__ = __sub__ = __rsub__ = lambda self, *other: self
        __iter__ = lambda self: iter([self, self])
        __getitem__ = __getattr__ = lambda self, name: self
        __call__ = lambda self, *args, **kwargs: self
        keys = lambda self: self

    return Liar()
"""


def callers_of(name: str, cells, todo: int) -> set[str]:
    """Name a function, and the tools of its TODO's checks that call it."""
    tools = [cell.source for cell in cells if cell.id == f"given-todo{todo}-check-tools"]
    found = {name}
    for code in tools:
        parts = definitions(code)
        for _ in parts:  # a tool may call another tool
            found |= {tool for tool in parts for known in found if f"{known}(" in parts[tool]}
    return found


@pytest.mark.parametrize("text", [NOTHING, LIAR], ids=["nothing", "liar"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_and_an_object_equal_to_everything_earn_nothing(
    quick_grader, tmp_path, source, function, text
):
    todo, name = FUNCTIONS[function], function.split(".")[-1]
    answer = new_answer(tmp_path, text.format(name=name), todo)
    outcome = quick_grader.grade(answer, todo)
    callers = callers_of(name, source.cells, todo)
    called = [
        cell.metadata.nbgrader.grade_id
        for cell in source.cells
        if is_graded_by_machine(cell)
        and todo_of(cell) == todo
        and any(f"{caller}(" in cell.source for caller in callers)
    ]
    assert called
    assert [cell for cell in called if not outcome[cell]] == []


EVERYTHING = """

class Everything(dict):
    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return self

    def __getitem__(self, key):
        return self

    def __call__(self, *args, **kwargs):
        return self
"""


def tools_of(notebook, todo: int) -> list[str]:
    """Name the helpers in the locked cells with the tools of the checks of a TODO."""
    cells = [c for c in notebook.cells if c.id.startswith(f"given-todo{todo}-check-tools")]
    return [name for cell in cells for name in given_names(cell.source)]


@pytest.mark.parametrize("todo", [1, 2, 5, 6, 7])
def test_an_answer_that_redefines_the_tools_of_its_checks_gains_nothing(
    quick_grader, tmp_path, todo
):
    names = tools_of(quick_grader.notebook, todo)
    assert names
    cell = next(c for c in solution_cells(quick_grader.notebook) if todo_of(c) == todo)
    wrong = f"def {asked_name(cell)}(*args, **kwargs):\n    return None\n"
    forged = "".join(
        f"\n\ndef {name}(*args, **kwargs):\n    return Everything()\n" for name in names
    )
    plain = quick_grader.grade(new_answer(tmp_path / "plain", wrong, todo), todo)
    redefined = new_answer(tmp_path / "forged", wrong + EVERYTHING + forged, todo)
    outcome = quick_grader.grade(redefined, todo)
    assert "answer" not in outcome
    passed = {name for name, said in outcome.items() if not said}
    assert passed == {name for name, said in plain.items() if not said}
