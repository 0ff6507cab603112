"""What the checks of the notebook say: what they looked at, and when they let a run go on."""

import ast

import nbformat
import pytest

from authoring.assignment import NEXACODE
from authoring.graded_cells import grade_info, is_graded_by_machine
from authoring.sync import HIDDEN_TESTS
from nexa_helpers.given.check_tools import checking

CHECKS = {
    grade_info(cell)["grade_id"]: cell
    for cell in nbformat.read(NEXACODE.source_notebook, as_version=4).cells
    if is_graded_by_machine(cell)
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_says_its_points_and_whether_more_cases_are_hidden(name):
    source, points = CHECKS[name].source, grade_info(CHECKS[name])["points"]
    visible = HIDDEN_TESTS.sub("", source)
    said = f"{points:g} point{'' if points == 1 else 's'}"
    if any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(visible))):
        said += ", with more cases when graded" * (visible != source) + ")"
    assert f"({said}" in visible, f"expected ({said} in the text of the check"


def test_all_asserts_that_a_student_sees_stand_in_a_check():
    for name, cell in CHECKS.items():
        for node in ast.parse(HIDDEN_TESTS.sub("", cell.source)).body:
            inside = isinstance(node, ast.With) and "checking(" in ast.unparse(node.items[0])
            loose = [part for part in ast.walk(node) if isinstance(part, ast.Assert)]
            assert inside or not loose, (
                f"{name}: line {node.lineno} stops a run with ready-made results"
            )


def test_a_check_that_passes_says_what_it_looked_at(capsys):
    with checking(False, "ties (1 point)"):
        pass
    assert capsys.readouterr().out == "Passed: ties (1 point).\n"


def test_an_example_says_nothing(capsys):
    with checking(False):
        pass
    assert capsys.readouterr().out == ""


def test_an_error_stops_the_run(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    with pytest.raises(AssertionError, match="expected 1"), checking(False, "ties"):
        raise AssertionError("expected 1")


def test_with_a_ready_made_result_the_run_goes_on(capsys, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    with checking(True, "ties"):
        raise NotImplementedError
    assert capsys.readouterr().out == "Not solved yet (NotImplementedError). The run goes on.\n"
    with checking(True, "ties"):
        raise AssertionError("expected 0, got 1\nmore")
    said = "Not solved yet (AssertionError: expected 0, got 1). The run goes on.\n"
    assert capsys.readouterr().out == said


def test_while_the_notebook_is_graded_every_error_counts(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(AssertionError), checking(True, "ties"):
        raise AssertionError


def test_a_student_who_interrupts_is_obeyed():
    with pytest.raises(KeyboardInterrupt), checking(True, "ties"):
        raise KeyboardInterrupt
