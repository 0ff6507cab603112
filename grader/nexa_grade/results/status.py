"""What became of a submission: one rule for the report and for the files of Canvas and Moodle.

The gradebook knows scores, the journal of ``nexa-grade`` knows why there are none. The words are
those of ``run.outcome.Status``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nexa_grade.results.points import Cell, Entry, Points
from nexa_grade.results.questions import Key
from nexa_grade.run.journal import Journal
from nexa_grade.run.outcome import Outcome, Status

NO_SCORE = "The gradebook has no score. The log of nbgrader may say why."
LOST_SCORE = "It was graded, but the gradebook has no score. Run nexa-grade again."
NOT_MERGED = "It was graded, but a stopped run did not save the score. Run nexa-grade again."
UNREADABLE = "Another version of nexa-grade wrote the journal of this student."


@dataclass(frozen=True)
class Kept:
    """What the journal has of one student."""

    outcome: Outcome | None  # None: it cannot be read
    is_merged: bool = True  # into the gradebook


def read_outcomes(journal: Journal) -> dict[str, Kept]:
    """Read each student's last outcome."""
    kept: dict[str, Kept] = {}
    for folder in sorted(journal.outcomes.glob("*")):
        if found := journal.load(folder.name):
            kept[folder.name] = Kept(*found)
        elif (folder / "outcome.json").exists():
            kept[folder.name] = Kept(None)
    return kept


def status_of(
    entry: Entry | None, kept: Kept | None, is_submitted: bool, cells: Mapping[Key, Cell]
) -> tuple[Status, str]:
    """Say what became of a submission, and why it has no scores.

    What could not be graded counts as graded once it has all its scores, from a person or from a
    later ``nbgrader autograde``. What is held does so only where a person has given the scores:
    ``nbgrader autograde`` does not look for forgery as ``nexa-grade`` does.

    Args:
        entry: What the gradebook has; None for nothing.
        kept: What the journal has; None for nothing.
        is_submitted: Whether there is a submitted folder.
        cells: The assignment's graded cells.
    """
    if entry is None and kept is None:
        return (Status.NOT_YET if is_submitted else Status.MISSING), ""
    outcome = kept.outcome if kept else None
    is_scored = entry is not None and has_scores(entry, cells)
    if outcome and outcome.status == Status.HELD:
        if entry is None or not has_scores(entry, cells, by_hand=True):
            return outcome.status, outcome.reason
    elif outcome and outcome.status != Status.GRADED and not is_scored:
        return outcome.status, outcome.reason
    if kept and not kept.is_merged:
        return Status.NOT_GRADABLE, NOT_MERGED
    if entry is None or not is_scored:
        reason = LOST_SCORE if outcome else UNREADABLE
        return Status.NOT_GRADABLE, reason if kept else NO_SCORE
    return (Status.NEEDS_A_PERSON if Points.of(entry, cells).waits else Status.GRADED), ""


def has_scores(entry: Entry, cells: Mapping[Key, Cell], by_hand: bool = False) -> bool:
    """Tell whether each machine-graded cell of a submission has a score.

    Args:
        entry: What the gradebook has.
        cells: The assignment's graded cells.
        by_hand: Whether only a person's scores count.
    """
    return all(
        mark.manual is not None or (mark.auto is not None and not by_hand)
        for key, mark in entry.marks.items()
        if key in cells and cells[key].is_machine_graded
    )
