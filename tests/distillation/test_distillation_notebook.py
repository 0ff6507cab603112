"""The second notebook: its code is the package's, its points, and that the reference gets them."""

import nbformat
import pytest

from authoring.answer_bank import QuickGrader
from authoring.assignment import DISTILLATION
from authoring.graded_cells import points_by_todo
from authoring.sync import differences


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(DISTILLATION.source_notebook, as_version=4)


def test_it_shows_the_package_letter_by_letter(notebook):
    assert differences(DISTILLATION, notebook) == ""


def test_sixty_points_at_least_forty_five_by_machine(notebook):
    points = points_by_todo(notebook).values()
    assert sum(one.total for one in points) == 60
    assert sum(one.by_machine for one in points) >= 45


def test_the_reference_answers_get_every_point():
    assert {
        name: said for name, said in QuickGrader(DISTILLATION).grade(None).items() if said
    } == {}
