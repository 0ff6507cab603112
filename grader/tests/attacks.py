"""Attacks on the tiny course: submissions that look for points instead of an answer.

Each has a wrong `add`, so it deserves the points of `double` and no others. `security_report`
grades all of them with `nexa-grade` and writes its table; test_attacks.py grades some, and gives
each to the second look as if it had got full points.
"""

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from tiny_course import FULL, HARDENED, NAME, PROBES, TinyCourse, cell_of

NO_ADD = FULL | {"add-test": 0.0, "limit-test": 0.0}
NO_SCORE = dict.fromkeys(FULL)
WRONG = "def add(a, b):\n    return 0\n"
DISAGREE = "score and behavior disagree"
HELD, REPAIRED, MENDED, REFUSED, GRADED = (
    "held for a person",
    "repaired, then graded",
    "put right before the test, then graded",
    "could not be graded",
    "graded: the attack has no effect",
)
SCORES = {HELD: NO_SCORE, REFUSED: NO_SCORE, REPAIRED: NO_ADD, MENDED: NO_ADD, GRADED: NO_ADD}
CONFIG = HARDENED + (
    "c.NexaGrade.probes = {'tiny': 'probes.py'}\n"
    "c.NexaGrade.preload = ['json']\n"
    "c.SecondLook.seconds_per_probe = 3.0\n"
)


@dataclass(frozen=True)
class Attack:
    """One attack, and what is to come of it."""

    name: str
    what: str
    add: str = WRONG
    outcome: str = HELD
    reported: str = ""  # words of the log
    change: Callable[[NotebookNode], None] | None = None
    files: tuple[tuple[str, str], ...] = ()
    make_special: Callable[[TinyCourse, Path], object] | None = None  # gets the notebook's path

    def submit(self, course: TinyCourse) -> None:
        """Hand the attack in."""
        path = course.submitted(self.name)
        notebook = course.solved(add=self.add)
        if self.change:
            self.change(notebook)
        course.submit(self.name, notebook)
        for name, text in self.files:
            Path(path.parent, name).write_text(text)
        if self.make_special:
            self.make_special(course, path)


def is_code(attack: Attack) -> bool:
    """Tell an attack that is in the text of its answer alone."""
    return not (attack.change or attack.make_special)


def make_course(folder: Path, attacks: Iterable[Attack]) -> TinyCourse:
    """Make a course with a probe for each test, and hand attacks in."""
    course = TinyCourse(folder, CONFIG)
    table = PROBES.replace('"add-test",', '"add-test", "limit-test"')
    (folder / "probes.py").write_text(table)
    for attack in attacks:
        attack.submit(course)
    return course


def grade(course: TinyCourse, workers: int = 2) -> dict[str, dict[str, Any]]:
    """Grade a course with nexa-grade; its outcomes by student."""
    course.run("-m", "nexa_grade.command", NAME, "--workers", str(workers))
    places = (course.folder / "nexa-grade" / NAME / "outcomes").glob("*/outcome.json")
    return {path.parent.name: json.loads(path.read_text())["outcome"] for path in places}


def what_is_wrong(attack: Attack, scores: dict[str, float | None], outcome: dict[str, Any]) -> str:
    """Say where an attack did not end as it should; "" where it did.

    Args:
        attack: The attack.
        scores: What it got.
        outcome: What nexa-grade wrote of it.
    """
    deserved = SCORES[attack.outcome]
    if any((scores[cell] or 0) > (most or 0) for cell, most in deserved.items()):
        return f"{attack.name}: expected {attack.outcome}, got {scores}"
    words = attack.reported or (DISAGREE if attack.outcome == HELD else "")
    parts = [outcome["reason"], *outcome["repairs"], *outcome["violations"]]
    said = " ".join(part if isinstance(part, str) else part["what"] for part in parts)
    wanted = attack.outcome if attack.outcome in (HELD, REFUSED) else "graded"
    if words not in said or outcome["status"] != wanted:
        return f"{attack.name}: expected {wanted}, {words!r}, got {outcome['status']}, {said!r}"
    return ""


def link_notebook(course: TinyCourse, path: Path) -> None:
    path.unlink()
    path.symlink_to(course.folder / "source" / "tiny" / "tiny.ipynb")


def link_folder(course: TinyCourse, path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.symlink_to(course.submitted("skip_tag").parent)


def link_gradebook(course: TinyCourse, path: Path) -> None:
    path.with_name("notes.txt").symlink_to(course.folder / "gradebook.db")


def pipe_beside(course: TinyCourse, path: Path) -> None:
    os.mkfifo(path.with_name("data.csv"))


def tag(*tags: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell_of(notebook, "add-test").metadata["tags"] = list(tags)

    return change


def set_info(**info: object) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell_of(notebook, "add-test").metadata["nbgrader"].update(info)

    return change


def make_text_cell(notebook: NotebookNode) -> None:
    cell = cell_of(notebook, "add-test")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


def weaken_test(notebook: NotebookNode) -> None:
    cell = cell_of(notebook, "add-test")
    cell.source = "assert True"
    cell.metadata["nbgrader"]["locked"] = False


def copy_test(notebook: NotebookNode) -> None:
    twin = copy.deepcopy(cell_of(notebook, "add-test"))
    twin.update(source="assert True", id="twin")
    notebook.cells.append(twin)


def delete_test(notebook: NotebookNode) -> None:
    notebook.cells.remove(cell_of(notebook, "add-test"))


def swap_ids(notebook: NotebookNode) -> None:
    one, two = (
        cell_of(notebook, name).metadata["nbgrader"] for name in ("add-test", "double-test")
    )
    one["grade_id"], two["grade_id"] = two["grade_id"], one["grade_id"]


EQUAL = "class Equal:\n    def __eq__(self, other):\n        return True\n"
PASS_ALL = """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
"""
DRAIN = "lambda lines: ['pass\\n'] if any('assert' in line for line in lines) else lines"
IN_ADD = "def add(a, b):\n    {}\n    return 0\n"

ATTACKS = [
    # The notebook's form
    Attack(
        "skip_tag",
        "Tag a test skip-execution",
        outcome=REPAIRED,
        reported="had tags that are not in the release",
        change=tag("skip-execution"),
    ),
    Attack(
        "raises_tag",
        "Tag a test raises-exception",
        outcome=REPAIRED,
        reported="had tags that are not in the release",
        change=tag("raises-exception"),
    ),
    Attack(
        "points",
        "Change the points of a test",
        outcome=REPAIRED,
        reported="had changed metadata (points)",
        change=set_info(points=1000),
    ),
    Attack(
        "solution_flag",
        "Call a test a solution, which nbgrader does not overwrite",
        outcome=REPAIRED,
        reported="had changed metadata",
        change=set_info(solution=True),
    ),
    Attack(
        "ids",
        "Exchange grade ids",
        outcome=REPAIRED,
        reported="was not in its place and was moved there",
        change=swap_ids,
    ),
    Attack(
        "cell_type",
        "Turn a test into a text cell",
        outcome=REPAIRED,
        reported="is a code cell again",
        change=make_text_cell,
    ),
    Attack(
        "weak_test",
        "Unlock a test and weaken it",
        outcome=REPAIRED,
        reported="had a changed text; it is as released again",
        change=weaken_test,
    ),
    Attack(
        "twin",
        "Add a second, weak test with the same grade id",
        outcome=REPAIRED,
        reported="had a copy",
        change=copy_test,
    ),
    Attack(
        "no_test",
        "Delete a test",
        outcome=REPAIRED,
        reported="was missing and was put back",
        change=delete_test,
    ),
    Attack(
        "link",
        "Hand in a symbolic link to the reference",
        outcome=REFUSED,
        reported="left out 'tiny.ipynb': a link or a special file",
        make_special=link_notebook,
    ),
    Attack(
        "linked_folder",
        "Hand in a symbolic link to another student's folder",
        outcome=REFUSED,
        reported="the submission is a symbolic link",
        make_special=link_folder,
    ),
    Attack(
        "linked_gradebook",
        "Put a symbolic link to the gradebook beside the notebook",
        outcome=GRADED,
        reported="left out 'notes.txt': a link or a special file",
        make_special=link_gradebook,
    ),
    Attack(
        "pipe",
        "Put a pipe beside the notebook, to be read for ever",
        outcome=GRADED,
        reported="left out 'data.csv': a link or a special file",
        make_special=pipe_beside,
    ),
    Attack(
        "no_time",
        "Hand in a timestamp.txt that is no time, to stop the whole run",
        files=(("timestamp.txt", "soon"),),
        outcome=GRADED,
        reported="left out timestamp.txt: the exchange writes such a file",
    ),
    # Files beside the notebook
    Attack(
        "module",
        "Hand in modules named as libraries, such as torch.py",
        "import torch, fnmatch, copy\n" + WRONG,
        outcome=GRADED,
        reported="the file 'torch.py' has a library's name",
        files=tuple((f"{name}.py", "raise SystemExit") for name in ("torch", "fnmatch", "copy")),
    ),
    Attack(
        "timestamp",
        "Hand in one's own timestamp.txt",
        outcome=GRADED,
        reported="left out timestamp.txt: the exchange writes such a file",
        files=(("timestamp.txt", "2000-01-01 00:00:00 UTC"),),
    ),
    # What runs and shows a cell
    Attack(
        "displayhook",
        "Show the points, then fail",
        IN_ADD.format("import sys; sys.displayhook(2.0)"),
        outcome=GRADED,
    ),
    Attack(
        "above_maximum",
        "Show more points than there are",
        IN_ADD.format("import sys; sys.displayhook(999)"),
        outcome=GRADED,
    ),
    Attack(
        "own_displayhook",
        "Replace sys.displayhook",
        WRONG + "import sys\nsys.displayhook = lambda value: None",
        outcome=GRADED,
    ),
    Attack(
        "ast_transformer",
        "Drop each assert by an AST transformer",
        WRONG + PASS_ALL + "get_ipython().ast_transformers.append(Drop())",
    ),
    Attack(
        "input_transformer",
        "Empty each test by an input transformer",
        WRONG + f"get_ipython().input_transformers_post.append({DRAIN})",
    ),
    Attack(
        "cleanup_transform",
        "Empty each test while it is cleaned up",
        WRONG + f"get_ipython().input_transformer_manager.cleanup_transforms.append({DRAIN})",
    ),
    Attack(
        "transform_cell",
        "Replace IPython's transform_cell",
        WRONG + "ip = get_ipython()\nip.transform_cell = lambda cell: 'pass'",
    ),
    Attack(
        "showtraceback",
        "Replace showtraceback, so that no error is seen",
        WRONG + "get_ipython().showtraceback = lambda *a, **k: None",
        outcome=GRADED,
    ),
    Attack(
        "custom_exception",
        "Handle AssertionError by a handler of one's own",
        WRONG + "get_ipython().set_custom_exc((AssertionError,), lambda *a, **k: None)",
        outcome=GRADED,
    ),
    Attack(
        "event",
        "Register a callback that runs before each cell",
        WRONG + "def better(*_):\n    globals()['add'] = lambda a, b: a + b\n"
        "get_ipython().events.register('pre_run_cell', better)",
    ),
    Attack(
        "run_cell",
        "Run a cell inside a cell, with get_ipython().run_cell",
        IN_ADD.format("get_ipython().run_cell('1')"),
        outcome=GRADED,
    ),
    Attack(
        "do_execute",
        "Replace the kernel's do_execute",
        WRONG + "async def done(*a, **k):\n    return {'status': 'ok', 'execution_count': 1}\n"
        "get_ipython().kernel.do_execute = done",
    ),
    Attack(
        "handlers",
        "Replace the kernel's handler of execute requests",
        WRONG + "get_ipython().kernel.shell_handlers['execute_request'] = print",
        outcome=GRADED,
    ),
    Attack(
        "message",
        "Send nbgrader a result by hand",
        IN_ADD.format("k = get_ipython().kernel; k.session.send(k.iopub_socket, 'status', {})"),
        outcome=GRADED,
    ),
    # What the tests call
    Attack(
        "equal",
        "Return an object that is equal to everything",
        EQUAL + "def add(a, b):\n    return Equal()",
    ),
    Attack(
        "equal_number",
        "Return a number that compares as it likes",
        "class Number(int):\n    def __eq__(self, other):\n        return other == other\n"
        "def add(a, b):\n    return Number(0)",
    ),
    Attack(
        "class_lie",
        "Return an object that lies about its class",
        "class Lie:\n    __class__ = property(lambda self: int)\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "made_class",
        "Make a lying class by type()",
        "Yes = type('Yes', (), {'__eq__': lambda *a: True})\ndef add(a, b):\n    return Yes()",
    ),
    Attack(
        "isclose",
        "Replace math.isclose",
        WRONG + "import math as m\nm.isclose = lambda *a, **k: True",
        outcome=GRADED,
    ),
    Attack(
        "library",
        "Replace torch.allclose and torch.testing.assert_close",
        WRONG + "import torch\ntorch.allclose = torch.testing.assert_close = lambda *a, **k: True",
        outcome=GRADED,
    ),
    Attack(
        "defaults",
        "Loosen the tolerances of torch.testing.assert_close",
        WRONG + "import torch\ntorch.testing.assert_close.__kwdefaults__['atol'] = 1e9",
        outcome=GRADED,
    ),
    Attack(
        "torch_mode",
        "Stand between torch and its callers with a TorchFunctionMode",
        WRONG + "from torch.overrides import TorchFunctionMode\n"
        "class Mode(TorchFunctionMode):\n"
        "    def __torch_function__(self, f, types, args=(), kwargs=None):\n"
        "        return True\n"
        "Mode().__enter__()",
        outcome=GRADED,
    ),
    Attack(
        "torch_hook",
        "Change what every torch module returns, by a global hook",
        WRONG + "from torch.nn.modules import module\n"
        "module.register_module_forward_hook(lambda m, i, o: o * 0)",
        outcome=GRADED,
    ),
    Attack(
        "numpy",
        "Replace numpy's functions with setattr",
        WRONG + "import numpy as n\nsetattr(n, 'all' + 'close', lambda *a, **k: True)",
        outcome=GRADED,
    ),
    Attack(
        "builtins",
        "Replace Python's own functions",
        WRONG + "import builtins\nbuiltins.sum = lambda *a: 3",
        outcome=GRADED,
    ),
    Attack(
        "assertion_error",
        "Replace AssertionError",
        WRONG + "import builtins\nbuiltins.AssertionError = type('Fine', (Exception,), {})",
        outcome=GRADED,
    ),
    Attack(
        "modules",
        "Put a module of one's own into sys.modules",
        WRONG + "import sys, types\nsys.modules['math'] = types.SimpleNamespace()",
        outcome=GRADED,
    ),
    Attack(
        "import_hook",
        "Change what later imports find",
        WRONG + "import sys\nclass Find:\n    def find_spec(self, *a):\n        return None\n"
        "sys.meta_path.insert(0, Find())",
        outcome=GRADED,
    ),
    Attack(
        "constant",
        "Overwrite a constant that the course gives",
        "def add(a, b):\n    return a\nLIMIT = 11",
        outcome=MENDED,
        reported="LIMIT, which the course gives, was replaced",
    ),
    Attack(
        "deleted",
        "Delete a constant that the course gives",
        WRONG + "del LIMIT",
        outcome=MENDED,
        reported="LIMIT, which the course gives, was replaced",
    ),
    Attack(
        "names",
        "Cover len, print and isinstance by names of one's own",
        WRONG + "len = isinstance = print = lambda *a: True",
        outcome=MENDED,
        reported="the name isinstance covered Python's own",
    ),
    # What the tests hold
    Attack(
        "history",
        "Read the test from the notebook's history",
        "def add(a, b):\n    return 3 if 'add(1, 2)' in In[-1] else 0",
        outcome=GRADED,
    ),
    Attack(
        "frame",
        "Read the test's variables from its frame",
        IN_ADD.format("import sys; sys._getframe(1).f_globals"),
        outcome=GRADED,
    ),
    Attack(
        "hidden_name",
        "Ask for _getframe by a name that is put together",
        IN_ADD.format("import sys; getattr(sys, '_get' + 'frame')"),
        outcome=GRADED,
    ),
    Attack(
        "traceback",
        "Read the test's frame from an error's traceback",
        "def add(a, b):\n    try:\n        1 / 0\n    except Exception as e:\n"
        "        return e.__traceback__.tb_frame.f_back.f_locals\n",
        outcome=GRADED,
    ),
    Attack(
        "source",
        "Read the test's text with inspect and linecache",
        IN_ADD.format("import inspect, linecache; inspect.stack(); linecache.cache"),
        outcome=GRADED,
    ),
    Attack(
        "disk",
        "Read the hidden tests from the disk",
        IN_ADD.format("open('tiny.ipynb').read()"),
        outcome=GRADED,
    ),
    Attack(
        "reference",
        "Import the reference",
        "from nexa_helpers import grpo_tcr\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "gradebook",
        "Write points into the gradebook",
        "import sqlite3\nsqlite3.connect('../../../gradebook.db')\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "command",
        "The same from a shell",
        "!sqlite3 ../../../gradebook.db 'update grade set auto_score = 2'\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "memory",
        "Search the interpreter's memory",
        IN_ADD.format("import gc; gc.get_objects()"),
        outcome=GRADED,
    ),
    Attack(
        "pointers", "Write into the interpreter's memory", "import ctypes\n" + WRONG, outcome=GRADED
    ),
    Attack(
        "is_graded",
        "Behave differently while nbgrader runs",
        "import os\n" + IN_ADD.format("os.environ.get('NBGRADER_EXECUTION')"),
        outcome=GRADED,
    ),
    # What runs beside the tests
    Attack(
        "trace",
        "Watch the tests with sys.settrace",
        WRONG + "import sys\nsys.settrace(lambda *a: None)",
        outcome=GRADED,
    ),
    Attack(
        "profile",
        "Watch the tests with sys.setprofile",
        WRONG + "import sys\nsys.setprofile(lambda *a: None)",
        outcome=GRADED,
    ),
    Attack(
        "thread",
        "Leave a thread that waits for the test",
        WRONG + "import threading\nstop = threading.Event()\ndef wait():\n    stop.wait(600)\n"
        "threading.Thread(target=wait, daemon=True).start()",
        outcome=GRADED,
    ),
    Attack(
        "event_loop",
        "Leave a callback in the event loop",
        WRONG + "import asyncio\nasyncio.get_running_loop().call_later(600, lambda: None)",
        outcome=GRADED,
    ),
    Attack(
        "timer",
        "Let a signal interrupt the test",
        WRONG + "import signal\nsignal.signal(signal.SIGALRM, lambda *a: None)",
        outcome=GRADED,
    ),
    Attack(
        "collector",
        "Let the garbage collector call back",
        WRONG + "import gc\ngc.callbacks.append(lambda *a: None)",
        outcome=GRADED,
    ),
    Attack(
        "destructor",
        "Do something when an object is destroyed",
        "class Late:\n    def __del__(self):\n        pass\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "at_exit", "Do something when the kernel ends", "import atexit\n" + WRONG, outcome=GRADED
    ),
    Attack(
        "child",
        "Leave a detached child behind",
        "import subprocess\nsubprocess.Popen(['sleep', '1'], start_new_session=True)\n" + WRONG,
        outcome=GRADED,
    ),
    Attack("fork", "Fork in a test", IN_ADD.format("import os; os.fork()"), outcome=GRADED),
    Attack(
        "kill",
        "Kill the grader by its process id",
        IN_ADD.format("import os; os.kill(os.getppid(), 0)"),
        outcome=GRADED,
    ),
    Attack("exit", "End the kernel", IN_ADD.format("import os; os._exit(0)"), outcome=GRADED),
    # Text that runs
    Attack(
        "exec",
        "Hide code in a text and execute it",
        "exec(bytes([112, 97, 115, 115]).decode())\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "pickle",
        "Hide code in an object's __reduce__",
        "class Late:\n    def __reduce__(self):\n        return print, ()\n" + WRONG,
        outcome=GRADED,
    ),
    Attack(
        "code_object",
        "Exchange the code of a function",
        WRONG + "add.__code__ = (lambda a, b: 3).__code__",
        outcome=GRADED,
    ),
    Attack(
        "unicode",
        "Write a forbidden name in other letters",
        IN_ADD.format("import sys; sys._getfr𝐚me(1)"),
        outcome=GRADED,
    ),
    # Ways to fail that must give nothing
    Attack(
        "system_exit",
        "Raise SystemExit in the test",
        "def add(a, b):\n    raise SystemExit\n",
        outcome=GRADED,
    ),
    Attack(
        "sys_exit",
        "Call sys.exit(0) in the test",
        "import sys\ndef add(a, b):\n    sys.exit(0)\n",
        outcome=GRADED,
    ),
    Attack(
        "interrupt",
        "Raise KeyboardInterrupt in the test",
        "def add(a, b):\n    raise KeyboardInterrupt\n",
        outcome=GRADED,
    ),
    Attack(
        "recursion",
        "Call oneself for ever",
        "def add(a, b):\n    return add(a, b)\n",
        outcome=GRADED,
    ),
    Attack(
        "low_recursion_limit",
        "Leave the test and the guard no room on the stack",
        WRONG + "import sys\nsys.setrecursionlimit(40)",
        outcome=GRADED,
    ),
    Attack(
        "stdout",
        "Close the output",
        WRONG + "import sys\nsys.stdout.close()",
        outcome=GRADED,
    ),
    Attack(
        "no_stdout",
        "Replace the output",
        WRONG + "import io, sys\nsys.stdout = io.StringIO()",
        outcome=MENDED,
        reported="sys.stdout was replaced",
    ),
    Attack(
        "other_language",
        "Write the answer in a cell magic, so that it runs elsewhere",
        "%%script true\n" + WRONG,
        outcome=GRADED,
    ),
]
