"""One rule for the points of a submission: what waits, what is late, what a person changed."""

import pytest
from nexa_grade.results.points import Cell, Entry, Mark, Points

CELLS = {
    ("n", "test"): Cell("test", "TODO 1", 4.0, True),
    ("n", "essay"): Cell("essay", "TODO 2", 5.0, False),
    ("n", "rubric"): Cell("rubric", "TODO 2", 0.0, False),
    ("n", "more"): Cell("more", "TODO 3", 1.0, True),
}
TEST = Mark(3.0, None, 0.0, False)
ESSAY = Mark(None, 2.0, 0.0, False)
WAITS = Mark(None, None, 9.0, True)  # extra credit counts only on top of a score
CHANGED = Mark(3.0, 1.0, 0.5, False)  # a person's points replace the machine's
WITHOUT_AUTO = Mark(None, 1.0, 0.0, False)
NOTHING = Mark(0.0, None, 0.0, False)
EARLY = Mark(3.0, None, 0.0, True)  # the machine has graded, a person has not


@pytest.mark.parametrize(
    ("test", "essay", "penalty", "points", "questions"),
    [
        (TEST, ESSAY, 0, (3, 2, 5, False, 0), (3, 2)),
        (CHANGED, ESSAY, 1, (3, 0.5, 2.5, False, -1), (1.5, 2)),
        (TEST, WAITS, 0, (3, 0, 3, True, 0), (3, None)),
        (EARLY, ESSAY, 0, (3, 2, 5, True, 0), (None, 2)),
        (WITHOUT_AUTO, NOTHING, 9, (0, 1, 0, False, -1), (1, 0)),
    ],
)
def test_points(test, essay, penalty, points, questions):
    marks = {
        ("n", "rubric"): Mark(None, None, 0.0, True),  # no points: it may wait for ever
        ("n", "test"): test,
        ("n", "essay"): essay,
        ("n", "gone"): Mark(7.0, None, 0.0, True),  # in no released notebook any more
    }
    by_question = dict(zip(["TODO 1", "TODO 2"], questions, strict=True)) | {"TODO 3": 0.0}
    assert Points.of(Entry(marks, penalty), CELLS) == Points(*points, by_question)


@pytest.mark.parametrize("order", [["test", "other"], ["other", "test"]])
def test_a_question_waits_as_long_as_one_of_its_cells_does(order):
    cells = {("n", name): Cell(name, "TODO 1", 1.0, True) for name in order}
    marks = {("n", "test"): TEST, ("n", "other"): WAITS}
    entry = Entry({("n", name): marks["n", name] for name in order})
    assert Points.of(entry, cells).by_question == {"TODO 1": None}


def test_the_questions_and_the_penalty_add_up_to_the_total():
    marks = {("n", "test"): CHANGED, ("n", "essay"): ESSAY, ("n", "more"): TEST}
    for penalty in (0.0, 2.0, 100.0):
        points = Points.of(Entry(marks, penalty), CELLS)
        assert sum(points.by_question.values()) + points.penalty == points.total >= 0
