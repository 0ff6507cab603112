"""The course's own notebook and its bank of answers, right and wrong, are told nothing of."""

import pytest
from nbformat import NotebookNode
from nexa_grade.cells import is_written_by_students
from nexa_grade.forgery.watch import WatchForForgery, shared_variables

from authoring.answer_bank import list_bank, read_source
from authoring.assignment import NEXACODE

WATCH = WatchForForgery(course_names=["nexa_helpers"])


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return read_source(NEXACODE)


def test_the_notebook_has_no_word_that_is_told_without_a_sandbox(notebook):
    assert len([cell for cell in notebook.cells if is_written_by_students(cell)]) > 30
    assert WATCH.signs_in_texts(notebook) == []
    assert shared_variables(notebook) == set()


def test_nor_has_an_answer_of_the_bank(notebook):
    answers = list_bank(NEXACODE)
    assert len(answers) > 300
    (cell,) = [cell for cell in notebook.cells if is_written_by_students(cell)][:1]
    found = {}
    for answer in answers:
        cell.source = answer.path.read_text()
        found[answer.name] = WATCH.signs_in_texts(notebook)
    assert {name: signs for name, signs in found.items() if signs} == {}
