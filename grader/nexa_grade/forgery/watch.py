"""What a person is told of a submission besides its score, and what holds it.

Points are no matter of this file: whether a score is earned, the second look finds out
(`second_look`), by what functions do and not by how they are written. Here is what it cannot see.
Without the sandbox a submission can reach the gradebook, other processes and the course's own code;
so the words that name them are told, and a word of ``course_names`` holds the submission. In the
sandbox none of that is there, and no text is looked at. Left out: names that are put together;
docs/security.md says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import List, Unicode

from nexa_grade.cell_names import bound_names, reads_of_functions, variables_of
from nexa_grade.cells import id_of, is_test, is_written_by_students, sources
from nexa_grade.errors import HeldForReview
from nexa_grade.kernel_language import PYTHON, kernel_language
from nexa_grade.text import quote

MOST_SIGNS = 3  # in the one-line reason; the log has them all
MOST_LOGGED = 50
ADVICE = "look at it, then grade again with c.WatchForForgery.accepted"
OUTSIDE = (  # what a sandbox keeps away: the grader's files, its process, processes that stay
    r"gradebook|nexa_grade|NBGRADER_\w+|/proc/(?:self|\d+)|getppid|killpg|os\.kill|os\.fork|ctypes"
    r"|start_new_session|setsid|nohup"
)
NOT_IN_SANDBOX = "reaches for what a sandbox would keep away"


@dataclass(frozen=True)
class Sign:
    """Something that a person should know of a submission."""

    cell: str  # grade id or cell id; "" for the submission
    what: str
    is_held: bool = False  # else it was mended, or does no harm


def hold_error(signs: Sequence[Sign]) -> HeldForReview:
    """Write the one-line reason for which a submission is held."""
    shown = [f"{quote(sign.what)} in {quote(sign.cell, 30)}" for sign in signs[:MOST_SIGNS]]
    more = f" and {len(signs) - MOST_SIGNS} more" if len(signs) > MOST_SIGNS else ""
    return HeldForReview(f"held for a person: {', '.join(shown)}{more}; {ADVICE}")


class WatchForForgery(NbGraderPreprocessor):  # type: ignore[misc]
    """Tells what a person should know; looks at texts where there is no sandbox."""

    accepted = List(
        Unicode(), help="Students whose submissions were looked at, and are graded for all that."
    ).tag(config=True)
    course_names = List(
        Unicode(),
        help="Words that name the course's own code: without the sandbox, a student's cell that "
        "has one is held",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Look at the student's cells of a notebook, where there is no sandbox.

        Raises:
            HeldForReview: A cell names the course's own code, and its student is not accepted.
        """
        submission = resources["nbgrader"]
        language = kernel_language(nb)
        if language != PYTHON:
            self.log.warning(
                "Not watched for forgery, the language is %a: student %s, notebook %s",
                language, submission.get("student", ""), submission.get("notebook", ""),
            )  # fmt: skip
        elif not self.config.SandboxedExecute.get("sandbox", False):
            self.judge(nb, self.signs_in_texts(nb), submission)
        return nb, resources

    def signs_in_texts(self, nb: NotebookNode) -> list[Sign]:
        """Find the words that name what only a sandbox keeps away."""
        own = "|".join(map(re.escape, self.course_names)) or r"(?!)"
        signs = []
        for cell in filter(is_written_by_students, nb.cells):
            for pattern, is_held in ((own, True), (OUTSIDE, False)):
                words = sorted(set(re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", cell.source)))
                name = id_of(cell) or str(cell.get("id", ""))
                signs += [Sign(name, f"{word}: {NOT_IN_SANDBOX}", is_held) for word in words]
        return signs

    def judge(self, nb: NotebookNode, signs: Sequence[Sign], submission: dict[str, str]) -> None:
        """Report signs, and hold the submission where one says so and nobody has accepted it.

        Raises:
            HeldForReview: A sign is a reason to, and the student is not accepted.
        """
        student = submission.get("student", "")
        for sign in signs[:MOST_LOGGED]:
            self.log.warning(
                "%s: student %s, notebook %s, cell %s: %s",
                "Sign of forgery" if sign.is_held else "While grading",
                student, submission.get("notebook", ""), sign.cell or "-", quote(sign.what, 200),
                extra={"nexa": {"violation": {"cell": sign.cell, "what": sign.what}}},
            )  # fmt: skip
        reasons = [sign for sign in signs if sign.is_held]
        if reasons and student not in self.accepted:
            raise hold_error(reasons)
        if signs:
            nexa = nb.metadata.setdefault("nexa", NotebookNode())
            listed = [{"cell": sign.cell, "what": sign.what} for sign in signs[:MOST_LOGGED]]
            nexa["violations"] = nbformat.from_dict([*nexa.get("violations", []), *listed])


def shared_variables(nb: NotebookNode) -> set[str]:
    """Name the variables of tests that a student's functions read, and other cells assign, too.

    Such a function would get the test's value. What the course's own functions read is left out.
    """
    mine = set().union(*map(reads_of_functions, sources(nb, is_written_by_students)))
    given = sources(nb, lambda cell: is_locked(cell) and not is_test(cell))
    others = set().union(*map(bound_names, sources(nb, lambda cell: not is_test(cell))))
    of_tests = set().union(*map(variables_of, sources(nb, is_test)))
    return (of_tests & mine & others) - set().union(*map(reads_of_functions, given))
