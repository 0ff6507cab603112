"""Answers of the bank: right ones get every point of their TODO, wrong ones lose some.

`--bank all` grades them all; else those whose TODO has changed since the main branch, and of each
other TODO the first right and the first wrong one.
"""


def test_an_answer_gets_what_it_deserves(quick_graders, bank, banked_answer):
    wants_one = not banked_answer.is_right  # the first cell that a wrong answer loses is enough
    grader = quick_graders(bank)
    outcome = grader.grade(banked_answer, banked_answer.todo, stop_at_first=wants_one)
    lost = {name: said for name, said in outcome.items() if said}
    assert bool(lost) != banked_answer.is_right, lost
