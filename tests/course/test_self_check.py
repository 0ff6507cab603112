"""The cell that tells students what is left to do before they hand in."""

import linecache
from pathlib import Path

import nbformat
import pytest
from nexa_grade.cell_names import definitions

from authoring.assignment import NEXACODE
from authoring.sync import self_check_tables
from nexa_helpers.given import self_check as module
from nexa_helpers.given.ready_made import fingerprint
from nexa_helpers.given.self_check import (
    SELF_CHECK_ANSWERS,
    SELF_CHECKS,
    describe_self_check,
    is_blank,
    self_check,
)

STUB = "def half(x):\n    raise NotImplementedError('This part is yours: replace this line.')\n"
DONE = "def half(x):\n    return x / 2\n"
CHECK = "assert half(3) == 1.5, f'half(3): expected 1.5, got {half(3)}'\nkept = half"


@pytest.fixture(scope="module")
def released():
    return nbformat.read(NEXACODE.release_notebook, as_version=4)


def define(source, name):
    """Define a function as a notebook does: its text can be read again."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace = {}
    exec(compile(source, name, "exec"), namespace)
    return namespace["half"]


@pytest.fixture
def checks(monkeypatch):
    table = {fingerprint(CHECK): "todo1-test-half", "0" * 16: "todo1-test-other"}
    monkeypatch.setattr(module, "SELF_CHECKS", table)
    monkeypatch.setattr(module, "SELF_CHECK_ANSWERS", {"half": 1})
    monkeypatch.setattr(module, "SELF_CHECK_HIDDEN", {})


def test_the_table_is_that_of_the_source_and_of_the_release(released):
    """What students see of a graded cell is what the cell's fingerprint was made of."""
    source = nbformat.read(NEXACODE.source_notebook, as_version=4)
    shown = definitions(Path(module.__file__).read_text())
    assert self_check_tables(source).items() <= shown.items(), "run `make sync`"
    texts = {
        cell.metadata.nbgrader.grade_id: fingerprint(cell.source.strip())
        for cell in released.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert {texts[name]: name for name in SELF_CHECKS.values()} == SELF_CHECKS


def test_a_check_that_only_calls_a_tool_is_known_and_one_that_is_all_hidden_is_not():
    assert "todo5-test-direction" in SELF_CHECKS.values()
    assert "todo8-test-gpu" not in SELF_CHECKS.values()


def test_every_answer_in_code_is_known_a_method_with_its_class():
    assert SELF_CHECK_ANSWERS["ProcessRewardModel.majority_vote"] == 3
    assert SELF_CHECK_ANSWERS["grpo_tcr_loss"] == 4
    assert all(is_blank(name, {}) for name in SELF_CHECK_ANSWERS)


def test_a_right_answer_passes_and_a_check_that_did_not_run_is_named(checks):
    namespace = {"half": define(DONE, "done")}
    results = self_check(["", "half = 1", f"{CHECK}\n"], namespace)
    assert results == {
        "todo1-test-half": "passes",
        "todo1-test-other": "has not run yet, or was changed",
    }
    assert namespace["kept"] is namespace["half"]  # it ran in the notebook's own names
    told = describe_self_check(results, namespace).splitlines()
    assert told[:2] == [
        "TODO 1: 1 of 2 visible checks pass",
        "    todo1-test-other: has not run yet, or was changed",
    ]


def test_a_wrong_answer_says_why(checks):
    results = self_check([CHECK], {"half": lambda x: x // 2})
    assert results["todo1-test-half"] == "AssertionError: half(3): expected 1.5, got 1"


def test_a_blank_answer_is_called_blank(checks):
    namespace = {"half": define(STUB, "stub")}
    told = describe_self_check(self_check([CHECK], namespace), namespace)
    assert "    blank: half" in told
    assert "NotImplementedError: This part is yours" in told
    assert "    blank: half" in describe_self_check({}, {})


def test_a_ready_made_todo_is_not_checked(checks):
    namespace = {"half": define(DONE, "done with a switch"), "READY_MADE": [1]}
    results = self_check([CHECK], namespace)
    assert results == {}
    told = describe_self_check(results, namespace).splitlines()
    assert told[0] == "TODO 1: ready-made, not checked. Take 1 out of READY_MADE first."
    assert len(told) == 3, "the last two lines are for everybody"


def test_a_switch_lets_no_check_of_another_todo_pass_over_an_error(monkeypatch):
    """The check of TODO 9 does not stop a run with switches; here it must say what it found."""
    check = "if not READY_MADE:\n    raise AssertionError('expected 250 words, got 15')"
    monkeypatch.setattr(module, "SELF_CHECKS", {fingerprint(check): "todo9-test-words"})
    namespace = {"READY_MADE": [2, 5]}
    results = self_check([check], namespace)
    assert results == {"todo9-test-words": "AssertionError: expected 250 words, got 15"}
    assert namespace["READY_MADE"] == [2, 5]


def test_every_todo_of_the_tables_is_named_and_no_other(checks, monkeypatch):
    monkeypatch.setattr(module, "SELF_CHECK_ANSWERS", {"half": 1, "len": 12})
    monkeypatch.setattr(module, "SELF_CHECK_HIDDEN", {12: 2.5})
    told = describe_self_check({}, {"half": define(DONE, "done once more"), "len": len})
    assert told.splitlines()[:2] == [
        "TODO 1: 0 of 0 visible checks pass",
        "TODO 12: 0 of 0 visible checks pass; 2.5 points have more cases when graded",
    ]


def test_what_is_no_function_of_the_notebook_is_not_blank():
    class Model:
        done, blank = define(DONE, "done again"), define(STUB, "stub again")
        kept = define(STUB.replace("raise", "return x / 2  # raise"), "stub as a comment")

    namespace = {"len": len, "table": object(), "Model": Model}
    assert not is_blank("len", namespace)
    assert not is_blank("table", namespace)
    assert not is_blank("Model.done", namespace)
    assert not is_blank("Model.kept", namespace)
    assert is_blank("Model.blank", namespace)
    assert is_blank("Model.other", namespace)


def test_of_a_notebook_that_still_has_its_hidden_tests_the_visible_part_runs(checks):
    text = f"{CHECK}\n### BEGIN HIDDEN TESTS\nassert half(1) == 1, 'hidden'\n### END HIDDEN TESTS"
    results = self_check([text], {"half": define(DONE, "done")})
    assert results["todo1-test-half"] == "passes"
