"""Errors alone decide about a test: words on stderr and displayed numbers count for nothing."""

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

STDERR_NOTE = "Written to stderr, which costs no points:\n"


class GradeByErrors(NbGraderPreprocessor):  # type: ignore[misc]
    """Lets errors alone decide about a test; stands before ``SaveAutoGrades``.

    nbgrader also takes points for words on stderr, a warning for instance, and reads a displayed
    number as a score, even where an error follows it. No test of this course gives part of its
    points, so a number can only be an accident or a forgery.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Turn stderr into stdout and results into displays in the cells that test answers."""
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            cell.outputs = [as_no_score(output) for output in cell.outputs]
            if cell.execution_count is None:
                said = "This test was not run, so it gives no points."
                error = new_output("error", ename="NotRun", evalue=said, traceback=[said])
                cell.outputs.append(error)
        return cell, resources


def as_no_score(output: NotebookNode) -> NotebookNode:
    """Turn an output into one that nbgrader reads no score from; errors stay errors."""
    if output.output_type == "execute_result":
        return new_output("display_data", data=output.data, metadata=output.metadata)
    if output.output_type == "stream" and output.name == "stderr":
        return new_output("stream", text=STDERR_NOTE + output.text)
    return output
