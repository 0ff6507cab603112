"""How much of the released notebook a reader sees, and how the folded cells are made."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.visible_lines import (
    count_by_kind,
    count_visible_lines,
    is_folded,
    kind_of,
    lines_before_first_stub,
)

ROOT = Path(__file__).resolve().parents[2]
RELEASE = ROOT / "release" / "nexacode" / "nexacode.ipynb"
OPEN = {  # given code that teaches, and settings
    "given-markers", "given-split-tasks", "given-lexicon", "given-words", "given-keyword-labels",
    "given-compute-grpo-advantages", "given-overlong-reward", "given-group-advantages",
    "given-per-response-loss", "given-error-words",
}  # fmt: skip


@pytest.fixture(scope="module")
def release():
    return nbformat.read(RELEASE, as_version=4)


def grading(**settings):
    return {"nbgrader": {"grade": False, "solution": False, "locked": False} | settings}


def test_the_release_keeps_to_its_length(release):
    assert count_by_kind(release).total() <= 2000
    assert lines_before_first_stub(release).total() <= 150


def test_a_folded_cell_counts_one_line_and_the_stub_ends_the_count():
    folded = new_code_cell("# @title A\nx = 1", metadata={"jupyter": {"source_hidden": True}})
    stub = new_code_cell("def f():\n    raise", metadata=grading(solution=True))
    notebook = new_notebook(cells=[new_markdown_cell("a\n\nb"), folded, stub, new_code_cell("y")])
    assert [count_visible_lines(cell) for cell in notebook.cells] == [3, 1, 2, 1]
    assert lines_before_first_stub(notebook).total() == 4
    assert count_by_kind(notebook).total() == 7


def test_given_code_is_folded_but_for_what_teaches(release):
    unfolded = {
        cell.id for cell in release.cells if kind_of(cell) == "given code" and not is_folded(cell)
    }
    assert unfolded == OPEN | {"run-self-check"}


def test_open_code_fits_a_narrow_screen(release):
    wide = [
        f"{cell.id}: {line}"
        for cell in release.cells
        if cell.cell_type == "code" and not is_folded(cell)
        for line in cell.source.splitlines()
        if len(line) > 88 and "This part is yours" not in line  # nbgrader's own line of a stub
    ]
    assert wide == []
