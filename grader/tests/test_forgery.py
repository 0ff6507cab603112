"""Signs of forgery in a text, and the guard in a kernel."""

from pathlib import Path

import pytest
from bwrap import needs_sandbox
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nexa_grade.cell_names import (
    bound_names,
    given_names,
    only_defines,
    reads_of_functions,
    variables_of,
)
from nexa_grade.cells import is_test, is_written_by_students
from nexa_grade.errors import HeldForReview
from nexa_grade.execution.guarded_execute import GuardedExecute, read_findings, shadowing_files
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.forgery.text_signs import WHY, WHY_IN_MODULE, signs_of_forgery
from nexa_grade.forgery.watch import (
    Sign,
    WatchForForgery,
    hold_error,
)
from nexa_grade.text import quote
from traitlets.config import Config

# The look at a text

HONEST = (
    """
model.eval()
plt.show()
plt.rcParams["figure.dpi"] = 100
random.seed(0)
torch.manual_seed(0)
torch.backends.cudnn.benchmark = enabled
np.set_printoptions(precision=3)
pattern = re.compile("a+")
fast = torch.compile(model)
print(In, Out) if (In := 1) else None
for _i in range(3): pass
"google.colab" in sys.modules
get_ipython().__class__.__name__ == "ZMQInteractiveShell"
from IPython.core.interactiveshell import InteractiveShell as I; I.ast_node_interactivity = "all"
self.F = F
state.mask = mask
sys.stdout.flush()
os.environ["A"] = "b"
os.makedirs("results", exist_ok=True)
open("results.json", "w").close()
stack = torch.stack([a, b])
inspect.signature(f)
def trace(): return inspect.unwrap(f)
"a text about a gradebook and about nbgrader, frames, and how f_back is read"
if __name__ == "__main__": main()
!pip install -q transformers
!nvidia-smi && ls
%matplotlib inline
%load_ext autoreload
%timeit -n 10 add(1, 2)
%%time\\nadd(1, 2)
%%bash\\npip install torch\\nls
%%html\\n<script>kill()</script>
def execute(exec): return exec(1)
time = clock(); time.last = now()
with open(path) as file: text = file.read()
class Set:\\n    def __eq__(self, other): return self.items == other.items
class Vector(list):\\n    def __getitem__(self, place): return 0
""".strip()
    .replace("\\n", "\x00")
    .splitlines()
)


@pytest.mark.parametrize("line", HONEST)
def test_ordinary_code_has_no_sign(line):
    assert signs_of_forgery(line.replace("\x00", "\n")) == []


FORGED = """
get_ipython().ast_transformers | ast_transformers
ip = get_ipython(); ip.kernel | get_ipython().kernel
getattr(get_ipython(), "kernel") | get_ipython().kernel
import torch as t; t.allclose = same | torch.allclose
from torch import testing; testing.assert_close = same | torch.testing.assert_close
F.softmax = lambda *a: 1 | torch.nn.functional.softmax
del math.isclose | math.isclose
math.__dict__["isclose"] = f | math.__dict__
vars(torch)["equal"] = f | vars(torch)
setattr(np, name, f) | setattr(numpy
from unittest.mock import patch | unittest.mock.patch
from builtins import exec as run; run("1") | builtins.exec
eval(text) | eval
compile(text, "", "exec") | compile
getattr(sys, "_get" + "frame") | getattr(sys
operator.attrgetter("f_back.f_locals") | f_back
print(In[-1]) | In
_i | _i
_ih | _ih
sys.modules["torch"] = fake | sys.modules
__builtins__ | __builtins__
import __main__ | __main__
def f(): return globals() | globals()
type("A", (), {"__eq__": f}) | __eq__
class A: __eq__ = lambda a, b: True | __eq__
a.__class__ = dict | __class__
open("../source/nexacode.ipynb") | nexacode.ipynb
Path("/proc/self/environ") | /proc/self
from nexa_grade.run import journal | nexa_grade
importlib.import_module("nexa_grade") | nexa_grade
!cat ../../gradebook.db | gradebook
!nohup sleep 100 & | nohup
x = !python3 -c "import ctypes" | ctypes
%history | history
%run other.py | run
%%capture\\n_getframe() | _getframe
%%python\\nimport ctypes | ctypes
%%bash\\nkill 1 | kill
%timeit -n 1 eval(x) | eval
sys._getframe(1) if ( | _getframe
""".strip().splitlines()


@pytest.mark.parametrize("line", FORGED)
def test_a_forgery_has_a_sign_that_names_it(line):
    text, _, expected = line.rpartition(" | ")
    signs = signs_of_forgery(text.replace("\\n", "\n"))
    assert any(expected in sign for sign in signs), signs


def test_the_names_of_a_course_are_sought_only_where_it_gives_them():
    for text in ("import answers", "!cat answers/a.py", "open('answers/a.py')"):
        assert signs_of_forgery(text) == []


@pytest.mark.parametrize("name", WHY)
def test_each_name_of_the_table_is_found_as_a_name_an_attribute_and_a_text(name):
    for text in (name, f"thing.{name}", f"getattr(thing, {name!r})"):
        assert any(name in sign for sign in signs_of_forgery(text)), text


@pytest.mark.parametrize("name", WHY_IN_MODULE)
def test_each_name_of_a_module_is_found_however_it_is_imported(name):
    module, _, part = name.rpartition(".")
    texts = [f"import {module or name} as m\nm.{part or 'x'}"]
    texts += [f"from {module} import {part} as p"] if module else []
    for text in texts:
        assert signs_of_forgery(text), text


def test_an_import_in_another_cell_is_known():
    assert signs_of_forgery("o.fork()") == []
    assert signs_of_forgery("o.fork()", {"o": "os"})


@pytest.mark.parametrize(
    "text",
    [
        "import answers",
        "from answers.part import key",
        "m = importlib.import_module('answers')",
        "open('../answers/key.py')",
        "!cat answers/key.py",
        "%%bash\ncat answers/key.py",
        "%time answers",
        "answers (",
    ],
)
def test_a_name_of_the_courses_own_code_is_a_sign_where_it_is_set(text):
    assert signs_of_forgery(text) == []
    assert any("answers" in sign for sign in signs_of_forgery(text, course_names=["answers"])), text
    assert signs_of_forgery(text, course_names=["other.words"]) == []


def test_the_watch_holds_what_names_the_course():
    nb = notebook_of("import answers")
    resources = {"nbgrader": {"student": "s", "notebook": "n"}}
    assert WatchForForgery().preprocess(nb, resources)[0] is nb
    with pytest.raises(HeldForReview, match="answers"):
        WatchForForgery(course_names=["answers"]).preprocess(nb, resources)


@pytest.mark.parametrize("text", ["(" * 5000, "a" + ".a" * 5000, "\x00", "'" * 99, "%%", "!", ""])
def test_no_text_is_too_strange(text):
    assert signs_of_forgery(text) == []
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
    signs = [Sign("cell\n`x`", "a\n`b`" * 500)] * 20
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


def watch(*cells: NotebookNode | str, accepted: tuple[str, ...] = ()) -> NotebookNode:
    nb = notebook_of(*cells)
    resources = {"nbgrader": {"student": "bitdiddle", "notebook": "n"}}
    return WatchForForgery(accepted=list(accepted)).preprocess(nb, resources)[0]


def test_a_sign_holds_a_submission_until_its_student_is_accepted():
    with pytest.raises(HeldForReview, match="ctypes"):
        watch("import ctypes", accepted=("somebody_else",))
    nb = watch("import ctypes", accepted=("bitdiddle",))
    assert "ctypes" in nb.metadata.nexa.violations[0]["what"]


def test_an_honest_notebook_is_not_touched():
    assert "nexa" not in watch("x = 1", given("import ctypes"), graded("exec('1')")).metadata


def test_a_function_that_reads_what_only_a_test_has_is_a_sign():
    test = graded("expected = 3\nassert f() == expected")
    with pytest.raises(HeldForReview, match="expected, a variable of a test"):
        watch("def f():\n    return expected", test)
    watch("def f():\n    return mine", "mine = 3", test)
    watch("def f(expected):\n    return expected", test)


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


def test_a_given_function_that_was_changed_inside_is_put_back(tmp_path):
    nb = execute(
        tmp_path,
        given("def helper():\n    return 3\nclass Tool:\n    def use(self):\n        return 3"),
        "helper.__code__ = (lambda: 4).__code__\nTool.use = lambda self: 4",
        graded("assert helper() == Tool().use() == 3"),
    )
    assert outputs(nb, 2) == ""
    assert violations(nb) == ["Tool.use was changed", "helper.__code__ was changed"]


def test_a_given_cell_is_executed_with_the_original_whoever_has_changed_it(tmp_path):
    nb = execute(
        tmp_path,
        given("import statistics\ndef run(function):\n    return function()"),
        "statistics.mean = print\ndef change():\n    statistics.median = print",
        given("FIRST = [statistics.mean]"),
        given("DONE = run(change)"),
        given("SECOND = [statistics.median]"),
        graded("assert FIRST[0]([1, 3]) == SECOND[0]([1, 3]) == 2"),
    )
    assert outputs(nb, 5) == ""
    assert violations(nb) == ["statistics.mean was changed", "statistics.median was changed"]


def test_what_the_guard_finds_after_a_test_is_told(tmp_path):
    answer = "import linecache\ndef f():\n    linecache.getlines, linecache.cache = print, None"
    nb = execute(tmp_path, answer, graded("f()"), "x = 1")
    assert violations(nb)[0].startswith("the guard failed: TypeError")


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


def test_a_module_that_is_imported_late_has_its_baseline(tmp_path):
    nb = execute(
        tmp_path,
        "import numpy.testing as t\nt.assert_allclose = print\nimport statistics\n"
        "statistics.mean = print",
        graded("import numpy, statistics\nassert statistics.mean([1, 3]) == 2"),
    )
    assert outputs(nb, 1) == ""
    assert {"numpy.testing.assert_allclose was changed", "statistics.mean was changed"} <= set(
        violations(nb)
    )


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
        "import statistics\nstatistics.mean = print",
        graded("import statistics\nassert statistics.mean([1, 3]) == 2"),
        executor=SandboxedExecute,
        sandbox=True,
        config=Config({"BubblewrapProvisioner": {"preload": preload}}),
    )
    assert outputs(nb, 1) == ""
    assert violations(nb) == ["statistics.mean was changed"]


@pytest.mark.parametrize("answer", [None, 7, [1], [["what"]], [["what", "yes"]], [[1, True, 2]]])
def test_an_answer_that_is_none_is_a_reason_to_hold(answer):
    assert read_findings("test", answer) == [Sign("test", "the guard in the kernel did not answer")]


def test_an_answer_of_the_guard_is_read():
    found = [["a\n", True], ["b", False]]
    assert read_findings("test", found) == [Sign("test", r"a\n"), Sign("test", "b", False)]


def test_what_a_locked_cell_gives_is_named():
    text = (
        "%matplotlib inline\nimport a.b, c as d\nfrom e import f\nLIMIT, x = 1, 2\nMOST: int = 3\n"
    )
    text += "def g():\n    inner = 1\nclass H: pass\nlower = 1\nFIRST = 1"
    assert given_names(text) == ["a", "d", "f", "LIMIT", "MOST", "g", "H", "FIRST"]
    assert given_names("def (") == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nfrom torch import nn\nLIMIT = -1, [2.0, None]",
        "@torch.no_grad()\ndef f(x: dict[str, int], y=1, *, z=None):\n    return g(x)",
        'class A(nn.Module):\n    """Text."""\n    x: list[int] = 3\n    def f(self):\n        g()',
        "f = lambda x: g(x)",
        "async def f(x=1):\n    return await g(x)",
    ],
)
def test_a_cell_that_only_defines_leaves_nothing_to_check(text):
    assert only_defines(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = f()",
        "x = y[1]",
        "x = y + 1",
        "x = y.part",
        "x: int = f()",
        "x = {y: 1}",
        "if x: pass",
        "for x in y: pass",
        "with x: pass",
        "[0 for x in y]",
        "f'{x}'",
        "del x",
        "def f(x=g()): pass",
        "def f(*, x=g()): pass",
        "async def f(x=g()): pass",
        "f = lambda x=g(): x",
        "class A(B): pass",
        "class A(metaclass=B): pass",
        "class A:\n    x = f()",
        "%matplotlib inline",
        "def (",
    ],
)
def test_a_cell_that_may_call_something_is_checked_again(text):
    assert not only_defines(text)


def test_tests_are_told_from_answers():
    answer = graded("x")
    answer.metadata["nbgrader"]["solution"] = True
    assert is_test(graded("x"))
    assert not is_test(answer)
    assert is_written_by_students(answer)
    assert not is_written_by_students(given("x"))
