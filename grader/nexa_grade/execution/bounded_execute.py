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
from nbgrader.preprocessors import Execute
from traitlets import Integer

from nexa_grade.text import shorten

OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")
NOT_OUTPUTS = ("status", "execute_input", "clear_output")
MAX_ERROR_PART = 10_000  # characters of a message, and of each part of a traceback
MAX_TRACEBACK = 50
CUT = " … (cut)"


def shorten_error(content: dict[str, Any]) -> None:
    """Cut the name, message and traceback of an error in place; an error itself is never lost."""
    content["ename"] = shorten(str(content.get("ename", "NotRun")), MAX_ERROR_PART, CUT)
    message = str(content.get("evalue", "the kernel did not run this cell"))
    content["evalue"] = shorten(message, MAX_ERROR_PART, CUT)
    parts = list(content.get("traceback") or [])
    if len(parts) > MAX_TRACEBACK:
        parts = parts[: MAX_TRACEBACK // 2] + ["…"] + parts[-MAX_TRACEBACK // 2 :]
    content["traceback"] = [shorten(str(part), MAX_ERROR_PART, CUT) for part in parts]


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
