"""The author's tools work on an assignment that is not the first one, and show nothing of that."""

import re
import zipfile

import pytest
from second_assignment import HIDDEN, MODEL_ANSWER, make_assignment

from authoring import make_course, write_ready_made
from authoring.answer_bank import QuickGrader, is_as_expected, list_bank, read_source
from authoring.assignment import ASSIGNMENTS, NEXACODE, find_assignment
from authoring.changed_answers import choose_answers
from authoring.grader_report import judge, write_report
from authoring.nbgrader_commands import prepare_course
from authoring.student_bundle import write_bundle
from authoring.sync import sync


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    """Make the assignment, sync it, and put what nbgrader releases into its ``release/``."""
    made = make_assignment(tmp_path_factory.mktemp("second"))
    sync(made)
    prepare_course(made, made.course)
    make_course.publish_release(made)
    return made


def cell_of(assignment, name):
    (cell,) = [cell for cell in read_source(assignment).cells if cell.id == name]
    return cell.source


def test_sync_writes_the_assignments_own_code(assignment):
    solution = (
        "### BEGIN SOLUTION\n    two_times = x * 2\n    return two_times\n    ### END SOLUTION"
    )
    assert solution in cell_of(assignment, "todo1-double")
    assert "three_each = pieces * 3" in cell_of(assignment, "todo12-price")


def test_the_self_check_is_derived_from_grade_ids(assignment):
    namespace = {}
    exec(cell_of(assignment, "given-self-check"), namespace)
    assert list(namespace["SELF_CHECKS"].values()) == ["todo1-test-double", "todo12-test-price"]
    assert namespace["SELF_CHECK_ANSWERS"] == {"double": 1, "Shop.price": 12}


def test_the_guide_gets_the_points(assignment):
    rows = assignment.student_guide.read_text().split("\n<!--")[1].splitlines()[3:]
    assert rows == ["| 1 `double` | 2 | 2 | |", "| 12 `price` | 6 | 1 | 5 (`essay`) |"]


def test_a_second_sync_changes_nothing(assignment):
    files = assignment.source_notebook, assignment.student_guide
    before = [path.read_bytes() for path in files]
    sync(assignment)
    assert [path.read_bytes() for path in files] == before


def test_each_answer_of_its_bank_gets_what_it_deserves(assignment):
    grader = QuickGrader(assignment)
    answers = list_bank(assignment)
    assert [answer.name for answer in answers] == [
        *("todo1 right add_twice", "todo1 wrong positive_only"),
        *("todo12 right add", "todo12 wrong one_free"),
    ]
    for answer in answers:
        lost = {name: said for name, said in grader.grade(answer).items() if said}
        assert is_as_expected(answer, lost), (answer.name, lost)
    assert choose_answers(assignment, "all") == choose_answers(assignment) == answers


def test_its_bundle_contains_no_answer(assignment, tmp_path):
    path = write_bundle(assignment, tmp_path)
    assert path.name.startswith("numbers-student-")
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == {
            f"numbers/{name}" for name in ("numbers.ipynb", "README.md", "LICENSE")
        }
        text = archive.read("numbers/numbers.ipynb").decode()
    assert "This part is yours" in text
    assert not [line for line in (HIDDEN, MODEL_ANSWER, "two_times = x * 2") if line in text]


@pytest.mark.parametrize("hidden", [HIDDEN, MODEL_ANSWER])
def test_an_answer_in_its_release_is_found(assignment, tmp_path, hidden):
    leaked = assignment.release / "notes.txt"
    leaked.write_text(f"psst: {hidden}\n")
    try:
        with pytest.raises(ValueError, match=re.escape(f"numbers/notes.txt: {hidden}"[:30])):
            write_bundle(assignment, tmp_path)
    finally:
        leaked.unlink()


def test_nbgrader_grades_its_reference_and_its_bank(assignment, tmp_path):
    scores = make_course.grade_reference(assignment)
    assert scores == {"todo1-test-double": (2, 2), "todo12-test-price": (1, 1)}
    make_course.check_scores(assignment, scores)
    verdicts = judge(assignment, list_bank(assignment), tmp_path / "courses", workers=2)
    assert all(verdict.as_deserved for verdict in verdicts), verdicts
    assert [verdict.lost for verdict in verdicts] == [0, 2, 0, 1]
    assert {(verdict.agrees, verdict.elsewhere) for verdict in verdicts} == {(True, ())}
    assert "double(-41): expected -82, got 82" in verdicts[1].first_message
    assert "| 12 | `price` | 1 of 1 | 1 of 1 | 0 of 2 |" in write_report(assignment, verdicts)


def test_its_ready_made_results_are_those_of_its_own_module(assignment, tmp_path, monkeypatch):
    import dataclasses

    (tmp_path / "numbers_results.py").write_text(
        "from pathlib import Path\nPINS = Path(__file__).with_name('pins.py')\n"
        "def collect(notebook, seed):\n    return {}, {'sums.json': [notebook['x'], seed]}\n"
    )
    (tmp_path / "pins.py").write_text('FILES = {\n    "sums.json": "",\n}\n')
    monkeypatch.syspath_prepend(tmp_path)
    other = dataclasses.replace(assignment, results="numbers_results", root=tmp_path)
    write_ready_made.save(other, {"x": 3})
    write_ready_made.pin(other)
    assert (other.ready_made / "sums.json").read_text() == "[3, 7]"
    assert re.search(r'"sums.json": "[0-9a-f]{64}"', (tmp_path / "pins.py").read_text())


def test_nothing_of_the_first_assignment_is_in_its_files(assignment):
    files = [path for path in assignment.root.rglob("*") if path.is_file()]
    assert not [path for path in files if NEXACODE.name in path.relative_to(assignment.root).parts]
    own = [path for path in files if path.suffix in (".ipynb", ".md")]
    assert own
    for path in own:
        assert NEXACODE.name not in path.read_text().lower(), path


def test_an_unknown_name_is_an_error_that_names_the_known_ones():
    assert find_assignment(NEXACODE.name) is NEXACODE
    assert NEXACODE in ASSIGNMENTS
    with pytest.raises(ValueError, match=f"expected one of {NEXACODE.name}.*got 'numbers'"):
        find_assignment("numbers")
