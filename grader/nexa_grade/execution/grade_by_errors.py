"""Errors alone decide about a test, but where the course itself gives part of the points.

nbgrader reads a displayed number as a score. That is its documented way of partial credit: the last
statement of the instructor's test is an expression, its value the points. Anything else that is
displayed can only be an accident or a forgery.
"""

import ast
import math
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from nexa_grade.cell_names import parse
from nexa_grade.cells import id_of, is_test
from nexa_grade.errors import UngradableError
from nexa_grade.kernel_language import PYTHON, kernel_language

STDERR_NOTE = "Written to stderr, which costs no points:\n"
NOT_RUN = "This test was not run, so it gives no points."
NOT_PYTHON = "whether the test means it as points is read in Python alone"
NO_NUMBER = "This test ends with an expression for part of its points, and showed no such number."


class GradeByErrors(NbGraderPreprocessor):  # type: ignore[misc]
    """Lets errors decide about a test; stands before ``SaveAutoGrades``.

    nbgrader also takes points for words on stderr, a warning for instance, and reads any displayed
    number as a score, even where an error follows it. Here a number counts where the test's own
    last statement is an expression, and nowhere else; the test is as released at this point.
    """

    partial_credit = Bool(
        True,
        help="Read the value of a test as its points where its last statement is an expression",
    ).tag(config=True)

    is_python = True  # what `preprocess` finds out of each notebook

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade a notebook.

        Raises:
            UngradableError: A test that is not Python shows a number: nobody here can tell whose.
        """
        self.is_python = kernel_language(nb) == PYTHON
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Leave the cells that test answers with one result: an error, a number, or neither."""
        if is_test(cell):
            result = self.points_of(cell)
            cell.outputs = [as_no_score(output) for output in cell.outputs]
            if cell.execution_count is None:
                cell.outputs.append(an_error("NotRun", NOT_RUN))
            elif result is not None:
                cell.outputs.append(result)
        return cell, resources

    def points_of(self, cell: NotebookNode) -> NotebookNode | None:
        """Read the points that a test gives by its value, from 0 to its maximum.

        Returns:
            An output that nbgrader reads as a score; None where errors alone decide.
        """
        if not self.partial_credit or any(each.output_type == "error" for each in cell.outputs):
            return None
        last = [each for each in cell.outputs if each.output_type == "execute_result"][-1:]
        if not last:  # None, such as what a call of a checking function gives: nbgrader's full
            return None
        try:
            value = float(last[0].data["text/plain"])
        except (KeyError, TypeError, ValueError):  # True, a text: as nbgrader has it
            return None
        if not self.is_python:
            raise UngradableError(f"expected no number from the test {id_of(cell)!a}: {NOT_PYTHON}")
        if not ends_with_value(cell.source):
            return None
        if not math.isfinite(value):
            return an_error("NoScore", NO_NUMBER)
        points = min(max(value, 0.0), float(cell.metadata.nbgrader.points))
        return new_output("execute_result", {"text/plain": str(points)})


def an_error(name: str, said: str) -> NotebookNode:
    """Make an error, for which nbgrader gives no points."""
    return new_output("error", ename=name, evalue=said, traceback=[said])


def ends_with_value(source: str) -> bool:
    """Tell a test whose last statement is an expression that IPython displays."""
    tree = parse(source)
    if tree is None or not tree.body or source.rstrip().endswith(";"):
        return False
    last = tree.body[-1]
    return isinstance(last, ast.Expr) and not (
        isinstance(last.value, ast.Constant) and isinstance(last.value.value, str)
    )


def as_no_score(output: NotebookNode) -> NotebookNode:
    """Turn an output into one that nbgrader reads no score from; errors stay errors."""
    if output.output_type == "execute_result":
        return new_output("display_data", data=output.data, metadata=output.metadata)
    if output.output_type == "stream" and output.name == "stderr":
        return new_output("stream", text=STDERR_NOTE + output.text)
    return output
