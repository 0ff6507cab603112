"""The authored notebook: its code is the package's, its graded cells stand alone, it is clean."""

import ast
import base64
import copy
import functools
import re
from pathlib import Path

import nbformat
import pytest
from nexa_grade.cell_names import bound_anywhere, bound_names, parse_without_magics

from authoring.assignment import NEXACODE
from authoring.sync import differences, refresh

ROOT = Path(__file__).resolve().parents[2]
SEED_CHECKS = {  # the origin's verification cells: what each prints when it has passed
    "seed-check-1": "Parser verification passed.",
    "seed-check-3": "PRM majority voting verification passed.",
    "seed-check-4": "GRPO-TCR loss verification passed.",
}
SECTIONS = [
    "0. Setup and Environment",
    "1. Data Acquisition",
    "2. Exploratory",
    "3. Baseline",
    "4. Model Design",
    "5. Training Strategy",
    "6. Evaluation",
    "7. Error Analysis",
    "8. Scalability and Deployment",
    "9. Ethical",
    "Summary",
]


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NEXACODE.source_notebook, as_version=4)


@pytest.fixture(scope="module")
def solved():
    return nbformat.read(NEXACODE.solved_notebook, as_version=4)


def settings(cell) -> dict:
    return cell.metadata.get("nbgrader", {})


def is_checked_by_machine(cell) -> bool:
    return bool(settings(cell).get("grade")) and not settings(cell).get("solution")


parse_text = functools.cache(parse_without_magics)


def tree_of(cell) -> ast.Module:
    return parse_text(cell.source)


def names_from_other_cells(cell) -> set[str]:
    """Names that a cell reads and binds nowhere itself."""
    tree = tree_of(cell)
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read - bound_anywhere(tree)


# One source of truth


def test_a_change_in_the_notebook_is_shown_as_a_diff_and_refresh_takes_it_back(notebook):
    changed = copy.deepcopy(notebook)
    (cell,) = [cell for cell in changed.cells if cell.id == "given-overlong-reward"]
    cell.source = cell.source.replace("def overlong_reward(", "def overlong_reward(extra, ", 1)
    assert "+def overlong_reward(extra, " in differences(NEXACODE, changed)
    assert refresh(NEXACODE, changed) == 1
    assert [cell.source for cell in changed.cells] == [cell.source for cell in notebook.cells]


def test_refresh_leaves_names_of_graded_cells_alone(notebook):
    changed = copy.deepcopy(notebook)
    graded = next(cell for cell in changed.cells if is_checked_by_machine(cell))
    graded.source = text = "words = []  # a name that the package defines, too"
    assert refresh(NEXACODE, changed) == 1  # the self-check knows graded cells by their text
    assert graded.source == text
    assert differences(NEXACODE, changed) == ""


def test_seed_verification_cells_are_there_and_passed(notebook, solved):
    text_of = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in solved.cells
        if cell.cell_type == "code"
    }
    for name, message in SEED_CHECKS.items():
        (source,) = [cell.source for cell in notebook.cells if cell.id == name]
        assert "assert " in source
        assert message.rstrip(".") in source
        assert text_of[name].startswith(message)


# Cells


def test_sections_stand_in_order(notebook):
    headings = [
        line[3:]
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if re.match(r"## (\d\.|Summary)", line)
    ]
    assert len(headings) == len(SECTIONS)
    assert all(h.startswith(s) for h, s in zip(headings, SECTIONS, strict=True)), headings


def test_metadata_asks_colab_for_a_t4(notebook):
    assert notebook.metadata.accelerator == "GPU"
    assert notebook.metadata.colab.gpuType == "T4"
    assert notebook.metadata.kernelspec.name == "python3"


def test_one_cell_holds_the_parameters(notebook):
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert bound_names(cell.source) >= {
        "PROFILE", "DATA_SOURCE", "NUM_CONVERSATIONS", "NUM_STEPS", "SEED", "DEVICE",
    }  # fmt: skip
    assert all(isinstance(node, ast.Assign) for node in tree_of(cell).body)


# Graded cells


def test_the_readmes_picture_is_the_solved_notebooks(solved):
    [cell] = [cell for cell in solved.cells if cell.id == "run-sessions"]
    [picture] = [output.data["image/png"] for output in cell.outputs if "data" in output]
    shown = (ROOT / "docs" / "images" / "correction-rate.png").read_bytes()
    assert base64.b64decode(picture) == shown
