"""What every assignment keeps, a draft too: its code, its cells, its points, its bank."""

import ast
import builtins
import functools
import re
from collections import Counter

import nbformat
import pytest
from nexa_grade.cell_names import bound_anywhere, bound_names, parse_without_magics
from nexa_grade.cells import is_written_by_students
from nexa_grade.execution.left_out_cells import EXPERIMENT, left_out, read_experiments
from nexa_grade.forgery.watch import WatchForForgery, shared_variables

from authoring.answer_bank import answered_cell, list_bank, run
from authoring.assignment import ASSIGNMENTS, DRAFTS
from authoring.graded_cells import (
    asked_name,
    function_todos,
    grade_info,
    is_function_cell,
    is_graded_by_machine,
    solution_cells,
    todo_number,
)
from authoring.sync import END, HIDDEN_TESTS, differences, points_table
from authoring.visible_lines import is_folded

EVERY = ASSIGNMENTS + DRAFTS
SEED = re.compile(r"(?:Random|default_rng|manual_seed|set_seed)\((\d+)\)")
UNLOCKED = {"setup-live-world"}  # it uses what students wrote, and runs like any other cell
WATCH = WatchForForgery(course_names=["nexa_helpers"])


@pytest.fixture(params=EVERY, ids=lambda assignment: assignment.name)
def assignment(request):
    return request.param


@functools.cache
def read_notebook(assignment):
    return nbformat.read(assignment.source_notebook, as_version=4)


@pytest.fixture
def notebook(assignment):
    return read_notebook(assignment)


parse_text = functools.cache(parse_without_magics)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def names_from_other_cells(cell) -> set[str]:
    """Names that a cell reads and binds nowhere itself."""
    tree = parse_text(cell.source)
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read - bound_anywhere(tree)


# One source of truth


def test_the_notebook_shows_the_package_letter_by_letter(assignment, notebook):
    assert differences(assignment, notebook) == ""


def test_the_file_is_written_as_nbformat_writes_it(assignment, notebook):
    assert assignment.source_notebook.read_text() == nbformat.writes(notebook) + "\n"


def test_the_instructors_guide_has_the_points_of_the_notebook(assignment, notebook):
    guide = (assignment.docs_folder / "instructor.md").read_text()
    assert points_table(notebook) in guide, "the guide is stale: run `make sync`"


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_the_solved_notebook_is_the_source_with_outputs(assignment, notebook):
    solved = nbformat.read(assignment.solved_notebook, as_version=4)
    assert [(c.id, c.cell_type, c.source, c.metadata) for c in solved.cells] == [
        (c.id, c.cell_type, c.source, c.metadata) for c in notebook.cells
    ]
    assert solved.metadata == notebook.metadata
    code = code_cells(solved)
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    for cell in code:
        streams = [output.name for output in cell.outputs if output.output_type == "stream"]
        assert len(streams) == len(set(streams)), f"{cell.id}: expected one output per stream"
    pictures = {
        cell.id for cell in code for output in cell.outputs if "image/png" in output.get("data", {})
    }
    assert pictures == {cell.id for cell in notebook.cells if "alt" in cell.metadata}


# Cells


def test_source_has_no_outputs_and_every_cell_an_id_of_its_own(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in code_cells(notebook):
        assert (cell.outputs, cell.execution_count) == ([], None), cell.id


def test_no_line_of_prose_begins_with_a_mark(notebook):
    """Markdown takes such a line for HTML, and ends the paragraph there."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^\s*<!-- (mean|range|runs): ", cell.source, re.MULTILINE), (
                cell.id
            )


def test_no_placeholder_is_left(notebook):
    for cell in notebook.cells:
        assert not re.search(r"\bTBD\b|\bFIXME\b|\bXXX\b|\| \? \|", cell.source), cell.id


def test_one_cell_holds_the_parameters(notebook):
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert bound_names(cell.source) >= {"PROFILE", "DEVICE", "READY_MADE"}
    assert all(isinstance(node, ast.Assign) for node in parse_text(cell.source).body)


def test_given_code_is_locked(notebook):
    for cell in code_cells(notebook):
        if cell.id.startswith(("given-", "setup-")) and cell.id not in UNLOCKED:
            assert grade_info(cell).get("locked"), f"{cell.id}: expected a locked cell"
            assert not grade_info(cell).get("solution")


def test_a_folded_cell_has_a_title_and_folds_everywhere(notebook):
    for cell in filter(is_folded, notebook.cells):
        assert cell.source.startswith("# @title "), cell.id
        assert cell.metadata.get("cellView") == "form", cell.id  # Colab
        assert "hide-input" in cell.metadata.get("tags", []), cell.id  # Jupyter Book


def test_open_code_fits_a_narrow_screen(notebook):
    wide = [
        f"{cell.id}: {line}"
        for cell in code_cells(notebook)
        if not is_folded(cell)
        for line in re.sub(r"### BEGIN .*?### END [A-Z ]+", "", cell.source, flags=re.S).split("\n")
        if len(line) > 88
    ]
    assert wide == []


def test_a_call_stands_between_each_stub_and_its_checks(notebook):
    """With the numbers of the text, or with the notebook's own data."""
    cells = notebook.cells
    for cell in filter(is_function_cell, solution_cells(notebook)):
        follower = cells[cells.index(cell) + 1]
        assert asked_name(cell) in follower.source, cell.id
        assert not is_graded_by_machine(follower), cell.id


def test_each_figure_has_a_description_in_text(notebook):
    """nbconvert shows it as the picture's alt text, on feedback pages too."""
    drawn = {cell.id for cell in notebook.cells if "plt.show()" in cell.source}
    described = {cell.id: cell.metadata.alt for cell in notebook.cells if "alt" in cell.metadata}
    assert set(described) == drawn
    assert all(len(text) > 60 for text in described.values())


# Graded cells


def test_no_cell_reads_a_name_that_a_graded_cell_binds(notebook):
    """Else a failure half-way through a graded cell could cost another cell its points."""
    code = code_cells(notebook)
    read = {cell.id: names_from_other_cells(cell) for cell in code}
    for graded in filter(is_graded_by_machine, code):
        bound = bound_names(graded.source)
        for cell in code:
            if cell is not graded:
                shared = bound & read[cell.id]
                assert not shared, f"{cell.id} reads {shared}, which {graded.id} binds"


def test_every_name_that_a_cell_reads_is_bound_in_some_cell(notebook):
    """Else given code fails where it is not run by any test, an import that was forgotten first."""
    code = code_cells(notebook)
    known = set(dir(builtins)) | {"In", "__name__"}
    known = known.union(*(bound_anywhere(parse_text(cell.source)) for cell in code))
    for cell in code:
        assert names_from_other_cells(cell) <= known, cell.id


def test_no_cell_takes_the_name_of_a_library_or_of_a_given_function(notebook):
    """Else a cell that runs later, or the self-check, meets something else under that name."""
    code = code_cells(notebook)
    given = [cell for cell in code if cell.id.startswith("given-") or cell.id == "setup-imports"]
    names = set().union(*(bound_names(cell.source) for cell in given))
    assert "torch" in names
    for cell in code:
        if cell not in given:
            assert not bound_names(cell.source) & names, cell.id


def test_every_assert_of_a_graded_cell_has_a_message(notebook):
    for cell in filter(is_graded_by_machine, notebook.cells):
        for node in ast.walk(parse_text(cell.source)):
            if isinstance(node, ast.Assert):
                assert node.msg is not None, f"{cell.id}: {ast.unparse(node)}"


def test_each_graded_cell_says_what_it_looks_at(notebook):
    for cell in filter(is_graded_by_machine, notebook.cells):
        assert cell.source.startswith(("# @title Check: ", "# @title Hidden check: ")), cell.id


def test_hidden_inputs_are_drawn_from_seeds_that_students_do_not_see(notebook):
    visible = HIDDEN_TESTS.sub("", "\n".join(cell.source for cell in notebook.cells))
    for cell in filter(is_graded_by_machine, notebook.cells):
        seeds = SEED.findall("\n".join(HIDDEN_TESTS.findall(cell.source)))
        shown = [seed for seed in seeds if len(seed) < 5 or seed in visible]
        assert not shown, f"{cell.id}: expected a seed of its own, got {shown}"


def test_half_of_the_machines_points_or_more_have_hidden_checks(notebook):
    points = Counter()
    for cell in filter(is_graded_by_machine, notebook.cells):
        points[bool(HIDDEN_TESTS.search(cell.source))] += grade_info(cell)["points"]
    assert points[True] >= points[False]


def test_all_experiments_are_left_out_of_a_submission(assignment, notebook):
    experiments = read_experiments(assignment.source_notebook)
    tagged = {
        place
        for place, cell in enumerate(notebook.cells)
        if EXPERIMENT in cell.metadata.get("tags", ())
    }
    assert len(tagged) == len(experiments) > 10
    assert left_out(notebook, experiments) == tagged


# The bank


def test_the_bank_is_large_enough(assignment, notebook):
    counts = Counter(
        (asked_name(answered_cell(notebook, answer)), answer.is_right)
        for answer in list_bank(assignment)
    )
    for cell in filter(is_function_cell, solution_cells(notebook)):
        assert counts[asked_name(cell), True] >= 4, asked_name(cell)
        assert counts[asked_name(cell), False] >= 8, asked_name(cell)


def test_no_honest_word_is_told_without_a_sandbox(assignment, notebook):
    written = [cell for cell in notebook.cells if is_written_by_students(cell)]
    assert len(written) > 10
    assert shared_variables(notebook) == set()
    texts = {"the notebook": "\n".join(cell.source for cell in written)}
    texts |= {answer.name: answer.path.read_text() for answer in list_bank(assignment)}
    told = {}
    for name, text in texts.items():
        cell = nbformat.from_dict({**written[0], "source": text})
        told[name] = WATCH.signs_in_texts(nbformat.v4.new_notebook(cells=[cell]))
    assert {name: signs for name, signs in told.items() if signs} == {}


def test_the_reference_answers_get_every_point(quick_graders, assignment):
    outcome = quick_graders(assignment).grade(None)
    assert len(outcome) == sum(map(is_graded_by_machine, read_notebook(assignment).cells))
    assert {name: said for name, said in outcome.items() if said} == {}


def test_a_blank_stub_gets_no_point(quick_graders, assignment):
    """Blanks stand in the place of all functions, as in the release."""
    grader = quick_graders(assignment)
    answered = dict(grader.namespace)
    blank = f"### BEGIN.*?{re.escape(END)}"
    try:
        for cell in filter(is_function_cell, solution_cells(grader.notebook)):
            stub = re.sub(blank, "raise NotImplementedError", cell.source, flags=re.DOTALL)
            run(stub, grader.namespace, cell.id)
        outcome = grader.grade(None)
    finally:
        grader.namespace.clear()
        grader.namespace.update(answered)
    todos = function_todos(grader.notebook)
    assert [name for name, said in outcome.items() if not said and todo_number(name) in todos] == []
