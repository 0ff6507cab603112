"""What platforms write beside submissions: who sent them, and when."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

GRADESCOPE_FILE = "submission_metadata.yml"
SAKAI_FILE = "timestamp.txt"
LARGEST = 20_000_000  # bytes
SAKAI_TIME = re.compile(r"(\d{14})\d{0,3}")  # in UTC


@dataclass(frozen=True)
class Sent:
    """Who sent a submission to Gradescope, and when."""

    senders: tuple[str, ...]
    time: datetime | None = None  # in UTC


def read_gradescope(path: Path) -> dict[str, Sent]:
    """Read Gradescope's file: who sent each submission, by the name of its folder.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"expected at most {LARGEST} bytes, got more")
        data = yaml.safe_load(path.read_bytes())
        return {str(name): sent_of(one) for name, one in data.items() if isinstance(one, dict)}
    except (OSError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def sent_of(entry: Mapping[str, Any]) -> Sent:
    """Read one submission of Gradescope's file."""
    senders = (sender_of(one) for one in entry.get(":submitters") or [])
    time = entry.get(":created_at")
    if not isinstance(time, datetime):
        return Sent(tuple(filter(None, senders)))
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return Sent(tuple(filter(None, senders)), time.astimezone(UTC))


def sender_of(submitter: Mapping[str, Any]) -> str:
    """Name a sender: the student's number, or else the mail address, or the name."""
    values = (submitter.get(key) for key in (":sid", ":email", ":name"))
    return next((str(value).strip() for value in values if value), "")


def sakai_time(path: Path) -> datetime | None:
    """Read the time that Sakai writes beside a submission, in UTC; None where it is none."""
    try:
        found = SAKAI_TIME.match(path.read_text("utf-8").strip())
        return datetime.strptime(found[1], "%Y%m%d%H%M%S") if found else None
    except (OSError, ValueError):
        return None
