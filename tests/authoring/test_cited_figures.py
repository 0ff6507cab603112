"""Figures of the result files reach the prose and the table of ranges, and nothing else does."""

import json
import math
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from scipy import stats

from authoring.assignment import NEXACODE
from authoring.cited_figures import (
    Cited,
    expected_table,
    range_of,
    read_cited,
    read_compared,
    refresh_marks,
    short,
    without_marks,
    write_marks,
)
from nexa_helpers.given import expected_ranges
from nexa_helpers.given.expected_ranges import EXPECTED, compare_with_expected

CITED = Cited({"a": [0.5, 0.6], "n": [3, 5]}, {"gain": (0.314, 0.2, 1.0), "loss": (-0.12, -0.2, 0)})


def test_the_range_of_three_runs_is_the_prediction_interval_by_hand():
    # mean .5, sd .1: .5 +- 4.303 * .1 * sqrt(4 / 3) = .0031 to .9969
    reach = stats.t.ppf(0.975, 2) * 0.1 * math.sqrt(4 / 3)
    assert reach == pytest.approx(0.4968, abs=1e-4)
    assert range_of([0.4, 0.5, 0.6]) == (0.0, 1.0)  # rounded outwards
    assert range_of([0.49, 0.5, 0.51]) == (0.45, 0.55)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.06, 0.14], (0.06, 0.14)),  # of two runs: what they span
        ([1.0] * 8, (0.99, 1.0)),  # equal runs do not promise the next
        ([0.0] * 8, (0.0, 0.01)),
        ([4, 9], (4, 9)),
        ([0, 0, 0], (0, 1)),
        ([-0.1, 0.1], (-0.1, 0.1)),
    ],
)
def test_a_range_holds_every_run_and_keeps_to_what_is_possible(values, expected):
    assert range_of(values) == expected
    assert all(isinstance(end, type(values[0])) for end in range_of(values))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.065, ".07"),
        (1.0, "1.00"),
        (-0.12, "-.12"),
        (-0.004, ".00"),
        (7, "7"),
        (152.6, "153"),
        (-10.2, "-10"),
    ],
)
def test_numbers_are_written_as_the_prose_has_them(number, text):
    assert short(number) == text


def test_what_stands_between_marks_is_written_and_the_rest_is_left():
    text = (
        "From <!-- range: a -->old<!-- end -->, <!-- mean: gain --><!-- end -->,"
        " <!-- range: n -->x<!-- end --> in <!-- runs: a -->?<!-- end --> runs."
    )
    new = write_marks(text, CITED)
    assert new == (
        "From <!-- range: a -->.50 to .60<!-- end -->, <!-- mean: gain -->.31 [.20, 1.00]<!-- end"
        " -->, <!-- range: n -->3 to 5<!-- end --> in <!-- runs: a -->2<!-- end --> runs."
    )
    assert write_marks(new, CITED) == new
    assert without_marks(new) == "From , ,  in  runs."


def test_a_mark_that_no_result_file_fills_is_an_error():
    with pytest.raises(KeyError, match="range 'b': expected it in a result file"):
        write_marks("<!-- range: b --><!-- end -->", CITED)


def test_only_markdown_cells_are_refreshed():
    text = "<!-- range: a --><!-- end -->"
    notebook = new_notebook(cells=[new_markdown_cell(text), new_code_cell(text)])
    assert [refresh_marks(notebook, CITED) for _ in range(2)] == [1, 0]
    assert notebook.cells[1].source == text


def test_a_name_that_two_files_give_is_an_error(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"ranges": {"a": [1, 2]}}))
    with pytest.raises(ValueError, match=r"two\.json: expected new names in ranges, got \['a'\]"):
        read_cited(tmp_path)


def test_the_table_in_the_package_and_the_prose_are_those_of_the_result_files():
    cited = read_cited(NEXACODE.figures_folder)
    code = (NEXACODE.package_folder / f"{NEXACODE.expected}.py").read_text()
    assert expected_table(cited) in code, "the table is stale: run `make sync`"
    assert {name: range_of(values) for name, values in cited.runs.items()} == EXPECTED
    notebook = nbformat.read(NEXACODE.source_notebook, as_version=4)
    assert refresh_marks(notebook, cited) == 0, "the prose is stale: run `make sync`"


@pytest.fixture
def ranges(monkeypatch):
    monkeypatch.setattr(expected_ranges, "EXPECTED", {"share": (0.06, 0.14), "count": (3, 5)})


@pytest.mark.parametrize(
    ("name", "value", "profile", "verdict", "says"),
    [
        ("share", 0.06, "full", "inside", "share: 0.060, inside 0.06 to 0.14"),
        ("share", 0.2, "full", "outside", "share: 0.200, outside 0.06 to 0.14: "),
        ("count", 3, "full", "inside", "count: 3, inside 3 to 5"),
        ("share", 0.0, "fast", "other profile", "share: 0.000 (the range 0.06 to 0.14 is that"),
        ("new", 0.5, "full", "no range", "new: 0.500, no range was measured"),
    ],
)
def test_a_number_is_told_where_it_falls_and_is_read_back(
    ranges, capsys, name, value, profile, verdict, says
):
    assert compare_with_expected(name, value, profile) == verdict
    printed = capsys.readouterr().out
    assert printed.startswith(says)
    output = new_output("stream", name="stdout", text=f"Other: 1.0\n{printed}")
    notebook = new_notebook(cells=[new_code_cell("", outputs=[output])])
    found = read_compared(notebook)
    assert found == {name: value}
    assert isinstance(found[name], type(value))


# Decimals that no run changes: chance, settings, sections, and the power of one fixed data set.
FIXED_DECIMALS = {
    ".5", ".9", "0.7", ".64", ".28", ".2", "4.3", "6.2",
}  # fmt: skip
TELLS_RESULTS = re.compile(r"text-(.+-results|confusion|live-errors|ablation)|todo\d-[a-z-]+")


def test_prose_about_results_cites_no_figure_of_a_single_run():
    """Each decimal stands between marks, which `make sync` fills, or is no result."""
    notebook = nbformat.read(NEXACODE.source_notebook, as_version=4)
    read = 0
    for cell in notebook.cells:
        is_answer = cell.metadata.get("nbgrader", {}).get("solution", False)
        is_told = TELLS_RESULTS.fullmatch(cell.id) and (is_answer or cell.id.startswith("text-"))
        if cell.cell_type == "markdown" and is_told:
            read += 1
            decimals = re.findall(r"(?<![\w.])\d*\.\d+", without_marks(cell.source))
            assert set(decimals) <= FIXED_DECIMALS, cell.id
    assert read > 10


def test_the_solved_notebook_compares_each_number_and_most_fall_inside():
    """A prediction interval of 95 % leaves one number in twenty outside."""
    solved = nbformat.read(NEXACODE.solved_notebook, as_version=4)
    compared = read_compared(solved)
    assert set(compared) == set(EXPECTED)
    inside = [EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in compared.items()]
    assert sum(inside) >= 0.9 * len(inside)
