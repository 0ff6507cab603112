"""The course's probes: the reference and right answers agree, what is not there does not."""

import pytest
from nexa_grade.second_look import look
from nexa_grade.second_look.probe import without_probe

from authoring.answer_bank import Answer, list_bank
from authoring.assignment import NEXACODE
from authoring.graded_cells import asked_functions, todo_number
from authoring.second_look import Looker, points_of_tests

SEED = 7
RIGHT = {
    1: "parse_recursion_search",
    2: "signals_plain_loop",
    3: "a_copy_votes",
    4: "python_loops_over_tokens",
    5: "train_shift_by_hand",
    6: "evaluate_all_in_numpy",
    7: "regex_whole_words",
    8: "interleaved_lengths_clock_inside",
    9: "three_paragraphs",
}
WRONG = {  # honest mistakes, each with cells that it passes
    3: "scores_reversed",
    4: "objective_clipped_not_ratio",
    5: "rollouts_answer_called_for_each_response",
}
BLANK = """
def blank(*arguments, **options):
    raise NotImplementedError
for name in {names}:
    globals()[name] = blank
ProcessRewardModel.majority_vote = blank
ethical_assessment = ""
"""


@pytest.fixture(scope="module")
def looker() -> Looker:
    return Looker(NEXACODE, SEED)


def find(todo: int, name: str) -> Answer:
    (found,) = (one for one in list_bank(NEXACODE) if (one.todo, one.path.stem) == (todo, name))
    return found


def test_each_graded_cell_has_a_probe_of_its_own(looker):
    points = points_of_tests(looker.grader.notebook)
    assert len(points) > 40
    assert without_probe(looker.probes, points) == {}
    assert all(len(probe.cells) == 1 for probe in looker.probes)


def test_the_reference_agrees_with_itself(looker):
    again = looker.ask("", looker.probes)
    for probe in looker.probes:
        expected = looker.expected[probe.name]
        assert look.is_complete(expected, probe), (probe.name, expected)
        assert look.compare(probe, expected, again[probe.name]) == ""


def test_no_points_for_a_blank_notebook(looker):
    names = [name for name in asked_functions(looker.grader.notebook) if "." not in name]
    found = looker.ask(BLANK.format(names=names), looker.probes)
    agree = [
        probe.name
        for probe in looker.probes
        if not look.compare(probe, looker.expected[probe.name], found.get(probe.name))
    ]
    assert agree == []


@pytest.mark.parametrize(("todo", "name"), RIGHT.items())
def test_a_right_answer_by_another_route_agrees(looker, todo, name):
    mine = [probe.name for probe in looker.probes if todo_number(probe.name) == todo]
    seen = looker.look_at(find(todo, name), dict.fromkeys(mine, ""))
    assert seen.disagree == {}


@pytest.mark.parametrize(("todo", "name"), WRONG.items())
def test_an_honest_mistake_is_seen_and_holds_nothing_that_it_earned(looker, todo, name):
    seen = looker.look_at(find(todo, name))
    assert seen.passed
    assert seen.disagree
    assert seen.held == {}
