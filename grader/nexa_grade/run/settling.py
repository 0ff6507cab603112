"""Bringing an outcome to where it counts: the folder, the gradebook and the log.

Only the process that started the run does this, one submission after another. To do it twice
changes nothing, so a run that was killed can be settled by the next one.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.coursedir import CourseDirectory

from nexa_grade.errors import Refusal
from nexa_grade.gradebook_scores import forget_page_of
from nexa_grade.intake.submission_files import Submission
from nexa_grade.run.journal import Journal
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import Known, merge

EPSILON = 1e-6  # points are sums of decimal numbers


class Outdated(Refusal):
    """An outcome does not fit the assignment any more."""


@dataclass(frozen=True)
class Settling:
    """Where the outcomes of one assignment go."""

    journal: Journal
    coursedir: CourseDirectory
    db_url: str
    assignment: str

    def autograded(self, student: str) -> Path:
        """Name the folder of a graded submission."""
        step = self.coursedir.autograded_directory
        return Path(self.coursedir.format_path(step, student, self.assignment))

    def settle(self, outcome: Outcome, is_new: bool = True) -> None:
        """Bring an outcome into the folder, the gradebook and, if it is new, the log.

        Raises:
            Outdated: The assignment has changed in the meantime.
        """
        student = outcome.student
        self.journal.place_files(outcome, self.autograded(student))
        if outcome.status != Status.GRADED:
            forget_page_of(self.coursedir, self.assignment, student)
        try:
            with Gradebook(self.db_url, self.coursedir.course_id) as gradebook:
                merge(gradebook, self.assignment, student, self.db_url, outcome.scores)
        except (MissingEntry, InvalidEntry, KeyError) as error:
            reason = f"the assignment has changed since {student} was graded ({error})"
            raise Outdated(f"{reason}; the same command grades it again") from error
        if is_new:
            self.journal.write("submission", points=outcome.points, **outcome.to_json())
        self.journal.mark_merged(outcome)

    def settle_left(self) -> list[str]:
        """Settle what a killed run has left.

        An outcome that was found with another release is thrown away: the submission is then
        graded anew.

        Returns:
            The students whose outcomes were settled.
        """
        students = []
        for outcome in self.journal.unmerged():
            try:
                self.settle(outcome, is_new=not self.journal.is_logged(outcome))
                students.append(outcome.student)
            except Outdated:
                self.journal.discard(outcome)
        return students

    def is_done(
        self,
        student: str,
        known: Known | None,
        accepted: Collection[str],
        key: str,
        read: Callable[[], Submission],
    ) -> bool:
        """Tell whether this very submission was graded with this very release, and still counts.

        Args:
            student: Whose submission it is.
            known: What the gradebook has of it.
            accepted: The students whose submissions a person has looked at: none stays held.
            key: A fingerprint of what it is graded with now.
            read: Reads the submission; called only where an outcome still counts.
        """
        outcome = self.find_settled(student, known)
        if outcome is None or (outcome.status == Status.HELD and student in accepted):
            return False
        return outcome.fingerprint == read().fingerprint(key)

    def find_settled(self, student: str, known: Known | None) -> Outcome | None:
        """Find an outcome that still counts.

        A gradebook from a backup may have other points; a person may have moved the due date, or
        have removed the graded folder.

        Args:
            student: Whose submission it is.
            known: What the gradebook has of it.

        Returns:
            The outcome, or None: the submission has to be graded.
        """
        found = self.journal.load(student)
        if not found or known is None:
            return None
        outcome = found[0]
        is_same = abs(known.points - (outcome.points or 0)) <= EPSILON and (
            outcome.scores is None or outcome.scores.extension == known.extension
        )
        is_there = outcome.scores is None or self.autograded(student).is_dir()
        return outcome if is_same and is_there else None
