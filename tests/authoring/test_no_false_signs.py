"""The course's own notebook and its bank of answers, right and wrong, have no sign of forgery."""

import pytest
from nbformat import NotebookNode
from nexa_grade.cell_names import reads_of_functions
from nexa_grade.cells import is_written_by_students
from nexa_grade.forgery.text_signs import signs_of_forgery
from nexa_grade.forgery.watch import shared_variables, variables_elsewhere, variables_of_tests

from authoring.answer_bank import list_bank, read_source
from authoring.assignment import NEXACODE

COURSE_NAMES = ["nexa_helpers"]


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return read_source(NEXACODE)


def test_the_released_notebook_and_its_solution_have_no_sign(notebook):
    written = [cell for cell in notebook.cells if is_written_by_students(cell)]
    assert len(written) > 30
    found = {
        cell.id: signs
        for cell in written
        if (signs := signs_of_forgery(cell.source, course_names=COURSE_NAMES))
    }
    unknown = variables_of_tests(notebook) - variables_elsewhere(notebook)
    read = {cell.id: reads_of_functions(cell.source) & unknown for cell in written}
    assert found == {}
    assert {name: variables for name, variables in read.items() if variables} == {}
    assert shared_variables(notebook) == set()


def test_no_answer_of_the_bank_has_a_sign(notebook):
    unknown = variables_of_tests(notebook) - variables_elsewhere(notebook)
    texts = {answer.name: answer.path.read_text() for answer in list_bank(NEXACODE)}
    assert len(texts) > 300
    found = {
        name: signs
        for name, text in texts.items()
        if (signs := signs_of_forgery(text, course_names=COURSE_NAMES))
    }
    read = {name: reads_of_functions(text) & unknown for name, text in texts.items()}
    assert found == {}
    assert {name: variables for name, variables in read.items() if variables} == {}
