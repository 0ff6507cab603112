"""Hidden checks: inputs have seeds that students do not see; what is said of the points holds."""

import re

from authoring.answer_bank import read_source
from authoring.assignment import NEXACODE, ROOT
from authoring.graded_cells import grade_info, is_graded_by_machine

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.S)
SEED = re.compile(r"(?:Random|default_rng|manual_seed|set_seed)\((\d+)\)")


def graded_cells():
    return [cell for cell in read_source(NEXACODE).cells if is_graded_by_machine(cell)]


def test_hidden_inputs_are_drawn_from_a_seed_that_students_do_not_see():
    visible = HIDDEN.sub("", "\n".join(cell.source for cell in read_source(NEXACODE).cells))
    for cell in graded_cells():
        hidden = "\n".join(HIDDEN.findall(cell.source))
        seeds = SEED.findall(hidden)
        assert seeds or not hidden, f"{cell.id}: expected drawn inputs"
        shown = [seed for seed in seeds if len(seed) < 5 or seed in visible]
        assert not shown, f"{cell.id}: expected a seed of its own, got {shown}"


def test_the_sentence_about_hidden_checks_is_what_the_notebook_has():
    points = {cell.id: grade_info(cell)["points"] for cell in graded_cells()}
    hidden = sum(points[cell.id] for cell in graded_cells() if HIDDEN.search(cell.source))
    said = f"Of the {sum(points.values()):g} points that a machine gives, {hidden:g} are in cells"
    guide = (ROOT / "docs" / "student.md").read_text()
    notebook = "\n".join(cell.source for cell in read_source(NEXACODE).cells)
    for text in (guide, notebook):
        assert said in " ".join(text.split())
