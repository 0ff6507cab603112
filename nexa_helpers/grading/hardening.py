"""What a cell does when it runs costs neither the class nor its own score.

``BoundedExecute`` drops output while it comes in, so that a flood fills no memory.
``GradeByErrors`` leaves one thing that can cost a point, an error, and nothing that can give one:
words on stderr and displayed numbers count for nothing. ``harden`` puts all of it, with the
repairs, the watch for forgery and the sandbox (off by default), into nbgrader's configuration.
"""

import json
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer
from traitlets.config import Config

OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")
NOT_OUTPUTS = ("status", "execute_input", "clear_output")
MAX_ERROR_PART = 10_000  # characters of a message, and of each part of a traceback
MAX_TRACEBACK = 50
STDERR_NOTE = "Written to stderr, which costs no points:\n"


def harden(c: Config) -> None:
    """Make nbgrader repair submissions, bound their output, survive them all, and run none of it.

    ``c.SandboxedExecute.sandbox = True`` is left to the instructor: it needs bubblewrap.

    Args:
        c: What ``traitlets.config.get_config()`` returns in nbgrader_config.py.
    """
    c.Autograde.exporter_class = "nexa_helpers.grading.intake.IntakeExporter"
    c.Autograde.sanitize_preprocessors = [
        "nexa_helpers.grading.repair.RepairSubmission",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "nexa_helpers.grading.forgery.WatchForForgery",
        "nexa_helpers.grading.sandbox.SandboxedExecute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "nexa_helpers.grading.hardening.GradeByErrors",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]  # nbgrader checks the metadata here once more; nothing has changed them since
    # Formgrader's page: text and figures, which nothing can be hidden in. Its exporter is always
    # HTMLExporter, and its template ends Markdown with this filter and does not clean it.
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.preprocessors = ["nexa_helpers.grading.feedback.PlainCells"]
    c.HTMLExporter.filters = {"strip_files_prefix": "nexa_helpers.grading.feedback.clean_html"}
    c.FeedbackExporter.preprocessors = []  # GenerateFeedback has its own


def shorten(text: str) -> str:
    """Cut a long text."""
    return text if len(text) <= MAX_ERROR_PART else text[:MAX_ERROR_PART] + " … (cut)"


def shorten_error(content: dict[str, Any]) -> None:
    """Cut the name, message and traceback of an error in place; an error itself is never lost."""
    content["ename"] = shorten(str(content.get("ename", "NotRun")))
    content["evalue"] = shorten(str(content.get("evalue", "the kernel did not run this cell")))
    parts = list(content.get("traceback") or [])
    if len(parts) > MAX_TRACEBACK:
        parts = parts[: MAX_TRACEBACK // 2] + ["…"] + parts[-MAX_TRACEBACK // 2 :]
    content["traceback"] = [shorten(str(part)) for part in parts]


class BoundedExecute(Execute):  # type: ignore[misc]
    """nbgrader's ``Execute``, with output counted in bytes as it arrives."""

    max_cell_bytes = Integer(
        1_000_000, help="Bytes of output that are kept of a cell; what follows is dropped."
    ).tag(config=True)
    max_notebook_bytes = Integer(
        20_000_000, help="Bytes of output that are kept of all cells of a notebook."
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute a notebook."""
        self.notebook_bytes = self.cell_bytes = self.dropped_bytes = 0
        return super().preprocess(nb, resources, km)

    def on_cell_execute(self, **kwargs: Any) -> None:
        """Start counting for a cell."""
        self.cell_bytes = self.dropped_bytes = 0

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Take a message of the kernel, or drop it.

        Messages of widgets are dropped too: nobody sees widgets in a graded notebook, they would
        fill the memory, and an output widget can keep an error out of its cell.
        """
        kind = msg["msg_type"]
        if kind in OUTPUTS and not self.make_room(kind, msg["content"]):
            return None
        if kind not in OUTPUTS + NOT_OUTPUTS:
            return None
        return super().process_message(msg, cell, cell_index)

    def make_room(self, kind: str, content: dict[str, Any]) -> bool:
        """Count an output and cut it to the room that is left.

        Returns:
            Whether any of it fits.
        """
        if kind == "error":
            shorten_error(content)
        size = len(json.dumps(content, default=str))
        room = min(
            self.max_cell_bytes - self.cell_bytes, self.max_notebook_bytes - self.notebook_bytes
        )
        kept = size if size <= room else room if kind == "stream" else 0
        if kept < size and kind == "stream":
            content["text"] = content["text"][:kept]
        self.cell_bytes += kept
        self.notebook_bytes += kept
        self.dropped_bytes += size - kept
        return kept > 0

    def on_cell_executed(self, **kwargs: Any) -> None:
        """Make sure that an error is in the outputs, and say how much was dropped."""
        reply = kwargs["execute_reply"]["content"]
        if reply["status"] != "ok":  # "aborted" has not run at all
            reply["status"] = "error"
            shorten_error(reply)
        super().on_cell_executed(**kwargs)
        if self.dropped_bytes:
            text = f"[Too much output: the last {self.dropped_bytes} bytes were dropped.]\n"
            kwargs["cell"].outputs.insert(
                0, new_output("stream", text=text)
            )  # LimitOutput cuts ends
            self.clear_display_id_mapping(kwargs["cell_index"])  # it holds places in the outputs


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
