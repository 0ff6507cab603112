"""An assignment of several notebooks, of which one is lost, renamed or broken."""

import pytest
from nexa_grade.run.notebooks import Notebooks
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import Scores

RELEASED = ["one", "two"]
SCORES = Scores(grades={"one": {"t": 1.0}, "two": {"t": 0.0}}, penalties={"one": 0.5, "two": 0.5})


def failed(notebook: str, kind: str = "UngradableError") -> dict[str, str]:
    return {"kind": kind, "reason": "why", "notebook": notebook}


def outcome(status: Status = Status.GRADED) -> Outcome:
    return Outcome("s", "f", status, scores=SCORES if status == Status.GRADED else None)


@pytest.mark.parametrize(
    ("files", "submitted"),
    [
        (["one.ipynb", "two.ipynb", "scratch.ipynb"], {"one", "two"}),
        (["one.ipynb", "data.csv"], {"one"}),
        (["one.ipynb", "two (1).ipynb"], {"one", "two"}),
        (["deeper/two.ipynb"], {"one", "two"}),
    ],
)
def test_a_file_of_another_name_may_be_any_notebook(files, submitted):
    assert Notebooks.of(RELEASED, files).submitted == submitted


def test_an_assignment_of_one_notebook_is_left_to_nbgrader():
    found = Notebooks.of(["one"], ["other.ipynb"])
    assert found.tell(outcome()) == outcome()
    assert not found.can_go_on_without(failed("one"))


def test_only_a_failure_of_one_notebook_lets_the_others_go_on():
    found = Notebooks.of(RELEASED, ["one.ipynb", "two.ipynb"])
    assert found.can_go_on_without(failed("two"))
    for failure in ({}, {"kind": "NoScore", "reason": "why"}, failed("two", "HeldForReview")):
        assert not found.can_go_on_without(failure)
    found.failed["two"] = "why"
    assert found.without_failed({"one.ipynb": b"", "two.ipynb": b""}) == {"one.ipynb": b""}
    assert not found.can_go_on_without(failed("one"))  # none would be left


def test_what_failed_has_no_score():
    found = Notebooks({"one"}, failed={"two": "why"})
    told = found.tell(outcome())
    assert (told.status, told.fingerprint) == (Status.NOT_GRADABLE, "f")
    assert told.reason == "'two.ipynb': why; the other notebooks have their scores"
    assert told.scores.grades == {"one": {"t": 1.0}, "two": {"t": None}}
    assert told.scores.penalties == {"one": 0.5, "two": None}


def test_what_is_held_or_fails_as_a_whole_has_no_score_at_all():
    found = Notebooks({"one"}, failed={"two": "why"})
    assert found.tell(outcome(Status.HELD)) == outcome(Status.HELD)
    told = found.tell(outcome(Status.NOT_GRADABLE))
    assert (told.scores, told.reason) == (None, "'two.ipynb': why; ")
