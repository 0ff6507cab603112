"""The notebook of the third assignment: what it asks for, its points."""

import nbformat
import pytest

from authoring.assignment import REAL_MODEL
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


def test_solutions_are_marked(notebook):
    for cell in solution_cells(notebook):
        assert cell.source.rstrip().endswith(END), cell.id
