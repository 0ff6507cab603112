"""Which cells of the course's own notebook are left out while it is graded."""

from nexa_grade.execution.left_out_cells import EXPERIMENT, left_out, read_experiments

from authoring.answer_bank import read_source
from authoring.assignment import NEXACODE


def test_all_experiments_of_the_course_are_left_out_of_the_solved_notebook():
    experiments = read_experiments(NEXACODE.source_notebook)
    notebook = read_source(NEXACODE)
    tagged = {
        place
        for place, cell in enumerate(notebook.cells)
        if EXPERIMENT in cell.metadata.get("tags", ())
    }
    assert len(tagged) == len(experiments) > 20
    assert left_out(notebook, experiments) == tagged
