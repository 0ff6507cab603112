"""Headings in order, so that a screen reader's list of them is a table of contents."""

import itertools
import re

import nbformat

from authoring.assignment import Assignment

FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)


def check(assignment: Assignment) -> int:
    """Insist on one title, and no level left out. Returns the number of headings."""
    cells = nbformat.read(assignment.release_notebook, as_version=4).cells
    text = [FENCE.sub("", cell.source) for cell in cells if cell.cell_type == "markdown"]
    found = [(len(marks), words) for part in text for marks, words in HEADING.findall(part)]
    assert found and found[0][0] == 1, f"the first heading is no title: {found[:1]}"
    assert [level for level, _ in found].count(1) == 1, "there is more than one title"
    skipped = [
        words for (above, _), (level, words) in itertools.pairwise(found) if level > above + 1
    ]
    assert not skipped, f"a level is left out before: {skipped}"
    return len(found)
