"""Submissions that warn, lie, flood, hang and are no notebooks, graded in one run."""

from types import SimpleNamespace

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade
from nexa_grade.execution.bounded_execute import BoundedExecute, shorten_error
from nexa_grade.execution.grade_by_errors import GradeByErrors
from tiny_course import FULL, TinyCourse, cell_of

NO_ADD = FULL | {"add-test": 0.0, "limit-test": 0.0}
NO_SCORE = dict.fromkeys(FULL)
ADD = "def add(a, b):\n"
SHOW = "    import sys\n    sys.displayhook({})\n"

# What a student's `add` does, the scores that it deserves, and whether nbgrader gets it wrong.
ANSWERS = {
    "right": (ADD + "    return a + b", FULL, False),
    "warns": (ADD + "    import warnings\n    warnings.warn('old')\n    return a + b", FULL, True),
    "prints_to_stderr": (
        ADD + "    import sys\n    print('!', file=sys.stderr)\n    return a + b",
        FULL,
        True,
    ),
    "shows_a_score_then_fails": (ADD + SHOW.format(2.0) + "    return 0", NO_ADD, True),
    "shows_a_low_score": (ADD + SHOW.format(0.5) + "    return a + b", FULL, True),
    "shows_more_than_the_maximum": (ADD + SHOW.format(999) + "    return a + b", FULL, True),
    "hides_its_error_from_the_screen": (
        "from IPython.display import clear_output\n"
        + ADD
        + "    return 0\n"
        + "get_ipython().showtraceback = lambda *a, **k: clear_output()",
        NO_ADD,
        False,
    ),
    "raises_an_endless_message": (ADD + "    raise ValueError('x' * 5_000_000)", NO_ADD, False),
    "prints_one_endless_line": (ADD + "    print('x' * 5_000_000)\n    return a + b", FULL, False),
    "prints_endless_lines": (ADD + "    print('x\\n' * 3_000_000)\n    return a + b", FULL, False),
    "shows_endlessly": (
        ADD + "    for _ in range(50):\n        display('x' * 100_000)\n    return a + b",
        FULL,
        False,
    ),
    "dies": (ADD + "    import os\n    os._exit(1)", NO_ADD, True),
}
FILES = {
    "empty": b"",
    "binary": bytes(range(256)),
    "not_json": b"{'nbformat': 4}",
    "other_json": b'["a"]',
    "unknown_format": b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "sheets": []}',
    "deep": b'{"cells": ' + b"[" * 100_000,
    "large": b" " * 3_000_000,
}
LOOPS = {
    "loops": (
        ADD + "    while a == 1: pass\n    return a + b",
        {"add-test": 0.0, "limit-test": 1.0, "double-test": 3.0},
    ),
    "loops_and_cannot_be_stopped": (
        """
n = 0
while True:
    try:
        while n >= 0: n += 1
    except BaseException: pass
""",
        NO_ADD,
    ),
    "waits_behind_them": (ADD + "    return a + b", FULL),
}
CONFIG = """
from nexa_grade.settings import harden
harden(c)
c.SubmissionExporter.max_bytes = 2_000_000
"""


SHORT_TIME = """
seconds = {"except BaseException": 2, "assert add(1, 2)": 6}  # a cell that runs has begun by then
c.Execute.timeout_func = lambda cell: min(
    (seconds[text] for text in seconds if text in cell.source), default=60
)
c.Execute.iopub_timeout = 15
c.ResumedExecute.stop_seconds = 2
"""


def make_class(course: TinyCourse) -> None:
    for name, (answer, _, _) in ANSWERS.items():
        course.submit(name, course.solved(add=answer))
    for name, data in FILES.items():
        course.submit(name, data)
    course.submitted("folder").mkdir(parents=True)
    course.submit("zz_last", course.solved())


@pytest.fixture(scope="module")
def hardened(tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp("hardened"), CONFIG, forks_kernels=True)
    make_class(course)
    return SimpleNamespace(course=course, done=course.autograde())


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp("stock"), config="", forks_kernels=True)
    wrong = [name for name, (*_, stock_is_wrong) in ANSWERS.items() if stock_is_wrong]
    for name in wrong:
        course.submit(name, course.solved(add=ANSWERS[name][0]))
    course.autograde_one_by_one(wrong)
    return course


@pytest.fixture(scope="module")
def loops(tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp("loops"), CONFIG + SHORT_TIME, forks_kernels=True)
    for name, (answer, _) in LOOPS.items():
        course.submit(name, course.solved(add=answer))
    return SimpleNamespace(course=course, done=course.autograde())


@pytest.mark.parametrize("name", LOOPS)
def test_an_endless_loop_costs_what_it_must(loops, name):
    expected = LOOPS[name][1]
    assert loops.course.scores(name) | expected == loops.course.scores(name)
    assert f"student {name}, notebook tiny: " not in loops.done.stderr
    said = f"student {name}, notebook tiny, cell add: the cell did not end within its time limit"
    assert (said.replace("cell add: ", "cell add: `") in loops.done.stderr) == (expected == NO_ADD)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_gets_the_scores_it_deserves(hardened, name):
    assert hardened.course.scores(name) == ANSWERS[name][1]


@pytest.mark.parametrize("name", [name for name, (*_, wrong) in ANSWERS.items() if wrong])
def test_nbgrader_as_delivered_gets_it_wrong(stock, name):
    assert stock.scores(name) != ANSWERS[name][1]


@pytest.mark.parametrize("name", [*FILES, "folder"])
def test_what_cannot_be_graded_has_no_score_and_is_said(hardened, name):
    assert hardened.course.scores(name) == NO_SCORE
    assert set(hardened.course.ungraded(name)) == {"add-test", "limit-test", "double-test"}
    assert f"Not graded, no score: student {name}, " in hardened.done.stderr
    assert not hardened.course.autograded(name).exists()


def test_the_others_are_graded_and_the_exit_status_tells(hardened):
    assert hardened.course.scores("zz_last") == FULL
    assert hardened.course.ungraded("zz_last") == []
    assert hardened.done.returncode == 1
    assert "error processing assignment 'tiny' for student 'empty'" in hardened.done.stderr
    assert "for student 'right'" not in hardened.done.stderr


@pytest.mark.parametrize(
    "name", ["prints_one_endless_line", "prints_endless_lines", "shows_endlessly"]
)
def test_a_flood_is_cut_and_said(hardened, name):
    path = hardened.course.autograded(name)
    assert path.stat().st_size < 3_000_000
    assert "Too much output" in path.read_text()


def test_an_endless_message_is_cut_and_stays_an_error(hardened):
    path = hardened.course.autograded("raises_an_endless_message")
    assert path.stat().st_size < 200_000
    test = cell_of(hardened.course.graded("raises_an_endless_message"), "add-test")
    assert [output.output_type for output in test.outputs] == ["error"]


def test_the_end_of_the_interpreter_costs_its_cells_and_is_said(hardened):
    test = cell_of(hardened.course.graded("dies"), "add-test")
    assert "exit status 1" in test.outputs[-1].evalue
    assert "student dies, notebook tiny, cell add-test: `the interpreter" in hardened.done.stderr


def test_a_warning_is_still_shown(hardened):
    test = cell_of(hardened.course.graded("warns"), "add-test")
    assert "costs no points" in test.outputs[0].text
    assert "UserWarning: old" in test.outputs[0].text


AGAIN = {"unreadable": NO_SCORE, "no_notebook": NO_SCORE} | dict.fromkeys(
    ("renamed", "without_test"), NO_ADD
)


@pytest.fixture(scope="module")
def graded_twice(tmp_path_factory):
    """Grade right answers, then what the same students hand in a day later."""
    course = TinyCourse(tmp_path_factory.mktemp("again"), forks_kernels=True)
    for day in (1, 2):
        for name in AGAIN:
            course.submit(name, course.solved())
            time = course.submitted(name).with_name("timestamp.txt")
            time.write_text(f"2026-01-0{day} 00:00:00 UTC")
        if day == 1:
            done = course.autograde()
            first = {name: course.scores(name) for name in AGAIN}
    course.submit("unreadable", b"{")
    course.submitted("no_notebook").rename(course.submitted("no_notebook").with_name("a.txt"))
    notebook = course.solved(add="def add(a, b):\n    return 0")
    course.submit("renamed", notebook)
    course.submitted("renamed").rename(course.submitted("renamed").with_stem("tiny (1)"))
    notebook.cells.remove(cell_of(notebook, "add-test"))
    course.submit("without_test", notebook)
    course.autograde()
    return SimpleNamespace(course=course, done=done, first=first)


@pytest.mark.parametrize("name", AGAIN)
def test_a_new_submission_does_not_keep_an_old_score(graded_twice, name):
    assert graded_twice.done.returncode == 0
    assert graded_twice.first[name] == FULL
    assert graded_twice.course.scores(name) == AGAIN[name]


# The parts, without a kernel


def message(kind: str, **content) -> dict:
    return {"msg_type": kind, "content": content, "header": {"msg_type": kind}, "parent_header": {}}


def stream(text: str) -> dict:
    return message("stream", name="stdout", text=text)


@pytest.fixture
def execute():
    """Make a BoundedExecute in the middle of a cell, with messages and no kernel."""

    def make(**limits):
        execute = BoundedExecute(**limits)
        execute.record_timing = False
        execute.clear_before_next_output = False
        execute.notebook_bytes = 0
        execute.on_cell_execute(cell=None, cell_index=0)
        return execute

    return make


def test_output_is_kept_up_to_the_limit_and_no_further(execute):
    bounded, cell = execute(max_cell_bytes=1000), new_code_cell()
    for _ in range(100):
        bounded.process_message(stream("x" * 90), cell, 0)
    bounded.process_message(
        message("display_data", data={"text/plain": "y" * 900}, metadata={}), cell, 0
    )
    kept = "".join(output.get("text", "") for output in cell.outputs)
    assert 600 < len(kept) <= 1000
    assert {output.output_type for output in cell.outputs} == {"stream"}


def test_the_limit_counts_anew_for_each_cell_and_once_for_the_notebook(execute):
    bounded = execute(max_cell_bytes=1000, max_notebook_bytes=1500)
    kept = []
    for _ in range(3):
        cell = new_code_cell()
        bounded.on_cell_execute(cell=cell, cell_index=0)
        bounded.process_message(stream("x" * 5000), cell, 0)
        kept.append(sum(len(output.text) for output in cell.outputs))
    assert kept == [1000, 500, 0]


def test_an_error_is_recorded_where_no_room_is_left(execute):
    bounded, cell = execute(max_cell_bytes=0), new_code_cell()
    error = {"ename": "E", "evalue": "v" * 100_000, "traceback": ["t" * 100_000] * 1000}
    bounded.process_message(message("error", **error), cell, 0)
    assert cell.outputs == []
    reply = {"content": {"status": "error", **error}}
    bounded.on_cell_executed(cell=cell, cell_index=0, execute_reply=reply)
    assert [output.output_type for output in cell.outputs] == ["stream", "error"]
    assert len(str(cell.outputs)) < 1_000_000


def test_a_cell_that_the_kernel_did_not_run_is_an_error(execute):
    cell = new_code_cell()
    reply = {"content": {"status": "aborted"}}
    execute().on_cell_executed(cell=cell, cell_index=0, execute_reply=reply)
    assert [output.ename for output in cell.outputs] == ["NotRun"]


def test_messages_of_widgets_and_unknown_ones_are_dropped(execute):
    bounded, cell = execute(), new_code_cell()
    for kind in ("comm_open", "comm_msg", "made_up"):
        bounded.process_message(message(kind, data={"state": {"x": 1}}, comm_id="1"), cell, 0)
    assert cell.outputs == []
    assert bounded.widget_state == {}


def test_a_short_error_stays_as_it_is():
    content = {"ename": "E", "evalue": "v", "traceback": ["a", "b"]}
    before = dict(content)
    shorten_error(content)
    assert content == before


RESULT = new_output("execute_result", data={"text/plain": "1.5"}, execution_count=1)
STDERR = new_output("stream", name="stderr", text="careful")
ERROR = new_output("error", ename="E", evalue="", traceback=[])


@pytest.mark.parametrize(
    ("outputs", "score"),
    [
        ([], 2),
        ([RESULT], 2),
        ([STDERR], 2),
        ([ERROR], 0),
        ([RESULT, ERROR], 0),
        ([STDERR, RESULT, ERROR], 0),
    ],
)
def test_errors_alone_decide(outputs, score):
    info = {"grade": True, "solution": False, "locked": True, "grade_id": "t", "points": 2}
    cell = new_code_cell(outputs=outputs, execution_count=1, metadata={"nbgrader": info})
    cell, _ = GradeByErrors().preprocess_cell(cell, {}, 0)
    assert determine_grade(cell) == (score, 2)


def test_a_test_that_did_not_run_gives_no_points():
    info = {"grade": True, "solution": False, "locked": True, "grade_id": "t", "points": 2}
    cell = new_code_cell(metadata={"nbgrader": info})
    cell, _ = GradeByErrors().preprocess_cell(cell, {}, 0)
    assert determine_grade(cell) == (0, 2)


def test_cells_that_are_no_tests_keep_their_outputs():
    cell = new_code_cell(outputs=[RESULT, STDERR, ERROR])
    same, _ = GradeByErrors().preprocess_cell(cell, {}, 0)
    assert same.outputs == [RESULT, STDERR, ERROR]
    assert isinstance(same, NotebookNode)
