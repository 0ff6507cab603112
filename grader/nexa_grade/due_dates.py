"""Due dates that nbgrader would store wrongly, refused before they are stored.

nbgrader's parser takes the third word of a date for a time zone: ``12/01/2026 11:59 PM`` becomes
11:59 in the morning, ``2026-12-01 23:59 +01:00`` loses its zone, and no error is raised. It has no
setting for another parser, so the two methods of its gradebook that take a due date are wrapped.
"""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.api import Gradebook
from nbgrader.apps.dbapp import DbAssignmentAddApp
from nbgrader.utils import parse_utc

SAFE = "2026-12-01 23:59 UTC"
FORM = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)"
    r" ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Za-z_]+(?:/[\w+-]+)*)?",
    re.IGNORECASE,
)


class DueDateError(ValueError):
    """A due date that nbgrader would store wrongly, or that can be read in two ways."""


def read_due_date(text: str) -> datetime | None:
    """Read a date, a time and a zone; without a zone it is UTC, as for nbgrader.

    Returns:
        The time in UTC, without a zone; None for any other form, or no time that there is.
    """
    found = FORM.fullmatch(text.strip())
    if not found:
        return None
    zone = found["zone"] or "UTC"
    is_utc = zone.upper() in ("Z", "UTC", "GMT")
    try:
        time = datetime.fromisoformat(f"{found['day']} {found['time']}")
        if zone[0] in "+-":
            time = time.replace(tzinfo=datetime.strptime(zone, "%z").tzinfo)
        else:
            time = time.replace(tzinfo=UTC if is_utc else ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return time.astimezone(UTC).replace(tzinfo=None)


def require_due_date(text: object) -> None:
    """Refuse a text that nbgrader would not store as what it says; no due date is fine.

    Raises:
        DueDateError: It would; the message has the safe form.
    """
    if not isinstance(text, str) or not text:
        return
    meant = read_due_date(text)
    try:
        stored = parse_utc(text)
    except Exception:  # of any kind: the parser was not made for all texts
        stored = None
    if meant is None:
        came = f"expected a due date such as {SAFE!r}, got {text!r}"
        would = f", which nbgrader would store as {stored:%Y-%m-%d %H:%M} UTC" if stored else ""
        raise DueDateError(f"{came}{would}")
    if stored != meant:
        would = f"nbgrader would store {stored:%Y-%m-%d %H:%M} UTC" if stored else "nbgrader fails"
        safe = f"{meant.isoformat(' ', 'minutes' if not meant.second else 'auto')} UTC"
        raise DueDateError(f"expected the due date {safe!r}, got {text!r}: {would}")


def check_due_dates() -> None:
    """Let nbgrader's commands and its gradebook refuse such due dates; twice changes nothing."""
    for name in ("add_assignment", "update_or_create_assignment"):
        method = getattr(Gradebook, name)
        if not hasattr(method, "__wrapped__"):
            setattr(Gradebook, name, with_check(method))
    if not hasattr(DbAssignmentAddApp.start, "__wrapped__"):
        DbAssignmentAddApp.start = with_line(DbAssignmentAddApp.start)


def with_check(method: Callable[..., Any]) -> Callable[..., Any]:
    """Look at the due date that a method of the gradebook is called with."""

    @functools.wraps(method)
    def checked(self: Gradebook, name: str, **values: Any) -> Any:
        require_due_date(values.get("duedate"))
        return method(self, name, **values)

    return checked


def with_line(start: Callable[[DbAssignmentAddApp], None]) -> Callable[..., None]:
    """Let ``nbgrader db assignment add`` say in one line what is wrong."""

    @functools.wraps(start)
    def checked(self: DbAssignmentAddApp) -> None:
        try:
            require_due_date(self.duedate)
        except DueDateError as error:
            self.fail("%s", error)
        start(self)

    return checked
