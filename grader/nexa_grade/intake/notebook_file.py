"""Reading a submitted file: a notebook comes out, or an error that says why there is none.

The file is hostile. It may be no file at all, not JSON, or JSON of a wrong form. What nbformat
reads without complaint is handed on untouched; else the notebook is rebuilt from whatever cells
it has. nbgrader reads through an nbconvert exporter and lets a course choose it, which makes the
exporter the place where one bad submission is kept from stopping all others. Which cells belong to
the assignment is left to ``repair``.
"""

import json
import re
import stat
from pathlib import Path
from typing import Any, TextIO

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError
from traitlets import Integer

from nexa_grade.errors import UngradableError
from nexa_grade.gradebook_scores import forget_scores
from nexa_grade.repair.release import NEW_CELL

CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
REBUILT = "the file was not a valid notebook; it was rebuilt from the cells that could be read"


def kind_of(mode: int) -> str:
    """Name what is no regular file, by its mode."""
    kinds = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def require_notebook_file(path: Path, max_bytes: int) -> None:
    """Refuse what would not be read as a file, or never to its end.

    Raises:
        UngradableError: It is a link, a folder, a pipe, a device, or larger than ``max_bytes``.
    """
    found = path.lstat()  # of the link itself: its target may be anything on this machine
    if not stat.S_ISREG(found.st_mode):
        raise UngradableError(f"expected a regular file, got a {kind_of(found.st_mode)}")
    if found.st_size > max_bytes:
        raise UngradableError(f"expected at most {max_bytes} bytes, got {found.st_size}")


def rebuild_cell(raw: Any) -> NotebookNode:
    """Make a cell of a JSON value; what is no cell at all becomes a raw cell that shows it."""
    if not isinstance(raw, dict):
        return NEW_CELL["raw"](source=json.dumps(raw))
    source = raw.get("source", "")
    if isinstance(source, list):
        source = "".join(str(line) for line in source)
    source = str(source).encode("utf-8", "replace").decode()  # half an emoji cannot be written
    cell_type = raw.get("cell_type")
    cell = NEW_CELL[cell_type if cell_type in list(NEW_CELL) else "raw"](source=source)
    if isinstance(raw.get("id"), str) and CELL_ID.fullmatch(raw["id"]):
        cell.id = raw["id"]
    if isinstance(raw.get("metadata"), dict):
        cell.metadata = nbformat.from_dict(raw["metadata"])
    return cell


def rebuild(raw: Any) -> NotebookNode:
    """Make a valid notebook of JSON that is not one; outputs and attachments stay behind.

    Raises:
        UngradableError: It has no list of cells.
    """
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if not isinstance(cells, list):
        raise UngradableError("expected a notebook with a list of cells, got other JSON")
    notebook = nbformat.v4.new_notebook(cells=[rebuild_cell(cell) for cell in cells])
    _, notebook = nbformat.validator.normalize(notebook, strip_invalid_metadata=True)
    nbformat.validate(notebook)
    return notebook


def read_notebook(data: bytes) -> tuple[NotebookNode, list[str]]:
    """Read a notebook of format 4 from the bytes of a file.

    Returns:
        The notebook, and what had to be repaired.

    Raises:
        UngradableError: Nothing in the file can be graded.
    """
    if not data.strip():
        raise UngradableError("expected a notebook, got an empty file")
    problems: dict[str, Any] = {}
    try:
        notebook = nbformat.reads(data, as_version=4, capture_validation_error=problems)
        notebook.metadata.get("language", "").lower()  # nbconvert does this
        json.dumps(notebook, ensure_ascii=False).encode()  # and writes it as UTF-8
    except nbformat.reader.NotJSONError as error:
        raise UngradableError("expected a notebook, got a file that is not JSON") from error
    except Exception as error:  # of any kind: the form is the student's
        problems["error"] = error
    if not problems:
        return notebook, []
    try:
        notebook = rebuild(json.loads(data))
        json.dumps(notebook, ensure_ascii=False).encode()
    except UngradableError:
        raise
    except Exception as error:
        raise UngradableError(f"expected a notebook, got JSON that is none: {error}") from error
    return notebook, [REBUILT]


class SubmissionExporter(NotebookExporter):  # type: ignore[misc]
    """Reads submissions for ``nbgrader autograde``; set as ``c.Autograde.exporter_class``."""

    max_bytes = Integer(100_000_000, help="Largest notebook that is read, in bytes.").tag(
        config=True
    )

    notes: tuple[str, ...] = ()  # what is to be said of the file that is read now

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert a notebook file; a failure leaves the submission without automatic scores.

        Raises:
            UngradableError: The file cannot be graded.
        """
        submission = (resources or {}).get("nbgrader")
        if submission:
            forget_scores(submission)
        try:
            require_notebook_file(Path(filename), self.max_bytes)
            return super().from_filename(filename, resources, **kw)
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            if submission:
                forget_scores(submission)  # some cells may have been scored already
                student, notebook = submission["student"], submission["notebook"]
                kind = type(error).__name__
                failure = {"kind": kind, "reason": reason, "notebook": notebook}
                self.log.error(
                    "Not graded, no score: student %s, notebook %s: %s",
                    student,
                    notebook,
                    reason,
                    extra={"nexa": {"failure": failure}},
                )
            if isinstance(error, SchemaTooOldError | SchemaTooNewError):
                raise UngradableError(reason) from error  # nbgrader would stop the whole batch
            raise

    def from_file(
        self, file_stream: TextIO, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert a notebook from an open file; ``resources["repairs"]`` tells what was wrong."""
        notebook, repairs = read_notebook(file_stream.buffer.read())
        resources = {} if resources is None else resources
        resources["repairs"] = [*self.notes, *repairs]
        return self.from_notebook_node(notebook, resources=resources, **kw)
