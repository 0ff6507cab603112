"""Attacks that use no name of the tables of forbidden names that the grader once had.

They were written with the blank release and the grader's code at hand. Most aim at the tests, some
at the second look itself: at what it reads, what it is told, and when it runs. `TECHNIQUES` has
each under the kind of trick that it is.
"""

from attacks import GRADED, MENDED, PASS_ALL, WRONG, Attack

KNOWN = "{(1, 2): 3, (2, 2): 4, (10, 1): 11}"  # what the tests ask, one of them guessed
BY_HEART = f"KNOWN = {KNOWN}\ndef add(a, b):\n    return KNOWN[a, b]\n"
IS_HERE = 'HERE = "get_ipython" in globals()\n'  # False where no notebook runs
LISTS = """
from IPython.core.interactiveshell import InteractiveShell as Shell
def lists():
    parts = Shell.instance().trait_values() if Shell.initialized() else {}
    return next((part for name, part in parts.items() if name[:5] == "ast_t"), [])
"""
DROP = WRONG + PASS_ALL + LISTS
INSTALL = "lists().append(Drop())\n"
FORGED = r"""b'{"probe": "add-test", "results": "[]"}\n'"""


def elsewhere(inside: str, before: str = "") -> str:
    """Write an answer by heart that does something else where no notebook runs."""
    lines = "".join(f"        {line}\n" for line in inside.splitlines())
    first = f"{before}KNOWN = {KNOWN}\ndef add(a, b):\n    if not HERE:\n"
    return IS_HERE + first + lines + "    return KNOWN.get((a, b), 0)\n"


def attack(name: str, what: str, add: str, **more: object) -> Attack:
    return Attack(name, what, add, **more)  # type: ignore[arg-type]


YES = "lambda *a: True"
MODULE = f"""
from pathlib import Path
import sys, tempfile
folder = tempfile.mkdtemp()
Path(folder, "tools_of_mine.py").write_text({PASS_ALL + LISTS + INSTALL!r})
sys.path.append(folder)
import tools_of_mine
"""
EXTENSION = PASS_ALL + LISTS + "def load_ipython_extension(ip):\n    " + INSTALL
READ_STACK = "    found = re.findall(r'assert .*== (\\d+)', {})\n    return int(found[-1])\n"

TECHNIQUES = {
    "objects that are equal to everything, without a method that says so": [
        attack(
            "ready_made",
            "Return an object of Python's own tests that equals all",
            "from test.support import ALWAYS_EQ\ndef add(a, b):\n    return ALWAYS_EQ",
        ),
        attack(
            "joined_name",
            "Give a class its comparison by a name that is put together",
            f"class Yes: pass\nsetattr(Yes, '__' + 'eq' + '__', {YES})\n"
            "def add(a, b):\n    return Yes()",
        ),
        attack(
            "made_dataclass",
            "Let dataclasses make the class",
            "from dataclasses import make_dataclass\n"
            f"Yes = make_dataclass('Yes', [], namespace={{f\"__{{'eq'}}__\": {YES}}}, eq=False)\n"
            "def add(a, b):\n    return Yes()",
        ),
    ],
    "classes that change when they are made": [
        attack(
            "metaclass",
            "Let a metaclass prepare the class's body",
            "class Kind(type):\n    @classmethod\n    def __prepare__(cls, name, bases):\n"
            f"        return {{'__{{}}__'.format('eq'): {YES}}}\n"
            "class Yes(metaclass=Kind): pass\ndef add(a, b):\n    return Yes()",
        ),
        attack(
            "subclass_hook",
            "Change a class when it is inherited from",
            "class Base:\n    def __init_subclass__(cls):\n"
            f"        setattr(cls, f\"__{{'eq'}}__\", {YES})\n"
            "class Yes(Base): pass\ndef add(a, b):\n    return Yes()",
        ),
        attack(
            "descriptor",
            "Change a class when its part learns its name",
            "class Part:\n    def __set_name__(self, owner, name):\n"
            f"        setattr(owner, f\"__{{'eq'}}__\", {YES})\n"
            "class Yes:\n    part = Part()\ndef add(a, b):\n    return Yes()",
        ),
    ],
    "answers by heart, kept where few look": [
        attack(
            "generator",
            "Give the known answers in the order of the tests",
            "ANSWERS = iter((3, 4, 11))\ndef add(a, b):\n    return next(ANSWERS, 0)",
        ),
        attack(
            "default_argument",
            "Keep them in a default argument",
            f"def add(a, b, known={KNOWN}):\n    return known.get((a, b), 0)",
        ),
        attack(
            "closure",
            "Keep them in a closure that counts the calls",
            "def make():\n    count = 0\n    def add(a, b):\n        nonlocal count\n"
            "        count += 1\n        return (0, 3, 4, 11)[count] if count < 4 else 0\n"
            "    return add\nadd = make()",
        ),
        attack(
            "class_body",
            "Let a class stand for the function",
            f"class add:\n    known = {KNOWN}\n    def __new__(cls, a, b):\n"
            "        return cls.known.get((a, b), 0)",
        ),
        attack(
            "decorator",
            "Let a decorator answer",
            "def known(function):\n    return lambda a, b: "
            f"{KNOWN}.get((a, b), 0)\n@known\n" + WRONG,
        ),
        attack(
            "modulus",
            "Be right for small numbers alone",
            "def add(a, b):\n    return (a + b) % 97",
        ),
    ],
    "telling the second look from a test": [
        attack(
            "large_input",
            "End the process where the input is large",
            BY_HEART.replace("    return", "    if a > 99:\n        raise SystemExit\n    return"),
        ),
        attack("no_shell", "Give nothing where no notebook runs", elsewhere("return None")),
        attack(
            "waits",
            "Wait where no notebook runs, until nobody waits any more",
            elsewhere("while True: time.sleep(1)", "import time\n"),
        ),
        attack(
            "killed",
            "Kill the process where no notebook runs",
            elsewhere("signal.raise_signal(9)", "import signal\n"),
        ),
        attack(
            "memory_full", "Fill the memory where no notebook runs", elsewhere("bytearray(2**40)")
        ),
    ],
    "the test's own text, from where errors are told": [
        attack(
            "stack_text",
            "Read the expected value from a printed stack",
            "import re, traceback\ndef add(a, b):\n    text = ''.join(traceback.format_stack())\n"
            + READ_STACK.format("text"),
        ),
        attack(
            "log_record",
            "Read it from the record of a log",
            "import logging, re\nTEXTS = []\nclass Keep(logging.Handler):\n"
            "    def emit(self, record):\n        TEXTS.append(record.stack_info)\n"
            "log = logging.getLogger('mine')\nlog.addHandler(Keep())\nlog.propagate = False\n"
            "def add(a, b):\n    log.error('', stack_info=True)\n" + READ_STACK.format("TEXTS[-1]"),
        ),
    ],
    "text that some function of the library runs": [
        attack(
            "timed_text",
            "Hide code in a text, backwards, and time it",
            DROP + f"import timeit\ntimeit.timeit({INSTALL[::-1].strip()!r}[::-1], number=1, "
            "globals=dict(lists=lists, Drop=Drop))",
        ),
        attack(
            "type_hint",
            "Hide code in a type hint",
            DROP + "from typing import get_type_hints\nclass Hint: pass\n"
            "Hint.__annotations__ = {'x': 'lists().ap' + 'pend(Drop())'}\n"
            "try:\n    get_type_hints(Hint, dict(lists=lists, Drop=Drop))\n"
            "except Exception: pass",
        ),
    ],
    "code that is in no cell": [
        attack("module_on_disk", "Write a module and import it", WRONG + MODULE),
        attack(
            "extension",
            "Hand in an extension of IPython and load it",
            WRONG + "import os, sys\nsys.path.append(os.getcwd())\n%load_ext kit_of_mine",
            files=(("kit_of_mine.py", EXTENSION),),
        ),
    ],
    "what runs cells, by other ways": [
        attack("traits", "Find the list of transformers among the traits", DROP + INSTALL),
        attack(
            "undone",
            "The same, and take it away before the end",
            DROP + "class Once(Drop):\n    left = 2\n    def visit_Module(self, node):\n"
            "        self.left -= any(isinstance(part, ast.Assert) for part in node.body)\n"
            "        if self.left <= 0 and self in lists(): lists().remove(self)\n"
            "        return self.generic_visit(node)\nlists().append(Once())\n",
        ),
        attack(
            "compiler",
            "Change the class that compiles cells",
            WRONG + "import ast, inspect\nimport IPython.core.compilerop as module\n"
            "for name, kind in inspect.getmembers(module, inspect.isclass):\n"
            "    if hasattr(kind, 'ast_parse'):\n"
            "        kind.ast_parse = lambda self, source, *a, **k: ast.parse('pass')\n",
        ),
    ],
    "code that runs beside a test": [
        attack(
            "thread_timer",
            "Let a thread do it a moment later",
            DROP + "import threading\n"
            "threading.Timer(0.01, lambda: lists().append(Drop())).start()",
        ),
        attack(
            "task",
            "Let a task of the event loop do it",
            DROP + "import asyncio\nasync def later():\n    " + INSTALL + "try:\n"
            "    task = asyncio.get_running_loop().create_task(later())\n"
            "except RuntimeError: pass",
        ),
    ],
    "messages of the second look's process": [
        attack(
            "no_results",
            "Let every result be written as none",
            BY_HEART + IS_HERE + "import json\nif not HERE:\n    json.dumps = lambda *a, **k: '[]'",
        ),
        attack(
            "forged_line",
            "Write a line into every channel before the grader does",
            BY_HEART + IS_HERE + "import os\nif not HERE:\n    for number in range(3, 30):\n"
            f"        try: os.write(number, {FORGED})\n        except OSError: pass",
        ),
        attack(
            "flood",
            "Fill every channel, so that no result is read",
            BY_HEART + IS_HERE + "import os\nif not HERE:\n    for number in range(3, 30):\n"
            "        try: os.write(number, bytes(5_000_000))\n        except OSError: pass",
        ),
        attack(
            "finalizer",
            "Write it when an object is thrown away",
            BY_HEART + IS_HERE + "import os, weakref\nclass Thing: pass\nthing = Thing()\n"
            f"if not HERE:\n    weakref.finalize(thing, os.write, 3, {FORGED})",
        ),
    ],
    "numbers that compare in a strange way": [
        attack(
            "not_a_number",
            "Give what is no number where the input is not known",
            f"KNOWN = {KNOWN}\ndef add(a, b):\n    return KNOWN.get((a, b), float('nan'))",
        ),
        attack(
            "too_large",
            "Give a number that no float can hold",
            f"KNOWN = {KNOWN}\ndef add(a, b):\n    return KNOWN.get((a, b), 10**400)",
        ),
    ],
    "the reference, from the disk or from a package": [
        attack(
            "request",
            "Read what the second look has written for its process",
            "from pathlib import Path\nimport json\ndef add(a, b):\n"
            "    path = Path('second-look/request.json')\n"
            f"    asked = json.loads(path.read_text()) if path.exists() else {KNOWN}\n"
            "    return asked.get('expected', 0) if path.exists() else asked[a, b]",
        ),
        attack(
            "disk_search",
            "Search the disk for the instructor's notebook",
            "import glob, re\ndef add(a, b):\n"
            "    for path in glob.glob('/tmp/**/*.ipynb', recursive=True):\n"
            "        if 'BEGIN SOLUTION' in open(path).read():\n            return a + b\n"
            "    return 0",
            outcome=GRADED,
        ),
        attack(
            "package_search",
            "Search the installed packages for the course's or the grader's",
            "import importlib, pkgutil\ndef add(a, b):\n"
            "    for one in pkgutil.iter_modules():\n"
            "        if one.name.startswith('nexa'):\n            return a + b\n"
            "    return 0",
            outcome=GRADED,
        ),
    ],
    "errors that a kernel may take for none": [
        attack(
            "cancelled",
            "Raise what asyncio raises when a task is cancelled",
            "import asyncio\ndef add(a, b):\n    raise asyncio.CancelledError",
            outcome=GRADED,
        ),
        attack(
            "skipped",
            "Raise what unittest raises to skip a test, and clear the output",
            "import unittest\nfrom IPython.display import clear_output\ndef add(a, b):\n"
            "    clear_output()\n    raise unittest.SkipTest",
            outcome=GRADED,
        ),
    ],
    "names that the course gives": [
        attack(
            "given_name",
            "Let a constant of the course be an object that equals all",
            f"class Yes(int): pass\nsetattr(Yes, f\"__{{'eq'}}__\", {YES})\n"
            "for LIMIT in (Yes(10),): pass\ndef add(a, b):\n    return LIMIT",
            outcome=MENDED,
            reported="LIMIT, which the course gives, was replaced",
        ),
    ],
}
NEW_ATTACKS = [one for attacks in TECHNIQUES.values() for one in attacks]
