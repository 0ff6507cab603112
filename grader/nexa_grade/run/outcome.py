"""What became of one submission."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from nexa_grade.run.private_gradebook import Scores

GRADED, FAILED, HELD = "graded", "failed", "held"


@dataclass(frozen=True)
class Outcome:
    """What became of one submission."""

    student: str
    fingerprint: str
    status: str  # "graded", "failed" or "held": only the first has scores
    reason: str = ""
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
        """Read what ``to_json`` gave; the files stay behind."""
        scores = Scores(**data["scores"]) if data["scores"] else None
        return cls(**{**data, "scores": scores, "files": {}})

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
