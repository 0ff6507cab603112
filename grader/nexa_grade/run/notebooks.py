"""An assignment of several notebooks: one that is broken costs no other.

Which file counts for which notebook, and what is lost or has another name, is for intake to tell.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import Scores

SUFFIX = ".ipynb"
WHOLE = ("HeldForReview", "SandboxError")  # failures that are about more than one notebook
OTHERS = "the other notebooks have their scores"


@dataclass
class Notebooks:
    """The notebooks of one submission, by what is known of them."""

    submitted: set[str]  # those of the assignment that may have a file
    failed: dict[str, str] = field(default_factory=dict)  # reasons, by notebook

    @classmethod
    def of(cls, released: Iterable[str], files: Iterable[str]) -> "Notebooks":
        """Look at the names of files; a file of another name may be any notebook.

        Args:
            released: Names of the assignment's notebooks.
            files: Paths of what was handed in.
        """
        known = set(released)
        found = {path.removesuffix(SUFFIX) for path in files if path.endswith(SUFFIX)}
        return cls(known if found - known else known & found)

    def without_failed(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Leave out the files that cannot be graded."""
        left_out = {name + SUFFIX for name in self.failed}
        return {path: data for path, data in files.items() if path not in left_out}

    def can_go_on_without(self, failure: Mapping[str, str]) -> bool:
        """Tell whether a failure is one notebook's, and others are left to be graded."""
        name = failure.get("notebook")
        is_ones = name in self.submitted and failure["kind"] not in WHOLE
        return is_ones and bool(self.submitted - set(self.failed) - {name})

    def tell(self, outcome: Outcome) -> Outcome:
        """Say what failed, and take back the 0 that nbgrader gives for it."""
        said = [f"{name + SUFFIX!a}: {reason}" for name, reason in self.failed.items()]
        if not said or outcome.status == Status.HELD:
            return outcome
        if outcome.status == Status.NOT_GRADABLE:
            return replace(outcome, reason="; ".join([*said, outcome.reason]))
        if outcome.scores is None:
            return replace(outcome, reason="; ".join(said))
        reason, scores = "; ".join([*said, OTHERS]), self.scores_of_others(outcome.scores)
        return replace(outcome, status=Status.NOT_GRADABLE, reason=reason, scores=scores)

    def scores_of_others(self, scores: Scores) -> Scores:
        """Leave a notebook that failed without any score: it is not a 0."""
        grades = {
            name: dict.fromkeys(cells) if name in self.failed else cells
            for name, cells in scores.grades.items()
        }
        penalties = {
            name: None if name in self.failed else penalty
            for name, penalty in scores.penalties.items()
        }
        return replace(scores, grades=grades, penalties=penalties)
