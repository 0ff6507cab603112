"""The second look at the second assignment: no right answer is held, and wrong ones are seen.

Every fifth wrong answer is looked at here; the command ``python -m authoring.second_look
--assignment distillation`` looks at the whole bank.
"""

import pytest
from nexa_grade.second_look import look
from nexa_grade.second_look.probe import without_probe

from authoring.answer_bank import list_bank
from authoring.assignment import DISTILLATION
from authoring.graded_cells import asked_functions, todo_number
from authoring.second_look import Looker, points_of_tests

BANK = list_bank(DISTILLATION)
RIGHT = [answer for answer in BANK if answer.is_right]
WRONG = [answer for answer in BANK if not answer.is_right][::5]
HONEST = {  # each passes cells that look at less than the whole task: at one sign, at one token
    "clipped_to_zero_and_clip": {"todo4-test-padding", "todo4-test-gradient"},
    "spread_over_the_tokens": {"todo7-test-nothing-to-compare", "todo7-test-weights"},
    "groups_interleaved": {"todo7-test-weights"},
    "largest_text": {"todo2-test-filter", "todo2-test-none"},
    "ratio_detached": {"todo5-test-token-level"},
    "mean_of_means": {"todo5-test-divergence", "todo6-test-value"},  # of two TODOs
}
BLANK = """
def blank(*arguments, **options):
    raise NotImplementedError
for name in {names}:
    globals()[name] = blank
"""


@pytest.fixture(scope="module")
def looker():
    return Looker(DISTILLATION, seed=20261130)


def cells_of(looker, todo):
    return [name for name in points_of_tests(looker.grader.notebook) if todo_number(name) == todo]


def test_each_graded_cell_has_a_probe_of_its_own(looker):
    points = points_of_tests(looker.grader.notebook)
    assert without_probe(looker.probes, points) == {}
    assert sorted(cell for probe in looker.probes for cell in probe.cells) == sorted(points)


def test_the_reference_agrees_with_itself(looker):
    again = looker.ask("", looker.probes)
    for probe in looker.probes:
        expected = looker.expected[probe.name]
        assert look.is_complete(expected, probe), (probe.name, expected)
        assert look.compare(probe, expected, again[probe.name]) == ""


def test_no_points_for_a_blank_notebook(looker):
    names = list(asked_functions(looker.grader.notebook))
    found = looker.ask(BLANK.format(names=names), looker.probes)
    agree = [
        probe.name
        for probe in looker.probes
        if not look.compare(probe, looker.expected[probe.name], found.get(probe.name))
    ]
    assert agree == []


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.name.replace(" ", "-"))
def test_no_right_answer_is_held(looker, answer):
    own = dict.fromkeys(cells_of(looker, answer.todo), "")
    assert looker.look_at(answer, own).held == {}


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.name.replace(" ", "-"))
def test_a_wrong_answer_is_seen_where_it_fails_and_nowhere_else(looker, answer):
    seen = looker.look_at(answer)
    assert seen.held == {}
    assert list(seen.disagree) == seen.failed


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_mistake_keeps_the_cells_that_it_passes(looker, name):
    answers = [answer for answer in BANK if answer.path.stem == name]
    seen = [looker.look_at(answer) for answer in answers]
    assert all(one.failed and one.held == {} for one in seen)
    assert HONEST[name] <= {cell for one in seen for cell in one.passed}
