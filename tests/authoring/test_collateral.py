"""Switches that an answer leaves on cost nothing elsewhere, and what is measured says so."""

import dataclasses
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from authoring.assignment import NEXACODE
from authoring.collateral import failed_ungraded, leaky_answers, lost_elsewhere
from authoring.grader_report import COLLATERAL, Graded, collateral_section, collateral_table

LEAKY = {answer.path.stem: answer for answer in leaky_answers(NEXACODE, [3])}
ROWS = [
    {"answer": "todo3 right leaves_a", "lost": {}, "ungraded": 0},
    {"answer": "todo3 wrong leaves_b", "lost": {"todo5-x": 2.0, "todo6-y": 1.0}, "ungraded": 3},
]


@pytest.mark.parametrize("name", ["leaves_float64_default", "leaves_warnings_as_errors"])
def test_the_quick_way_puts_switches_back_as_the_grader_does(quick_grader, name):
    outcome = quick_grader.grade(LEAKY[name], 5)  # without that, each loses a point in TODO 5
    assert {cell: said for cell, said in outcome.items() if said} == {}


def test_answers_that_leave_a_switch_on_are_known_by_their_names():
    assert len(LEAKY) >= 6
    assert {answer.is_right for answer in LEAKY.values()} == {True, False}
    assert {answer.todo for answer in leaky_answers(NEXACODE)} >= {3, 8}


def test_points_of_other_todos_are_compared_with_the_reference():
    full = {"todo3-a": (2.0, 2.0, ""), "todo4-b": (1.0, 1.0, ""), "todo5-c": (0.0, 1.0, "error")}
    found = {"todo3-a": (0.0, 2.0, "error"), "todo5-c": (0.0, 1.0, "error")}
    assert lost_elsewhere(Graded(found), Graded(full), 3) == {"todo4-b": 1.0}
    assert lost_elsewhere(Graded(found), Graded(full), 4) == {"todo3-a": 2.0}


def test_cells_without_points_that_fail_are_named(tmp_path):
    error = new_output("error", ename="E", evalue="", traceback=[])
    graded = {"nbgrader": {"grade": True}}
    cells = [
        new_code_cell("x", id="a", outputs=[error]),
        new_code_cell("x", id="b", outputs=[error], metadata=graded),
        new_code_cell("x", id="c", outputs=[error], metadata={"nbgrader": {"grade": False}}),
        new_code_cell("x", id="d"),
    ]
    path = tmp_path / "0" / "autograded" / "ada" / "ps1" / "ps1.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), path)
    assert failed_ungraded(tmp_path, "ada") == {"a", "c"}


def test_what_was_measured_stands_in_the_report(tmp_path):
    assignment = dataclasses.replace(NEXACODE, root=tmp_path)
    assert collateral_section(assignment) == []
    assignment.answers.mkdir(parents=True)
    (assignment.answers / COLLATERAL).write_text(json.dumps(ROWS))
    assert collateral_table(assignment)[2:] == [
        "| todo3 right leaves_a | 0 | 0 |",
        "| todo3 wrong leaves_b | 3 (todo5-x, todo6-y) | 3 |",
    ]
    assert collateral_section(assignment)[1] == "## Switches that an answer leaves on"
