"""An assignment of several notebooks: one that is lost, renamed or broken costs no other.

nbgrader gives 0 for a released notebook whose file is not there. That is right where nothing was
handed in for it, as long as somebody is told. Where a file of another name was handed in, the work
may be in that one: no score then, and both names are told.
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

    submitted: set[str]  # those of the assignment that have a file
    lost: list[str] = field(default_factory=list)  # no file, and none that could be it
    failed: dict[str, str] = field(default_factory=dict)  # reasons, by notebook

    @classmethod
    def of(cls, released: Iterable[str], files: Iterable[str]) -> "Notebooks":
        """Look at the names of files; an assignment of one notebook is left to nbgrader.

        Args:
            released: Names of the assignment's notebooks.
            files: Paths of what was handed in.
        """
        known = set(released)
        found = {path.removesuffix(SUFFIX) for path in files if path.endswith(SUFFIX)}
        lost, strange = sorted(known - found), sorted(found - known)
        if len(known) < 2 or not known & found:
            return cls(known)
        if not strange:
            return cls(known & found, lost)
        got = ", ".join(ascii(name + SUFFIX) for name in strange)
        return cls(known & found, [], dict.fromkeys(lost, f"expected such a file, got {got}"))

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
        """Say what is lost or failed, and take back the 0 that nbgrader gives for what failed."""
        said = [f"no file {name + SUFFIX!a} was handed in: 0 points for it" for name in self.lost]
        notes = [{"cell": "", "what": what} for what in said]
        outcome = replace(outcome, violations=notes + outcome.violations)
        said += [f"{name + SUFFIX!a}: {reason}" for name, reason in self.failed.items()]
        if not said or outcome.status == Status.HELD:
            return outcome
        if outcome.status == Status.NOT_GRADABLE:
            return replace(outcome, reason="; ".join([*said, outcome.reason]))
        if not self.failed or outcome.scores is None:
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
