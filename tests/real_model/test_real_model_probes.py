"""The second look at the third assignment: each graded cell has a probe, no right one is held."""

import pytest

from authoring.answer_bank import list_bank
from authoring.assignment import REAL_MODEL
from authoring.second_look import Looker, points_of_tests

RIGHT = [answer for answer in list_bank(REAL_MODEL) if answer.is_right]
WRONG = {  # each is seen by the probe of a cell that it fails
    "all_or_nothing": "todo5-test-values",
    "one_layer": "todo6-test-count",
    "rounded_down": "todo8-test-numbers",
    "no_end_token": "todo2-test-response",
}


@pytest.fixture(scope="module")
def looker():
    return Looker(REAL_MODEL, seed=20261129)


def test_each_graded_cell_has_a_probe(looker):
    cells = {cell for probe in looker.probes for cell in probe.cells}
    assert cells == set(points_of_tests(looker.grader.notebook))


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.name.replace(" ", "-"))
def test_no_right_answer_is_held(looker, answer):
    own = {cell: "" for cell in points_of_tests(looker.grader.notebook)
           if cell.startswith(f"todo{answer.todo}-")}  # fmt: skip
    assert looker.look_at(answer, own).held == {}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_seen(looker, name):
    (answer,) = [one for one in list_bank(REAL_MODEL) if one.path.stem == name]
    assert WRONG[name] in looker.look_at(answer, {WRONG[name]: ""}).held
