"""What became of one submission."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from nexa_grade.run.private_gradebook import Scores


class Status(StrEnum):
    """What became of a submission, in the words that an instructor reads everywhere."""

    GRADED = "graded"
    NEEDS_A_PERSON = "needs manual grading"  # graded by the machine; a person is not done
    NOT_GRADABLE = "could not be graded"
    HELD = "held for a person"  # it has a sign of forgery
    NOT_YET = "not graded yet"
    MISSING = "missing"

    @property
    def has_scores(self) -> bool:
        """Tell whether the machine has graded the submission."""
        return self in (Status.GRADED, Status.NEEDS_A_PERSON)


@dataclass(frozen=True)
class Outcome:
    """What became of one submission."""

    student: str
    fingerprint: str
    # GRADED, NOT_GRADABLE or HELD: only the first has scores; the second may have some, where
    # other notebooks of the same submission could be graded.
    status: Status
    reason: str = ""  # of a graded one: what it lacks
    scores: Scores | None = None
    repairs: list[dict[str, str]] = field(default_factory=list)
    violations: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    finished: str = ""  # ISO 8601, UTC
    worker: str = ""
    files: dict[str, bytes] = field(default_factory=dict)  # of the autograded folder

    def to_json(self) -> dict[str, Any]:
        """Give all but the files as plain data."""
        return asdict(replace(self, files={})) | {"files": sorted(self.files)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Outcome":
        """Read what ``to_json`` gave; the files stay behind.

        Raises:
            ValueError: An earlier version called the status something else.
        """
        scores = Scores(**data["scores"]) if data["scores"] else None
        status = Status(data["status"])
        return cls(**{**data, "status": status, "scores": scores, "files": {}})

    @property
    def points(self) -> float | None:
        """Add up the points that the machine gave."""
        if self.scores is None:
            return None
        cells = [score for cells in self.scores.grades.values() for score in cells.values()]
        return sum(score for score in cells if score is not None)


def utc_now() -> str:
    """Give the time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
