"""The notebook of the second assignment: what it asks for, its points."""

import nbformat
import pytest

from authoring.assignment import DISTILLATION
from authoring.graded_cells import asked_functions, points_by_todo

FUNCTIONS = {
    "informative_share": 1, "select_hint": 2, "hinted_context": 3, "distillation_advantages": 4,
    "distillation_loss": 5, "exact_reverse_kl": 6, "combined_advantages": 7,
    "sessions_until_stable": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(DISTILLATION.source_notebook, as_version=4)


def test_it_asks_for_the_eight_functions_of_the_contract(notebook):
    assert asked_functions(notebook) == FUNCTIONS


def test_sixty_points_at_least_forty_five_by_machine(notebook):
    points = points_by_todo(notebook).values()
    assert sum(one.total for one in points) == 60
    assert sum(one.by_machine for one in points) >= 45
