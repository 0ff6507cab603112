"""What became of a submission: one word for the report and for the files."""

import pytest
from nexa_grade.results.lms_export import Result
from nexa_grade.results.points import Cell, Entry, Mark, Points
from nexa_grade.results.status import (
    LOST_SCORE,
    NO_SCORE,
    NOT_MERGED,
    UNREADABLE,
    Kept,
    status_of,
)
from nexa_grade.run.outcome import Outcome, Status

TEST, ESSAY = ("nb", "test"), ("nb", "essay")
CELLS = {TEST: Cell("test", "add", 2.0, True), ESSAY: Cell("essay", "why", 3.0, False)}


def entry(auto=None, by_hand=None, essay=None):
    waits = auto is None and by_hand is None
    marks = {TEST: Mark(auto, by_hand, 0.0, waits), ESSAY: Mark(None, essay, 0.0, essay is None)}
    return Entry(marks)


def kept(status, is_merged=True):
    return Kept(Outcome("ada", "", status, f"why {status}"), is_merged)


FAILED, HELD = Status.NOT_GRADABLE, Status.HELD
BROKEN = (FAILED, f"why {FAILED}")
STOPPED = (HELD, f"why {HELD}")
CASES = {
    "nothing at all": (None, None, Status.MISSING, ""),
    "by nexa-grade": (entry(2, essay=1), kept(Status.GRADED), Status.GRADED, ""),
    "by nbgrader": (entry(2, essay=1), None, Status.GRADED, ""),
    "essay waits": (entry(2), kept(Status.GRADED), Status.NEEDS_A_PERSON, ""),
    "not JSON": (entry(essay=1), kept(FAILED), *BROKEN),
    "not JSON, gradebook knows nothing": (None, kept(FAILED), *BROKEN),
    "not JSON, then by nbgrader": (entry(2, essay=1), kept(FAILED), Status.GRADED, ""),
    "not JSON, then by hand": (entry(by_hand=1, essay=1), kept(FAILED), Status.GRADED, ""),
    "held": (entry(essay=1), kept(HELD), *STOPPED),
    "held, then by nbgrader, which does not look": (entry(2, essay=1), kept(HELD), *STOPPED),
    "held, then by hand": (entry(2, by_hand=0, essay=1), kept(HELD), Status.GRADED, ""),
    "old score, new one not saved": (
        entry(2, essay=1), kept(Status.GRADED, is_merged=False), FAILED, NOT_MERGED,
    ),
    "score lost": (entry(essay=1), kept(Status.GRADED), FAILED, LOST_SCORE),
    "journal of another version": (entry(essay=1), Kept(None), FAILED, UNREADABLE),
    "nbgrader failed": (entry(essay=1), None, FAILED, NO_SCORE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_status_and_reason(case):
    found, journal, *expected = CASES[case]
    assert list(status_of(found, journal, False, CELLS)) == expected


def test_a_submitted_folder_waits_for_grading():
    assert status_of(None, None, True, CELLS) == (Status.NOT_YET, "")


@pytest.mark.parametrize(
    ("case", "scores", "total"),
    [
        ("by nexa-grade", {"add": 2, "why": 1}, 3),
        ("essay waits", {"add": 2, "why": None}, None),
        ("not JSON", {"add": None, "why": 1}, None),
        ("held, then by nbgrader, which does not look", {}, None),
        ("held, then by hand", {"add": 0, "why": 1}, 1),
        ("old score, new one not saved", {}, None),
    ],
)
def test_a_file_has_final_scores_only(case, scores, total):
    found, _, status, _ = CASES[case]
    result = Result.of(status, Points.of(found, CELLS), is_late=True)
    assert (result.status, result.scores, result.total) == (f"{status}, late", scores, total)
