"""Honest notebooks of unusual shape: split cells, names born in a test, switches, Colab's lines."""

from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nexa_grade.execution.guarded_execute import GuardedExecute
from tiny_course import FULL, TinyCourse, cell_of
from warm_kernels import forked_kernels

ADD = "def add(a, b):\n    return a + b\n"
NO_ADD = FULL | {"add-test": 0.0, "limit-test": 0.0}

# One class is graded at once: what stands in the student's own cell, the answers, the scores.

TORCH = "import torch\n"
SWITCHES = {
    "interactivity": "from IPython.core.interactiveshell import InteractiveShell\n"
    'InteractiveShell.ast_node_interactivity = "all"',
    "config_magic": '%config InteractiveShell.ast_node_interactivity = "all"',
    "shell_options": 'get_ipython().ast_node_interactivity = "none"\n%precision 2\n%xmode Minimal',
    "float64": TORCH + "torch.set_default_dtype(torch.float64)",
    "tensor_type": TORCH + "torch.set_default_tensor_type(torch.DoubleTensor)",
    "cuda": TORCH + 'torch.set_default_device("cuda")',
    "meta": TORCH + 'torch.set_default_device("meta")',
    "gradients": TORCH + "torch.set_grad_enabled(False)",
    "inference": TORCH + "torch.inference_mode().__enter__()",
    "strict_numpy": "import numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=1)",
    "errors": "import warnings\nwarnings.simplefilter('error')",
    "folder": "import os, tempfile, sys\nos.chdir(tempfile.mkdtemp())\nsys.path.reverse()",
    "plots": "import matplotlib.pyplot as plt\nplt.style.use('dark_background')\n"
    "plt.switch_backend('Agg')",
    "pandas": "import pandas as pd\npd.set_option('display.max_rows', 1)\n"
    "pd.set_option('mode.chained_assignment', 'raise')",
    "collector": "import gc\ngc.disable()",
}
LOOK = """
import gc, os, sys, warnings, torch, numpy as np, matplotlib.pyplot as plt, pandas as pd
def switches():
    return dict(
        dtype=str(torch.tensor(1.0).dtype), device=torch.ones(1).device.type, gc=gc.isenabled(),
        grad=(torch.ones(1, requires_grad=True) * 2).requires_grad, errors=np.geterr()["over"],
        digits=np.get_printoptions()["precision"], folder=bool(os.listdir(".") is not None),
        inference=torch.is_inference_mode_enabled(), style=plt.rcParams["axes.facecolor"],
        rows=pd.get_option("display.max_rows"), chained=pd.get_option("mode.chained_assignment"),
        shown=get_ipython().ast_node_interactivity,
    )
def strict():
    warnings.warn("a test may warn")
"""
EXPECTED = {
    "dtype": "torch.float32", "device": "cpu", "gc": True, "grad": True, "errors": "warn",
    "digits": 8, "folder": True, "inference": False, "style": "white", "rows": 60,
    "chained": "warn", "shown": "last_expr",
}  # fmt: skip
TEST = f"assert switches() == {EXPECTED}, switches()\nstrict()\nassert add(1, 2) == 3"

COMPILED = """
import torch
@torch.compile(backend="eager")
def _sum(x, y):
    return x + y

def add(a, b):
    return _sum(torch.tensor([a]), torch.tensor([b])).item()
"""
BORN = """
calls = 0
def add(a, b):
    global cache, calls
    calls += 1
    if calls == 1:
        cache = {}
    cache[a, b] = a + b
    return cache[a, b]
"""
OWN_CALL = """
import torch
def add(a, b):
    torch.set_default_dtype(torch.float64)
    return a + b if torch.tensor(1.0).dtype == torch.float64 else 0
"""
DEEP = "import sys\nsys.setrecursionlimit(9000)\n" + ADD.replace(
    "    return a + b",
    "    down = lambda n: down(n - 1) if n else 0\n    return a + b + down(4000)",
)
COLAB = """
from google.colab import drive
import torch, some_missing_package
import wandb; drive.mount("/content/drive")
torch.cuda.get_device_name(0)
drive.flush_and_unmount()

def add(a, b):
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return a + b
"""
ANSWERS = {
    "compiled": (COMPILED, FULL),
    "born": (BORN, FULL),
    "own_call": (OWN_CALL, FULL),
    "deep": (DEEP, FULL),
    "colab": (COLAB, FULL),
    "needs_it": ("import wandb\ndef add(a, b):\n    wandb.log({})\n    return a + b", NO_ADD),
    "needs_gpu": ("import torch\ndef add(a, b):\n    return torch.tensor(a).cuda() + b", NO_ADD),
    "imports_it": ("def add(a, b):\n    import wandb\n    return a + b", NO_ADD),
    "own_error": ("1 / 0\n" + ADD, NO_ADD),
}


def split(course: TinyCourse, *halves: str, name: str = "double"):
    """Make a notebook whose cell was split: each part below has the metadata of the first."""
    notebook = course.solved(**{name: halves[0]})
    first = cell_of(notebook, name)
    place = notebook.cells.index(first)
    for number, half in enumerate(halves[1:], 1):
        copy = new_code_cell(half, id=f"part-{number}", metadata=first.metadata.copy())
        notebook.cells.insert(place + number, copy)
    return notebook


TWICE = "def double(x):\n    return _twice(x)\n"
HELPER = "def _twice(x):\n    return 2 * x\n"
SPLIT = {
    "helper_below": (TWICE, HELPER),
    "three": ("FACTOR = 2\n", TWICE, "class Two: pass\ndef _twice(x): return x * FACTOR\n%time 1"),
}


@pytest.fixture(scope="class")
def graded(tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp("habits"), forks_kernels=True)
    for name in ("colab", "needs_it"):
        course.submit(name, course.solved(add=ANSWERS[name][0]))
    for name, halves in SPLIT.items():
        course.submit(name, split(course, *halves))
    return SimpleNamespace(course=course, done=course.autograde())


class TestWholeSubmissions:
    @pytest.mark.parametrize("name", ["colab", *SPLIT])
    def test_honest_work_gets_full_points(self, graded, name):
        assert graded.course.scores(name) == FULL

    def test_what_is_missing_here_is_told_with_its_line(self, graded):
        cause = "line 1: No module named 'wandb' on the grading machine"
        assert graded.course.scores("needs_it") == NO_ADD
        assert cause in cell_of(graded.course.graded("needs_it"), "add-test").outputs[-1].evalue
        said = [line for line in graded.done.stderr.splitlines() if "student needs_it," in line]
        assert any(cause in line for line in said)


def cell(source: str, name: str = "", grade: bool = False, locked: bool = False):
    """Make a cell; without a name, nbgrader does not watch it."""
    info = {"grade": grade, "locked": locked, "solution": False, "grade_id": name, "points": 1}
    return new_code_cell(source, metadata={"nbgrader": info} if name else {})


def execute(folder, *cells, **options):
    """Execute cells as nbgrader does, in forked kernels; give them with the instructor's notes."""
    notebook = new_notebook(cells=list(cells))
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    execute = GuardedExecute(record_timing=False, startup_timeout=300, **options)
    with forked_kernels():
        notebook, _ = execute.preprocess(notebook, {"metadata": {"path": str(folder)}})
    return notebook.cells, [sign.what for sign in execute.signs]


def error_of(one) -> str:
    errors = [f"{o.ename}: {o.evalue}" for o in one.outputs if o.output_type == "error"]
    return "".join(errors)


@pytest.fixture(scope="class")
def switched(tmp_path_factory):
    """Leave each switch on in a student's cell, one after the other in one kernel."""
    cells = [cell(LOOK + ADD, "look", locked=True)]
    for name, switch in SWITCHES.items():
        cells += [cell(switch), cell(TEST, f"{name}-test", grade=True, locked=True)]
    on_purpose = "def prepare():\n    np.set_printoptions(precision=2)\n"
    cells += [cell(on_purpose, "prepare", locked=True), cell("prepare()", "go", locked=True)]
    digits = "assert np.get_printoptions()['precision'] == {}"
    cells += [cell("np.set_printoptions(precision=4)"), cell("print(np.pi)")]
    cells += [cell(digits.format(2), "purpose-test", grade=True, locked=True)]
    cells += [cell("torch.manual_seed(7)", "seed", locked=True), cell("torch.rand(3)")]
    seeded = "assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(7))"
    cells += [cell(seeded, "seed-test", grade=True, locked=True)]
    leak = "def leak(): torch.set_grad_enabled(False); torch.set_default_dtype(torch.float64)"
    train = (
        "w = torch.ones(1, requires_grad=True)\n(w * 2).backward()\nassert w.dtype == torch.float32"
    )
    cells += [cell(leak), cell("leak()", "given-check", locked=True)]
    cells += [cell(train, "given-training", locked=True)]
    cells, notes = execute(tmp_path_factory.mktemp("switched"), *cells)
    tests = {one.metadata.nbgrader.grade_id: one for one in cells if "nbgrader" in one.metadata}
    return SimpleNamespace(tests=tests, notes=notes)


class TestSwitches:
    @pytest.mark.parametrize("name", SWITCHES)
    def test_a_switch_that_was_left_on_is_put_back_before_a_test(self, switched, name):
        assert error_of(switched.tests[f"{name}-test"]) == ""

    def test_a_cell_of_the_course_finds_no_switch_that_an_answer_left_on(self, switched):
        assert error_of(switched.tests["given-training"]) == ""

    def test_a_switch_that_the_course_sets_stays(self, switched):
        assert error_of(switched.tests["purpose-test"]) == ""

    def test_random_numbers_of_a_student_do_not_move_those_of_a_test(self, switched):
        assert error_of(switched.tests["seed-test"]) == ""

    def test_what_may_have_cost_points_is_told(self, switched):
        assert any("torch's gradients" in note for note in switched.notes)


DAMAGE = {
    "exits": ("import os\ndef f(): os._exit(3)", "exit status 3"),
    "crashes": ("import ctypes\ndef f(): ctypes.string_at(0)", "SIGSEGV"),
    "nameless": (
        "class M(type):\n    @property\n    def __name__(self): raise ValueError\n"
        "class E(Exception, metaclass=M):\n    def __str__(self): raise self\n"
        "    __repr__ = __str__\ndef f(): raise E()",
        "NamelessError",
    ),
    "lies": (
        "class E(BaseException):\n    def __str__(self): return 3\n"
        "    __class__ = property(lambda self: 1 / 0)\ndef f(): raise E()",
        "NamelessError",
    ),
    "loops": ("import itertools\ndef f(): 2 in itertools.repeat(1)", "time limit"),
    "stops": ("def f():\n    while True: pass", "did not end within its time limit"),
    "blocks": (
        "import signal\ndef f():\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "    signal.sigwait([signal.SIGUSR1])",
        "time limit",
    ),
    "asks": ("def f(): input('?')", "StdinNotImplementedError"),
    "prints": ("def f():\n    print('x' * 100_000_000)\n    raise KeyError('own')", "KeyError"),
}
GOES_ON = {
    "displays": "def f():\n    for i in range(5_000): display(i)",
    "sleeps_beside": "from threading import Event, Thread\nwait = Event().wait\n"
    "def f(): Thread(target=wait, daemon=True).start()",
}


@pytest.fixture(scope="class")
def damaged(tmp_path_factory):
    """Break kernels in some tests of one notebook; a good one follows each."""
    cells = [cell("def good(): return 1")]
    for name, source in (GOES_ON | {k: v for k, (v, _) in DAMAGE.items()}).items():
        limit = "  # short" if "time limit" in DAMAGE.get(name, ("", ""))[1] else ""
        cells += [cell(source), cell(f"f(){limit}", name, grade=True, locked=True)]
        cells += [cell("assert good() == 1", f"after-{name}", grade=True, locked=True)]
    cells, notes = execute(
        tmp_path_factory.mktemp("damaged"),
        *cells,
        timeout_func=lambda one: 1 if "# short" in one.source else 100,
        iopub_timeout=60,
        stop_seconds=2,
        max_new_kernels=9,
    )
    tests = {one.metadata.nbgrader.grade_id: one for one in cells if "nbgrader" in one.metadata}
    return SimpleNamespace(tests=tests, notes=notes)


class TestDamage:
    @pytest.mark.parametrize("name", DAMAGE)
    def test_a_cell_that_breaks_costs_itself_and_says_what_happened(self, damaged, name):
        assert DAMAGE[name][1] in error_of(damaged.tests[name])

    @pytest.mark.parametrize("name", [*DAMAGE, *GOES_ON])
    def test_the_next_cell_is_graded(self, damaged, name):
        assert error_of(damaged.tests[f"after-{name}"]) == ""

    @pytest.mark.parametrize("name", GOES_ON)
    def test_what_only_floods_or_waits_breaks_nothing(self, damaged, name):
        assert error_of(damaged.tests[name]) == ""

    def test_the_instructor_is_told(self, damaged):
        assert any("SIGSEGV" in note for note in damaged.notes)


def test_a_notebook_that_breaks_too_many_kernels_ends_and_says_so(tmp_path):
    ends = [cell("import os\nos._exit(3)"), cell("1", "test", grade=True, locked=True)]
    cells, _ = execute(tmp_path, *ends, max_new_kernels=0)
    assert "not run: cells before ended or hung" in error_of(cells[1])


def test_a_notebook_has_a_time_limit(tmp_path):
    cells = [cell("1", "first", grade=True, locked=True)]
    cells, _ = execute(tmp_path, *cells, notebook_seconds=-1)
    assert "ran for more than" in error_of(cells[0])


@pytest.fixture(scope="class")
def answered(tmp_path_factory):
    """Test each answer in one kernel, twice."""
    cells = []
    for name, (answer, _) in ANSWERS.items():
        cells += [cell("add = None"), cell(answer)]
        cells += [cell("assert add(1, 2) == 3", name, grade=True, locked=True)]
        cells += [cell("assert add(10, 1) == 11", f"{name}-again", grade=True, locked=True)]
    cells, notes = execute(tmp_path_factory.mktemp("answered"), *cells, timeout=300)
    tests = {one.metadata.nbgrader.grade_id: one for one in cells if "nbgrader" in one.metadata}
    return SimpleNamespace(tests=tests, notes=notes)


class TestAnswers:
    @pytest.mark.parametrize("name", ANSWERS)
    def test_an_answer_gets_what_it_deserves(self, answered, name):
        for test in (name, f"{name}-again"):
            assert (error_of(answered.tests[test]) == "") == (ANSWERS[name][1] == FULL)

    @pytest.mark.parametrize(
        ("name", "cause"),
        [
            ("needs_it", "(line 1: No module named 'wandb' on the grading machine)"),
            ("imports_it", "(No module named 'wandb' on the grading machine)"),
            ("needs_gpu", "on the grading machine)"),
        ],
    )
    def test_a_test_says_what_the_machine_has_not(self, answered, name, cause):
        assert cause in error_of(answered.tests[name])
        assert any(cause.strip("()") in note for note in answered.notes)

    def test_the_lines_of_a_cell_are_numbered_as_they_stand(self, answered):
        expected = {
            "2: No module named 'google.colab'",
            "3: No module named 'some_missing_package'",
        }
        told = {
            note.removeprefix("line ").removesuffix(" on the grading machine")
            for note in answered.notes
        }
        assert expected <= told
        assert any(note.startswith("line 5: ") for note in answered.notes)

    def test_an_error_of_the_students_own_is_not_explained(self, answered):
        assert "grading machine" not in error_of(answered.tests["own_error"])
