"""Due dates: stored as what they say, or refused with the safe form."""

from datetime import datetime

import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc
from nexa_grade.due_dates import SAFE, DueDateError, check_due_dates, require_due_date
from nexa_grade.run.private_gradebook import write_gradebook
from tiny_course import NAME, TinyCourse

RIGHT = {
    SAFE: datetime(2026, 12, 1, 23, 59),
    "2026-12-01 23:59": datetime(2026, 12, 1, 23, 59),
    "2026-12-01 23:59:30 UTC": datetime(2026, 12, 1, 23, 59, 30),
    "2026-12-01 23:59 Europe/Berlin": datetime(2026, 12, 1, 22, 59),
    "2026-06-01 23:59 America/Los_Angeles": datetime(2026, 6, 2, 6, 59),
    "2015-02-02 14:58:23.948203 America/Los_Angeles": datetime(2015, 2, 2, 22, 58, 23, 948203),
    "2026-12-01T23:59:00+01:00": datetime(2026, 12, 1, 22, 59),
    "2026-12-01T23:59 +0100": datetime(2026, 12, 1, 22, 59),  # Formgrader
    "2026-12-01T23:59:00Z": datetime(2026, 12, 1, 23, 59),
}
MENDED = {  # what nbgrader stores wrongly, and the safe form of it
    "2026-12-01 23:59 +01:00": "2026-12-01 22:59 UTC",
    "2026-12-01 23:59 -08:00": "2026-12-02 07:59 UTC",
    "2026-12-01 23:59 +0100": "2026-12-01 22:59 UTC",
    "2026-12-01 23:59:30 -0330": "2026-12-02 03:29:30 UTC",
}
DOUBTFUL = [
    "12/01/2026 11:59 PM", "01/12/2026 23:59", "01.12.2026 23:59", "2026-12-01 11:59 PM",
    "2026-12-01 23:59 PST", "2026-12-01 23:59 Berlin", "Dec 1 2026 11:59 PM", "1 Dec 2026",
    "2026-12-01", "2026-12-01 23:59 UTC+1", "2026-12-01 24:00", "2026-13-01 23:59", "tomorrow",
    "2026-12-01 23:59 Europe Berlin", "20261201 2359",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_a_due_date_that_nbgrader_reads_is_stored(text):
    require_due_date(text)
    assert parse_utc(text) == RIGHT[text]


@pytest.mark.parametrize("text", MENDED)
def test_one_that_it_would_store_wrongly_is_refused_with_the_safe_form(text):
    with pytest.raises(DueDateError) as error:
        require_due_date(text)
    assert repr(MENDED[text]) in str(error.value)
    assert repr(text) in str(error.value)
    assert "nbgrader would store" in str(error.value)


@pytest.mark.parametrize("text", DOUBTFUL)
def test_one_that_can_be_read_in_two_ways_is_refused(text):
    with pytest.raises(DueDateError) as error:
        require_due_date(text)
    assert repr(SAFE) in str(error.value)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("none", [None, "", datetime(2026, 12, 1)])
def test_no_text_is_no_error(none):
    require_due_date(none)


def test_the_gradebook_refuses_it_wherever_it_comes_from(tmp_path):
    check_due_dates()
    check_due_dates()
    url = write_gradebook(tmp_path / "gradebook.db", {"course": [{"id": "default_course"}]})
    with Gradebook(url) as gradebook:
        with pytest.raises(DueDateError):
            gradebook.update_or_create_assignment("ps1", duedate="12/01/2026 11:59 PM")
        gradebook.update_or_create_assignment("ps1", duedate=SAFE)
        with pytest.raises(DueDateError):
            gradebook.update_or_create_assignment("ps1", duedate="2026-12-01 23:59 +01:00")
        assert gradebook.find_assignment("ps1").duedate == datetime(2026, 12, 1, 23, 59)


def test_the_command_says_it_in_one_line(tmp_path):
    course = TinyCourse(tmp_path, forks_kernels=True)
    add = ("db", "assignment", "add", NAME, "--duedate")
    wrong = course.nbgrader(*add, "12/01/2026 11:59 PM")
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr
    assert f"expected a due date such as {SAFE!r}, got '12/01/2026 11:59 PM'" in wrong.stderr
    assert course.nbgrader(*add, SAFE).returncode == 0
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        assert gradebook.find_assignment(NAME).duedate == datetime(2026, 12, 1, 23, 59)
