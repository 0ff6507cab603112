"""The grader report: the matrix made of verdicts on answers.

nbgrader itself gives them in test_second_assignment, and for this course in test_nbgrader_cli.
"""

from authoring.answer_bank import list_bank
from authoring.assignment import NEXACODE
from authoring.grader_report import (
    Verdict,
    class_of,
    fit_in_cell,
    table_of,
    write_report,
)

BY_NAME = {answer.name: answer for answer in list_bank(NEXACODE)}
RIGHT, WRONG = BY_NAME["todo3 right stack_of_passes"], BY_NAME["todo3 wrong tie_goes_to_first"]
OTHER = BY_NAME["todo1 wrong parse_seed_hint_split_at_blank_lines"]


def test_a_student_has_one_answer_a_todo_at_most():
    rows = class_of([RIGHT, WRONG, OTHER])
    assert rows == [[RIGHT, OTHER], [WRONG]]
    assert class_of([]) == []


def test_the_matrix_counts_what_was_caught_accepted_and_lost_elsewhere():
    right = Verdict(RIGHT, "majority_vote", {"todo3-test-ties": (1.0, 1.0, "")}, ("todo4-x",), True)
    wrong = Verdict(WRONG, "majority_vote", {"todo3-test-ties": (0.0, 1.0, "expected 0")}, (), True)
    assert table_of([right, wrong])[2:] == [
        "| 3 | `majority_vote` | 1 of 1 | 1 of 1 | 1 of 2 |",
        "|  | **all** | 1 of 1 | 1 of 1 | 1 of 2 |",
    ]
    assert [right.as_deserved, wrong.as_deserved] == [False, True]
    text = write_report(NEXACODE, [right, wrong])
    assert "| 3: tie_goes_to_first | 1 | `todo3-test-ties`: expected 0 |" in text


def test_a_submission_that_was_not_graded_is_not_accepted():
    verdict = Verdict(RIGHT, "majority_vote", {}, (), True)
    assert table_of([verdict])[2] == "| 3 | `majority_vote` | 0 of 0 | 0 of 1 | 0 of 1 |"
    assert not verdict.as_deserved


def test_a_message_fits_into_a_table_cell():
    assert fit_in_cell("a|b\n<c>") == "a\\|b &lt;c>"
    assert len(fit_in_cell("x" * 500)) == 220
