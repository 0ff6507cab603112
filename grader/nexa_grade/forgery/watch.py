"""Submissions that try to get points without an answer: found, held for a person, and reported.

`WatchForForgery` looks at the submitted cells before they run (`text_signs`), and
`guarded_execute` in the kernel before each test. A submission with a sign gets no automatic score:
it is not 0 and not full, a person decides. The instructor then names the student in `accepted` and
grades again; or gives points by hand. Left out: whoever writes against this code can pass it, see
docs/security.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import Bool, List, Unicode

from nexa_grade.cell_names import (
    bound_names,
    imports_of,
    parse,
    reads_of_functions,
    variables_of,
)
from nexa_grade.cells import id_of, is_test, is_written_by_students, sources
from nexa_grade.errors import HeldForReview
from nexa_grade.forgery.text_signs import CODE, signs_of_forgery
from nexa_grade.kernel_language import PYTHON, kernel_language
from nexa_grade.text import quote

MOST_SIGNS = 3  # in the one-line reason; the log has them all
MOST_LOGGED = 50
ADVICE = "look at it, then grade again with c.WatchForForgery.accepted"


@dataclass(frozen=True)
class Sign:
    """One sign of forgery."""

    cell: str  # grade id or cell id; "" for the submission
    what: str
    is_held: bool = True  # False: it was mended, or does no harm


def hold_error(signs: Sequence[Sign]) -> HeldForReview:
    """Write the one-line reason for which a submission is held."""
    shown = [f"{quote(sign.what)} in {quote(sign.cell, 30)}" for sign in signs[:MOST_SIGNS]]
    more = f" and {len(signs) - MOST_SIGNS} more" if len(signs) > MOST_SIGNS else ""
    return HeldForReview(f"held for a person: {', '.join(shown)}{more}; {ADVICE}")


class WatchForForgery(NbGraderPreprocessor):  # type: ignore[misc]
    """Looks at the cells that a student wrote; stands before the notebook is executed."""

    accepted = List(
        Unicode(), help="Students whose submissions were looked at, and are graded for all that."
    ).tag(config=True)
    holds = Bool(
        True,
        help="Whether a sign holds a submission; nexa-grade turns it off where the second look "
        "speaks for every test: signs are told then, and behavior decides.",
    ).tag(config=True)
    course_names = List(
        Unicode(),
        help="Words that name the course's own code: a student's cell that has one is held",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Look at a notebook.

        Raises:
            HeldForReview: It has a sign of forgery, and its student is not accepted.
        """
        submission = resources["nbgrader"]
        language = kernel_language(nb)
        if language != PYTHON:
            self.log.warning(
                "Not watched for forgery, the language is %a: student %s, notebook %s",
                language,
                submission.get("student", ""),
                submission.get("notebook", ""),
            )
            return nb, resources
        written = [cell for cell in nb.cells if is_written_by_students(cell)]
        imports: dict[str, str] = {}
        for cell in written:
            tree = parse(cell.source)
            imports |= imports_of(tree) if tree else {}
        unknown = variables_of_tests(nb) - variables_elsewhere(nb)
        signs = []
        for cell in written:
            name = id_of(cell) or cell.get("id", "")
            found = signs_of_forgery(cell.source, imports, self.course_names)
            signs += [Sign(name, what) for what in found]
            read = sorted(reads_of_functions(cell.source) & unknown)
            signs += [Sign(name, f"{what}, a variable of a test: {CODE}") for what in read]
        self.judge(nb, signs, submission)
        return nb, resources

    def judge(self, nb: NotebookNode, signs: Sequence[Sign], submission: dict[str, str]) -> None:
        """Report signs, and hold the submission where they do and nobody has accepted it.

        Raises:
            HeldForReview: A sign is a reason to, signs hold here, and the student is not accepted.
        """
        student = submission.get("student", "")
        for sign in signs[:MOST_LOGGED]:
            self.log.warning(
                "%s: student %s, notebook %s, cell %s: %s",
                "Sign of forgery" if sign.is_held else "Put right before a test",
                student,
                submission.get("notebook", ""),
                sign.cell or "-",
                quote(sign.what, 200),
                extra={"nexa": {"violation": {"cell": sign.cell, "what": sign.what}}},
            )
        reasons = [sign for sign in signs if sign.is_held]
        if reasons and self.holds and student not in self.accepted:
            raise hold_error(reasons)
        if signs:
            nexa = nb.metadata.setdefault("nexa", NotebookNode())
            listed = [{"cell": sign.cell, "what": sign.what} for sign in signs[:MOST_LOGGED]]
            nexa["violations"] = nbformat.from_dict([*nexa.get("violations", []), *listed])


def variables_of_tests(nb: NotebookNode) -> set[str]:
    """Name what the tests of a notebook assign."""
    return set().union(*map(variables_of, sources(nb, is_test)))


def variables_elsewhere(nb: NotebookNode) -> set[str]:
    """Name what all other cells assign."""
    others = sources(nb, lambda cell: not is_test(cell))
    return set().union(*map(bound_names, others))


def shared_variables(nb: NotebookNode) -> set[str]:
    """Name the variables of tests that a student's functions read, and other cells assign, too.

    Such a function would get the test's value. What the course's own functions read is left out.
    """
    mine = set().union(*map(reads_of_functions, sources(nb, is_written_by_students)))
    given = sources(nb, lambda cell: is_locked(cell) and not is_test(cell))
    return (variables_of_tests(nb) & mine) - set().union(*map(reads_of_functions, given))
