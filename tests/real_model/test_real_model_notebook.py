"""The notebook of the third assignment: what it asks for, its points."""

import nbformat
import pytest
from slow_imports import SLOW
from warm_kernels import forked_kernels

from authoring.assignment import REAL_MODEL
from authoring.execute import execute
from authoring.graded_cells import (
    asked_functions,
    points_by_todo,
    solution_cells,
)
from authoring.sync import END, points_table

FUNCTIONS = {
    "read_answer": 1, "encode_chat": 2, "chunked_log_probs": 3, "reference_log_probs": 4,
    "developer_reward": 5, "adapter_size": 6, "paired_comparison": 7, "plan_run": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(REAL_MODEL.source_notebook, as_version=4)


def test_it_asks_for_the_eight_functions_of_the_contract(notebook):
    assert asked_functions(notebook) == FUNCTIONS


def test_sixty_points_and_at_least_45_by_machine(notebook):
    points = points_by_todo(notebook).values()
    assert sum(todo.total for todo in points) == 60
    assert sum(todo.by_machine for todo in points) >= 45
    assert points_table(notebook) in REAL_MODEL.student_guide.read_text()


def test_the_solved_notebook_runs_with_the_tiny_model(tmp_path):
    """All that is trained and measured in it, at sizes that show only that it runs."""
    (tmp_path / "ready_made").symlink_to(REAL_MODEL.ready_made)
    parameters = {"PROFILE": "fast", "DEVICE": "cpu", **dict(REAL_MODEL.offline)}
    with forked_kernels(*SLOW):
        executed = execute(REAL_MODEL.source_notebook, tmp_path / "out.ipynb", parameters)
    code = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
    assert all(cell.execution_count for cell in code.values())
    said = "".join(output.get("text", "") for output in code["run-signals"].outputs)
    assert "ada, rewards alone" in said


def test_solutions_are_marked(notebook):
    for cell in solution_cells(notebook):
        assert cell.source.rstrip().endswith(END), cell.id
