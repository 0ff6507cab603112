"""Repairing a submitted notebook, so that it is graded as if its cells had been left alone.

Students copy, delete, move and retype cells, and other editors drop metadata. The notebook is
held against the release and put right; the instructor's log, the notebook's metadata
(``metadata.nexa.repairs``, for machines) and a cell at the top, which feedback shows, tell
each repair. An intact submission is not touched. What a cell does when it runs is left to the
preprocessors that follow, and files that are no notebooks to ``notebook_file``.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Integer

from nexa_grade.cell_names import bound_names, names_in_broken_text
from nexa_grade.errors import UngradableError
from nexa_grade.repair.match_cells import Match, arrange, grade_id_of, look_at, match
from nexa_grade.repair.release import ReleasedCell, plain_text, read_release, release_path
from nexa_grade.text import quote

NOTE_ID = "repairs-before-grading"
NOTE = """**This notebook was repaired before it was graded.** The file that you handed in is \
kept as it was.

"""


@dataclass(frozen=True)
class Repair:
    """One thing that was put right."""

    cell: str  # grade id, cell id or "" for the notebook
    what: str


def set_type(cell: NotebookNode, cell_type: str) -> None:
    """Turn a cell into one of another type; its text stays."""
    cell.cell_type = cell_type
    if cell_type == "code":
        cell.pop("attachments", None)
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def changed_keys(info: Any, cell: ReleasedCell, schema: dict[str, Any]) -> list[str]:
    """Name what a student changed in nbgrader's metadata of a cell; the checksum is nbgrader's."""
    if not isinstance(info, dict):
        return ["all"]
    default = {"task": False, "cell_type": cell.cell_type}
    is_test = info.get("grade") is True and info.get("solution") is False
    found = {**default, **info, "locked": is_test or info.get("locked")}
    changed = [
        key for key, value in cell.info.items() if key != "checksum" and found.get(key) != value
    ]
    if not changed and list(jsonschema.Draft4Validator(schema).iter_errors(info)):
        return ["form"]  # equal and yet wrong: 1 for true, keys that nbgrader does not know
    return changed


def repair_cell(node: NotebookNode, cell: ReleasedCell, schema: dict[str, Any]) -> list[Repair]:
    """Give a watched cell its released type and metadata, and its text where students cannot edit.

    Flags that only an editor minds (``deletable``, ``editable``) are set along with the rest.
    """
    repairs = []
    if node.cell_type != cell.cell_type:
        what = f"was a {node.cell_type} cell and is a {cell.cell_type} cell again"
        repairs.append(Repair(cell.grade_id, what))
        set_type(node, cell.cell_type)
    if grade_id_of(node) != cell.grade_id:
        what = "had lost nbgrader's metadata, or had another grade id; both are set again"
        repairs.append(Repair(cell.grade_id, what))
        node.metadata = cell.all_metadata()
    elif changed := changed_keys(node.metadata["nbgrader"], cell, schema):
        what = f"had changed metadata ({', '.join(changed)}); it is as released again"
        repairs.append(Repair(cell.grade_id, what))
        node.metadata = cell.all_metadata()
    is_changed = plain_text(node.source) not in cell.texts
    if not cell.is_solution and cell.shown is not None and is_changed:
        repairs.append(Repair(cell.grade_id, "had a changed text; it is as released again"))
        node.source = cell.source
    return repairs


def remove_tags(node: NotebookNode, name: str, released_tags: Sequence[str]) -> list[Repair]:
    """Remove the tags that are not in the release: tools skip cells by them."""
    tags = node.metadata.get("tags", [])
    extra = [tag for tag in tags if tag not in released_tags] if isinstance(tags, list) else [tags]
    if not extra:
        return []
    del node.metadata["tags"]
    if released_tags:
        node.metadata["tags"] = list(released_tags)
    return [
        Repair(name, f"had tags that are not in the release ({quote(extra, 60)}); they are off")
    ]


def drop_metadata(node: NotebookNode, original: Any, name: str) -> list[Repair]:
    """Take nbgrader's metadata off a cell that is not one of the assignment's."""
    info = node.metadata.get("nbgrader")
    if info is None or info == original:
        return []
    del node.metadata["nbgrader"]
    if not isinstance(info, dict) or not any(
        info.get(key) for key in ("grade", "solution", "locked", "task")
    ):
        return []
    what = f"had the grade id {quote(info.get('grade_id'), 60)}, which is not in the release"
    return [Repair(name, f"{what}; it is an ordinary cell now")]


def repair_cells(
    notebook: NotebookNode, released: Sequence[ReleasedCell], schema: dict[str, Any]
) -> list[Repair]:
    """Repair the cells of a notebook in place.

    Returns:
        What was done; nothing for an intact notebook.
    """
    nodes = list(notebook.cells)
    found = match([look_at(node) for node in nodes], released)
    by_name = {cell.grade_id: cell for cell in released if cell.grade_id}
    name_at = {place: name for name, place in found.chosen.items()}
    repairs = []
    for place, node in enumerate(nodes):
        if place in name_at:
            cell = by_name[name_at[place]]
            name, original = cell.grade_id, cell.metadata
            repairs += repair_cell(node, cell, schema)
        else:
            original = released[found.plain[place]].metadata if place in found.plain else {}
            name = str(node.get("id", ""))
            if place in found.copies:
                node.metadata.pop("nbgrader", None)
            repairs += drop_metadata(node, original.get("nbgrader"), name)
        repairs += remove_tags(node, name, original.get("tags", []))
    notebook.cells, moved, missing = arrange(nodes, found, released)
    repairs += [Repair(name, "was not in its place and was moved there") for name in moved]
    repairs += [Repair(name, "was missing and was put back as released") for name in missing]
    return repairs + silence_copies(notebook, nodes, found, by_name)


def names_of(cell: NotebookNode) -> frozenset[str]:
    """Name what a cell binds; where its text is broken, by its lines."""
    return bound_names(cell.source) | names_in_broken_text(cell.source)


def silence_copies(
    notebook: NotebookNode,
    nodes: Sequence[NotebookNode],
    found: Match,
    by_name: dict[str, ReleasedCell],
) -> list[Repair]:
    """Keep copies as ordinary cells; one that would undo the solution that counts does not run.

    An editor that splits a cell gives both halves the same id: the half below, with a helper that
    the first one calls, undoes nothing.
    """
    place_of = {id(node): place for place, node in enumerate(notebook.cells)}
    repairs = []
    for place, name in found.copies.items():
        copy, original = nodes[place], nodes[found.chosen[name]]
        is_below = by_name[name].is_solution and place_of[id(copy)] > place_of[id(original)]
        kept = by_name[name].names | names_of(original)
        if is_below and kept & names_of(copy) and copy.cell_type == "code":
            set_type(copy, "raw")
            repairs.append(Repair(name, "had a copy, which is kept as text that does not run"))
        else:
            repairs.append(Repair(name, "had a copy, which is kept as an ordinary cell"))
    return repairs


def drop_attachments(notebook: NotebookNode, max_bytes: int) -> list[Repair]:
    """Drop pictures that are too large to grade and to send back."""
    repairs = []
    for node in notebook.cells:
        size = len(json.dumps(node.get("attachments", {})))
        if size > max_bytes:
            del node["attachments"]
            what = f"had attachments of {size} bytes, more than {max_bytes}; they are left out"
            repairs.append(Repair(str(node.get("id", "")), what))
    return repairs


def write_note(repairs: Sequence[Repair]) -> NotebookNode:
    """Write the cell that tells a student what was repaired."""
    cells: dict[str, list[str]] = {}
    for repair in repairs:
        cells.setdefault(repair.what, []).append(f"`{repair.cell}`" if repair.cell else "")
    lines = [f"- {', '.join(filter(None, names))} {what}".strip() for what, names in cells.items()]
    return new_markdown_cell(NOTE + "\n".join(lines), id=NOTE_ID)


class RepairSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """Repairs a submission; the first of ``c.Autograde.sanitize_preprocessors``."""

    max_cells = Integer(5000, help="Most cells that a submitted notebook may have.").tag(
        config=True
    )
    max_attachment_bytes = Integer(
        10_000_000, help="Largest attachments of one cell, in bytes of JSON."
    ).tag(config=True)

    def read_release(self, submission: dict[str, str]) -> list[ReleasedCell]:
        """Read what was released for a submission."""
        path = release_path(self, submission["assignment"], submission["notebook"])
        if not path.is_file():
            self.log.warning("No released notebook at %s: the gradebook alone must do", path)
        return read_release(
            path, submission["db_url"], submission["assignment"], submission["notebook"]
        )

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Repair a notebook.

        Raises:
            UngradableError: It has more than ``max_cells`` cells.
        """
        submission = resources["nbgrader"]
        nb.metadata.pop("nexa", None)
        nb.metadata.pop("widgets", None)  # nobody sees them, and Colab's stop formgrader's page
        nb.cells = [cell for cell in nb.cells if cell.get("id") != NOTE_ID]  # of an earlier time
        if len(nb.cells) > self.max_cells:
            raise UngradableError(f"expected at most {self.max_cells} cells, got {len(nb.cells)}")
        repairs = [Repair("", what) for what in resources.get("repairs", [])]
        repairs += drop_attachments(nb, self.max_attachment_bytes)
        repairs += repair_cells(nb, self.read_release(submission), MetadataValidator().schema)
        if repairs:
            self.tell(nb, repairs, submission)
        return nb, resources

    def tell(self, nb: NotebookNode, repairs: Sequence[Repair], submission: dict[str, str]) -> None:
        """Tell the instructor, the machine and the student."""
        for repair in repairs:
            self.log.warning(
                "Repaired: student %s, notebook %s, cell %s: %s",
                submission["student"],
                submission["notebook"],
                repair.cell or "-",
                repair.what,
                extra={"nexa": {"repair": asdict(repair)}},
            )
        if nb.nbformat_minor < 5:  # the cells put back have ids, which came with 4.5
            nbformat.v4.upgrade(nb, nb.nbformat, nb.nbformat_minor)
        listed = [asdict(repair) for repair in repairs]
        nb.metadata["nexa"] = nbformat.from_dict({"repairs": listed})
        nb.cells.insert(0, write_note(repairs))
