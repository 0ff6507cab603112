"""Mutants: each operator makes its mistake, what survives is told, the list of exceptions holds."""

import json

import nbformat
import pytest
from second_assignment import make_assignment

from authoring import mutants
from authoring.answer_bank import QuickGrader
from authoring.mutation_operators import make_mutants
from authoring.sync import sync

TOY = '''
@cached
def toy(values: list[int], size=3):
    """Say what 1 + 1 is."""
    kept: list[int] = []
    for i, value in enumerate(values):
        if value < 0 and size:
            break
        kept.append(max(value, 2))
    with quiet():
        if not kept:
            raise ValueError("expected 1 value")
    draw(kept[1:size], color="red", label="a", width=1.0)
    return sum(kept, start=0)
'''
CHANGES = [
    ("if value < 0 and size:", "if value <= 0 and size:"),
    ("if value < 0 and size:", "if value < 1 and size:"),
    ("if value < 0 and size:", "if value < 0 or size:"),
    ("if value < 0 and size:", "if size:"),
    ("if value < 0 and size:", "if not (value < 0 and size):"),
    ("break", "continue"),
    ("kept.append(max(value, 2))", "pass"),
    ("kept.append(max(value, 2))", "kept.append(min(value, 2))"),
    ("kept.append(max(value, 2))", "kept.append(max(value, 0))"),
    ("kept.append(max(value, 2))", "kept.append(value)"),
    ("for i, value in enumerate(values):", "for i, value in list(enumerate(values))[1:]:"),
    ("with quiet():", "if True:"),
    ("raise ValueError('expected 1 value')", "pass"),
    (
        "draw(kept[1:size], color='red', label='a', width=1.0)",
        "draw(kept[2:size], color='red', label='a', width=1.0)",
    ),
    (
        "draw(kept[1:size], color='red', label='a', width=1.0)",
        "draw(kept[1:], color='red', label='a', width=1.0)",
    ),
    (
        "draw(kept[1:size], color='red', label='a', width=1.0)",
        "draw(kept[1:size], color='red', label='a')",
    ),
    ("return sum(kept, start=0)", "return None"),
    ("@cached", ""),
]


@pytest.mark.parametrize("change", CHANGES, ids=" -> ".join)
def test_an_operator_makes_its_mistake(change):
    made = [mutant.key[1:] for mutant in make_mutants(TOY, "toy")]
    assert made.count(change) == 1


def test_docstrings_annotations_errors_words_and_looks_stay():
    for mutant in make_mutants(TOY, "toy"):
        code = mutant.code
        assert "Say what 1 + 1 is." in code
        assert "toy(values: list[int], size=3)" in code
        assert "expected 1 value" in code or "raise" not in code
        assert "color='red', label='a'" in code or "draw" not in code


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="expected a definition"):
        make_mutants("x = 1", "toy")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Make the tiny assignment; the check of `double` sees half of its mistakes."""
    made = make_assignment(tmp_path_factory.mktemp("mutants"))
    sync(made)
    notebook = nbformat.read(made.source_notebook, as_version=4)
    for cell in notebook.cells:
        if cell.id == "todo1-test-double":
            cell.source = "assert abs(double(1)) == 2\nassert double(0) == 0"
    nbformat.write(notebook, made.source_notebook)
    return made


@pytest.fixture(scope="module")
def grader(course):
    return QuickGrader(course)


def tally_of(grader, name, equivalents):
    (cell,) = [cell for cell in grader.notebook.cells if cell.id == name]
    return mutants.try_function(grader, cell, equivalents)


def test_survivors_are_told_and_the_list_of_equivalent_ones_is_held_against_them(grader):
    negated = ("double", "two_times = x * 2", "two_times = x * -2")
    tally = tally_of(grader, "todo1-double", {})
    assert [mutant.key for mutant in tally.survivors] == [negated]
    assert tally.score == tally.killed / (tally.killed + 1) < 1
    told = mutants.describe(tally).splitlines()
    assert told[1:] == ["    - two_times = x * 2", "    + two_times = x * -2    (replace_constant)"]

    killed = ("double", "two_times = x * 2", "two_times = x * 3")
    gone = ("double", "two_times = 2 * x", "two_times = x")
    tally = tally_of(grader, "todo1-double", dict.fromkeys([negated, killed, gone], "no reason"))
    assert (tally.survivors, tally.equivalent, tally.score) == ([], 1, 1.0)
    assert [error.split(": (")[0] for error in tally.errors] == [
        "listed as equivalent, but killed",
        "listed, but not made any more",
    ]


def test_a_method_is_mutated_and_one_that_hangs_is_killed(grader, monkeypatch):
    tally = tally_of(grader, "todo12-price", {})
    assert tally.survivors == []
    assert tally.killed > 3
    hangs = mutants.Mutant("double", "", "", "", "def double(x):\n    while True:\n        pass\n")
    monkeypatch.setattr(mutants, "SECONDS_A_MUTANT", 0.2)
    (cell,) = [cell for cell in grader.notebook.cells if cell.id == "todo1-double"]
    monkeypatch.setattr(mutants, "make_mutants", lambda code, function: [hangs])
    assert mutants.try_function(grader, cell, {}).killed == 1


def test_the_report_says_which_figures_are_out_of_date(course, grader):
    assert mutants.mutation_table(course) == []
    tallies = [tally_of(grader, name, {}) for name in ("todo1-double", "todo12-price")]
    mutants.write_results(course, tallies)
    mutants.write_results(course, tallies[:1])  # the other one stays
    double, price, both = mutants.mutation_table(course)[2:]
    assert double.startswith("| 1 | `double` |")
    assert "| 100.0% |" in price
    assert "out of date" not in double + price + both
    rows = json.loads(mutants.results_file(course).read_text())
    rows[1]["fingerprint"] = "that of another check"
    mutants.results_file(course).write_text(json.dumps(rows))
    assert "out of date" in mutants.mutation_table(course)[3]


def test_an_exception_without_a_reason_is_refused(tmp_path):
    path = tmp_path / "equivalent_mutants.toml"
    assert mutants.read_equivalents(path) == {}
    path.write_text("[[toy]]\nline = 'a'\nbecomes = 'b'\nreason = 'c'\n")
    assert mutants.read_equivalents(path) == {("toy", "a", "b"): "c"}
    path.write_text("[[toy]]\nline = 'a'\nbecomes = 'b'\n")
    with pytest.raises(ValueError, match="expected a reason"):
        mutants.read_equivalents(path)
