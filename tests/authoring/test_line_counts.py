"""The lines that a reader sees, counted on a notebook written by hand."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.visible_lines import (
    GIVEN,
    GRADED,
    PROSE,
    STUB,
    TO_RUN,
    count_by_kind,
    lines_before_first_stub,
)

LOCKED = {"locked": True, "grade": False, "solution": False}
FOLDED = {"source_hidden": True}


def notebook():
    return new_notebook(
        cells=[
            new_markdown_cell("# A title\n\nText."),
            new_code_cell("a = 1\n\n\nb = 2", metadata={"nbgrader": LOCKED}),
            new_code_cell(
                "# @title Folded\nc = 3\nd = 4", metadata={"nbgrader": LOCKED, "jupyter": FOLDED}
            ),
            new_code_cell("print(a)"),
            new_code_cell(
                "def f():\n    ...", metadata={"nbgrader": {"solution": True, "locked": False}}
            ),
            new_code_cell(
                "assert f()\nassert a", metadata={"nbgrader": {"grade": True, "locked": True}}
            ),
            new_markdown_cell("End."),
        ]
    )


def test_lines_are_counted_by_kind_with_blank_lines_and_one_line_per_folded_cell():
    assert count_by_kind(notebook()) == {PROSE: 4, GIVEN: 5, TO_RUN: 1, STUB: 2, GRADED: 2}


def test_lines_before_the_first_stub():
    assert lines_before_first_stub(notebook()) == {PROSE: 3, GIVEN: 5, TO_RUN: 1}


def test_a_notebook_without_a_stub_is_counted_to_its_end():
    without = notebook()
    del without.cells[4]
    assert lines_before_first_stub(without).total() == 12


def test_a_markdown_cell_does_not_fold():
    folded = new_notebook(cells=[new_markdown_cell("One.\n\nTwo.", metadata={"jupyter": FOLDED})])
    assert count_by_kind(folded) == {PROSE: 3}
