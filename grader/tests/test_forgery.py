"""What is told where there is no sandbox, and the guard in a kernel."""

from pathlib import Path

import pytest
from bwrap import needs_sandbox
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nexa_grade.cell_names import (
    bound_names,
    given_names,
    reads_of_functions,
    variables_of,
)
from nexa_grade.cells import is_test, is_written_by_students
from nexa_grade.errors import HeldForReview
from nexa_grade.execution.guarded_execute import GuardedExecute, shadowing_files
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.forgery.watch import (
    Sign,
    WatchForForgery,
    hold_error,
)
from nexa_grade.text import quote
from traitlets.config import Config

# Names in a text


@pytest.mark.parametrize("text", ["(" * 5000, "a" + ".a" * 5000, "\x00", "'" * 99, "%%", "!", ""])
def test_no_text_is_too_strange(text):
    assert reads_of_functions(text) == set()


def test_variables_at_the_top_level_are_told_from_those_of_functions():
    text = "import m\nfrom a import b\nx: int = 1\nfor y in z:\n    w = [q for q in y]\n"
    text += "def f(a):\n    inner = a\nclass C:\n    part = 1\n"
    assert bound_names(text) == {"m", "b", "x", "y", "w", "f", "C"}
    assert variables_of(text) == {"x", "y", "w", "f", "C"}


def test_only_what_functions_read_counts():
    text = "print(a)\ndef f(b):\n    c = b + d\n    return [e for e in len(c)]\ng = lambda: h\n"
    text += "class K:\n    p = q\n    def m(self):\n        return r\n[s for _ in 't']\n"
    assert reads_of_functions(text) == {"d", "h", "r"}


# What is done about signs


def test_a_reason_is_one_short_line_whatever_the_student_wrote():
    signs = [Sign("cell\n`x`", "a\n`b`" * 500, is_held=True)] * 20
    reason = str(hold_error(signs))
    assert len(reason) < 450
    assert "\n" not in reason
    assert "and 17 more" in reason
    assert quote("`a`\n") == r"`'a'\n`"


def graded(source: str, name: str = "test") -> NotebookNode:
    info = {"grade": True, "solution": False, "locked": True, "grade_id": name, "points": 1}
    info |= {"schema_version": 3, "task": False}
    return new_code_cell(source, metadata={"nbgrader": info})


def given(source: str, name: str = "given") -> NotebookNode:
    cell = graded(source, name)
    cell.metadata["nbgrader"]["grade"] = False
    return cell


def notebook_of(*cells: NotebookNode | str) -> NotebookNode:
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    spec = {"name": "python3", "display_name": "Python 3"}
    return new_notebook(cells=made, metadata={"kernelspec": spec})


def watch(*cells: NotebookNode | str, sandbox: bool = False, **settings) -> NotebookNode:
    nb = notebook_of(*cells)
    resources = {"nbgrader": {"student": "bitdiddle", "notebook": "n"}}
    config = Config({"SandboxedExecute": {"sandbox": sandbox}})
    return WatchForForgery(config=config, **settings).preprocess(nb, resources)[0]


@pytest.mark.parametrize(
    "text",
    [
        "import answers",
        "from answers.part import key",
        "m = importlib.import_module('answers')",
        "!cat answers/key.py",
        "%%bash\ncat answers/key.py",
        "answers (",
    ],
)
def test_without_a_sandbox_the_courses_own_names_hold(text):
    assert "nexa" not in watch(text).metadata
    with pytest.raises(HeldForReview, match="answers"):
        watch(text, course_names=["answers"], accepted=["somebody_else"])
    nb = watch(text, course_names=["answers"], accepted=["bitdiddle"])
    assert "answers" in nb.metadata.nexa.violations[0]["what"]
    assert "nexa" not in watch(text, course_names=["answers"], sandbox=True).metadata
    assert "nexa" not in watch(text, course_names=["answer", "other.words"]).metadata


@pytest.mark.parametrize(
    "text",
    [
        "sqlite3.connect('../../gradebook.db')", "import nexa_grade", "import ctypes",
        "os.environ['NBGRADER_EXECUTION']", "open('/proc/1/mem')", "os.kill(os.getppid(), 9)",
        "subprocess.Popen(['x'], start_new_session=True)", "!nohup x &",
    ],
)  # fmt: skip
def test_without_a_sandbox_a_reach_for_the_grader_is_told_and_holds_nobody(text):
    nb = watch(text, given(text), graded(text))
    assert {each["cell"] for each in nb.metadata.nexa.violations} == {nb.cells[0].id}
    assert "nexa" not in watch(text, sandbox=True).metadata


COLAB = [  # lines that only read, export or print; file names begin as the course's package does
    "!jupyter nbconvert --to html nexa.ipynb",
    "!jupyter nbconvert --to pdf nexacode.ipynb --output nexa-report",
    "from google.colab import files; files.download('nexa.ipynb')",
    "from google.colab import drive\ndrive.mount('/drive')\n%cd /drive/MyDrive/nexa",
    "!ls *.ipynb", "!cat nexacode.ipynb | head", "!pip list | grep torch", "!nvidia-smi", "%pwd",
    '!python -c "import torch; print(torch.__version__)"', "!wget -q https://example.org/nexa.csv",
    "import os\nprint(os.environ.get('COLAB_GPU'), os.getcwd(), os.listdir('.'))",
    "import IPython\nIPython.get_ipython().run_line_magic('matplotlib', 'inline')",
]  # fmt: skip


@pytest.mark.parametrize("line", COLAB)
def test_habits_of_colab_are_no_sign_without_a_sandbox_either(line):
    assert "nexa" not in watch(line, course_names=["nexa_helpers"]).metadata


def test_an_honest_notebook_is_not_touched():
    honest = "import subprocess, gc, inspect\nx = 1\nsubprocess.run(['ls'])\nprint(In[-1])"
    assert "nexa" not in watch(honest, given("import ctypes")).metadata


# The guard in a kernel


def execute(
    folder: Path, *cells: NotebookNode | str, executor=GuardedExecute, **options
) -> NotebookNode:
    config = Config({"WatchForForgery": {"accepted": ["accepted"]}})
    config.merge(options.pop("config", {}))
    execute = executor(startup_timeout=300, iopub_timeout=300, timeout=300, config=config)
    for name, value in options.items():
        setattr(execute, name, value)
    resources = {"nbgrader": {"student": "accepted"}, "metadata": {"path": str(folder)}}
    return execute.preprocess(notebook_of(*cells), resources)[0]


def outputs(nb: NotebookNode, place: int) -> str:
    return "".join(
        output.get("text", "") + output.get("evalue", "") for output in nb.cells[place].outputs
    )


def violations(nb: NotebookNode) -> list[str]:
    return [found["what"] for found in nb.metadata.get("nexa", {}).get("violations", [])]


def test_the_guard_leaves_no_trace_in_an_honest_notebook(tmp_path):
    before = "import linecache\nseen = set(globals())\n41 + 1"
    after = (
        "print(set(globals()) - seen)\nprint(In)\nprint(_)\nprint(len(In))\n"
        "lines = [line for entry in linecache.cache.values() for line in entry[2]]\n"
        "print(any('sec' + 'ret' in line for line in lines))"
    )
    nb = execute(tmp_path, before, graded("secret = 1\nassert secret"), after, "1")
    assert violations(nb) == []
    assert [cell.execution_count for cell in nb.cells] == [1, 2, 3, 4]
    assert "secret" not in outputs(nb, 2)
    assert "42" in outputs(nb, 2)
    assert "4\nFalse" in outputs(nb, 2)
    assert outputs(nb, 1) == ""


def test_a_test_gets_what_earlier_tests_left_and_the_submission_does_not(tmp_path):
    """In nbgrader's own example a test calls a checking function that another one defines."""
    left = "import math\ndef check(x):\n    return math.floor(x) == 3\nlimit = 5\nassert check(3.5)"
    nb = execute(
        tmp_path,
        "def check(x):\n    return True\nlimit = 1",  # a submission's own count for itself alone
        graded(left),
        "print('math' in globals(), check(0), limit)\nlimit = 2",
        graded("assert math.pi > 3\nassert not check(1)\nassert limit == 2", "later"),
    )
    assert outputs(nb, 1) == outputs(nb, 3) == ""
    assert outputs(nb, 2) == "False True 1\n"


def test_a_test_gets_what_the_course_gives_and_the_student_keeps_the_own(tmp_path):
    nb = execute(
        tmp_path,
        given("LIMIT = 3\ndef helper():\n    return LIMIT"),
        "helper = lambda: 99\nLIMIT = 4\nsum = 0",
        graded("assert helper() == 3\nassert LIMIT == 3\nassert sum([1, 2]) == 3"),
        "print(helper(), LIMIT, sum)",
    )
    assert outputs(nb, 2) == ""
    assert outputs(nb, 3) == "99 4 0\n"
    assert len(violations(nb)) == 3


def test_what_the_guard_cannot_do_is_told(tmp_path):
    answer = "import linecache\ndef f():\n    linecache.cache = None"
    nb = execute(tmp_path, answer, graded("f()"), graded("1", "later"))
    assert violations(nb)[0].startswith("the guard failed: TypeError")


def test_pythons_own_functions_and_the_output_are_put_back(tmp_path):
    change = "import builtins, io, sys\nbuiltins.sum = max\nsys.stdout = io.StringIO()"
    nb = execute(tmp_path, change, graded("assert sum([1, 2]) == 3"), "print(1)")
    assert outputs(nb, 1) == ""
    assert outputs(nb, 2) == "1\n"
    assert set(violations(nb)) == {"builtins.sum was replaced", "sys.stdout was replaced"}


def test_a_function_does_not_read_the_variables_of_a_test(tmp_path):
    test = """
expected = [3, 4]
def check(got, expected=None):
    assert got != expected
check(f())
try:
    raise ValueError
except ValueError as error:
    assert error.args == ()
assert [expected for _ in "a"][0] == expected
assert f() == expected, f"expected {expected}"
"""
    nb = execute(tmp_path, "expected = 0\ndef f():\n    return expected", graded(test), "expected")
    assert "expected [3, 4]" in outputs(nb, 1)
    assert violations(nb) == ["the test uses the name expected, too: kept apart"]


def test_a_function_that_has_the_name_of_its_module_stays(tmp_path):
    """Or else an honest `from time import time` would lose the points of its TODO."""
    nb = execute(
        tmp_path,
        given("import copy, math, time"),
        "from time import time\nfrom copy import copy\ndef now():\n    return time()",
        graded("assert now() > 0\nassert copy([1]) == [1]"),
        "math = 3\ncopy = print",
        graded("assert math.pi > 3\nassert copy.copy([1]) == [1]", "later"),
    )
    assert outputs(nb, 2) == outputs(nb, 4) == ""
    assert set(violations(nb)) == {
        "math, which the course gives, was replaced",
        "copy, which the course gives, was replaced",
    }


def test_modules_beside_the_notebook_shadow_nothing_and_are_told(tmp_path):
    for name in ("copy.py", "fnmatch.py", "numpy.py", "own_module.py"):
        (tmp_path / name).write_text("raise SystemExit")
    nb = execute(tmp_path, "import copy, fnmatch, numpy\nprint(numpy.ones(1))")
    assert outputs(nb, 0) == "[1.]\n"
    assert len(violations(nb)) == 3
    assert shadowing_files(tmp_path) == ["copy.py", "fnmatch.py", "numpy.py"]
    assert shadowing_files(tmp_path / "missing") == []


@needs_sandbox
@pytest.mark.parametrize("preload", [[], ["statistics"]], ids=["started", "forked"])
def test_the_guard_works_in_the_sandbox(tmp_path, preload):
    nb = execute(
        tmp_path,
        given("LIMIT = 3"),
        "LIMIT = 4",
        graded("assert LIMIT == 3"),
        executor=SandboxedExecute,
        sandbox=True,
        config=Config({"BubblewrapProvisioner": {"preload": preload}}),
    )
    assert outputs(nb, 2) == ""
    assert violations(nb) == ["LIMIT, which the course gives, was replaced"]


@pytest.mark.parametrize("content", [None, {}, {"found": 7}, {"found": None}])
def test_an_answer_that_is_none_tells_nothing(content):
    said = []
    guarded = GuardedExecute()
    guarded.tell_cause = lambda cell, what: said.append(what)
    guarded.tell_mended("test", None if content is None else {"content": content})
    guarded.tell_mended("test", {"content": {"found": ["a\n" * 200, 1]}})
    assert said == [ascii("a\n" * 200)[1:-1][:200], "1"]


def test_what_a_locked_cell_gives_is_named():
    text = (
        "%matplotlib inline\nimport a.b, c as d\nfrom e import f\nLIMIT, x = 1, 2\nMOST: int = 3\n"
    )
    text += "def g():\n    inner = 1\nclass H: pass\nlower = 1\nFIRST = 1"
    assert given_names(text) == ["a", "d", "f", "LIMIT", "MOST", "g", "H", "FIRST"]
    assert given_names("def (") == []


def test_tests_are_told_from_answers():
    answer = graded("x")
    answer.metadata["nbgrader"]["solution"] = True
    assert is_test(graded("x"))
    assert not is_test(answer)
    assert is_written_by_students(answer)
    assert not is_written_by_students(given("x"))
