"""Answers of the bank for TODO 5 to 9: right ones get every point, wrong ones lose some."""

import pytest

from authoring.answer_bank import find_answers

ANSWERS = [answer for answer in find_answers() if answer.todo >= 5]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name.replace(" ", "-"))
def test_an_answer_gets_what_it_deserves(quick_grader, answer):
    outcome = quick_grader.grade(answer, answer.todo)
    lost = {name: said for name, said in outcome.items() if said}
    assert bool(lost) != answer.is_right, lost
