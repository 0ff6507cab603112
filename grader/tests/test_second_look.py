"""The second look: who gets points for what is not there is held, and nobody else is."""

import json
import os
import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from bwrap import needs_sandbox
from nexa_grade.errors import Refusal
from nexa_grade.second_look import look, runner, sandboxed_run
from nexa_grade.second_look.probe import (
    Probe,
    load_table,
    nearly_equal,
    sandboxed_part,
    without_probe,
)
from nexa_grade.second_look.table_text import read_table
from tiny_course import FULL, HARDENED, NAME, PROBES, TinyCourse, source_notebook
from traitlets.config import Config

POINTS = {"add-test": 2.0, "limit-test": 1.0, "double-test": 3.0}
CONFIG = HARDENED + (
    "c.NexaGrade.probes = {'tiny': 'probes.py'}\n"
    "c.NexaGrade.preload = ['json']\n"
    "c.SecondLook.seconds_per_probe = 3.0\n"
    "c.WatchForForgery.accepted = ['accepted']\n"
)
BY_HEART = "def add(a, b):\n    return {(1, 2): 3, (2, 2): 4, (10, 1): 11}[a, b]\n"
SUBMITTED = {
    "right": {},
    "other_way": {"add": "import math\nSUM = math.fsum\ndef add(a, b):\n    return SUM([a, b])"},
    "blank": {"add": "def add(a, b):\n    raise NotImplementedError"},
    "wrong_double": {"double": "def double(x):\n    return x * x"},
    "covers_a_given_name": {"add": "LIMIT = 'mine'\ndef add(a, b):\n    return a + b"},
    "in_a_timed_cell": {"add": "%%time\ndef add(a, b):\n    return a + b"},
    "by_heart": {"add": BY_HEART},
    "accepted": {"add": BY_HEART},
    "hangs": {"add": "def add(a, b):\n    while a > 99: pass\n    return a + b"},
    "ends": {"add": "def add(a, b):\n    if a > 99: raise SystemExit\n    return a + b"},
    "no_data": {"double": "def double(x):\n    return 8 if x == 4 else open"},
}  # fmt: skip
HELD = {"by_heart": "add-test", "hangs": "add-test", "ends": "add-test", "no_data": "double-test"}


class Graded:
    """The tiny course, graded by nexa-grade with a second look."""

    def __init__(self, folder: Path):
        self.course = TinyCourse(folder, CONFIG)
        (folder / "probes.py").write_text(PROBES)
        for name, answers in SUBMITTED.items():
            self.course.submit(name, self.course.solved(**answers))
        command = "from nexa_grade.command import main; main()"
        self.done = self.course.run("-c", command, NAME, "--workers", "1")

    def outcome(self, student: str) -> dict:
        path = self.course.folder / "nexa-grade" / NAME / "outcomes" / student / "outcome.json"
        return json.loads(path.read_text())["outcome"]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    return Graded(tmp_path_factory.mktemp("looked"))


@needs_sandbox
@pytest.mark.parametrize("student", [name for name in SUBMITTED if name not in HELD])
def test_who_does_what_the_points_say_keeps_them(graded, student):
    lost = {
        "blank": {"add-test": 0.0, "limit-test": 0.0},
        "wrong_double": {"double-test": 0.0},
    }
    assert graded.course.scores(student) == FULL | lost.get(student, {})


@needs_sandbox
@pytest.mark.parametrize(("student", "cell"), HELD.items())
def test_points_for_what_is_not_there_are_held(graded, student, cell):
    outcome = graded.outcome(student)
    assert outcome["status"] == "held for a person"
    assert f"score and behavior disagree: {cell}: call_" in outcome["reason"]
    assert {each["cell"] for each in outcome["violations"]} == {cell}
    assert set(graded.course.scores(student).values()) == {None}
    assert not graded.course.autograded(student).exists()


@needs_sandbox
def test_who_was_looked_at_is_graded_and_it_stays_on_record(graded):
    assert [each["cell"] for each in graded.outcome("accepted")["violations"]] == ["add-test"]
    assert graded.outcome("accepted")["status"] == "graded"


@needs_sandbox
def test_tests_without_a_probe_are_named_with_their_points(graded):
    assert "no second look: limit-test (1 points)" in graded.done.stdout


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (PROBES.replace("double-test", "dubble-test"), "expected grade ids of tests, got dubble"),
        (PROBES.replace("double-test", "add-test"), "more than one probe begins with add-test"),
        (PROBES.replace("PROBES", "ROWS"), "expected a list PROBES"),
        ("PROBES = [1]", "expected a list PROBES"),
        ("PROBES =", "SyntaxError"),
    ],
)
def test_a_table_with_a_mistake_is_refused(table, said):
    with pytest.raises(Refusal, match=said):
        load_table(table, "probes.py", POINTS)


SHARED = "import random\nfrom typing import Any\n\ndef draw_number(rng):\n    return rng.random()\n"
ADD = """
from typing import Any
from nexa_grade.second_look.probe import Probe
from .shared import draw_number
def call_add(namespace: Any, number):
    return namespace["add"](number, 1)
PROBES: list[Probe] = [Probe(("add-test",), draw_number, call_add)]
"""
DOUBLE = (
    ADD.replace("call_add", "call_double").replace("add", "double").replace(": list[Probe]", "")
)
FOLDER = {"shared": SHARED, "add": ADD, "double": DOUBLE}


def folder_of(path: Path, modules: dict[str, str]) -> Path:
    path.mkdir()
    for name, text in modules.items():
        (path / f"{name}.py").write_text(text)
    return path


def test_a_folder_of_modules_is_one_table(tmp_path):
    text = read_table(folder_of(tmp_path / "probes", FOLDER))
    probes = load_table(text, "probes", POINTS)
    assert [probe.name for probe in probes] == ["add-test", "double-test"]
    assert {probe.draw for probe in probes} == {probes[0].draw}
    called = runner.definitions_of(sandboxed_part(text, frozenset(["call_add"])))
    assert called["call_add"]({"add": lambda a, b: a + b}, 2) == 3
    assert not {"draw_number", "call_double", "PROBES"} & called.keys()


def test_one_file_is_read_as_it_stands(tmp_path):
    (tmp_path / "probes.py").write_text(PROBES)
    assert read_table(tmp_path / "probes.py") == PROBES


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (
            {"shared": SHARED + "def call_add(): ..."},
            r"one definition of call_add.*add\.py, shared",
        ),
        ({"shared": SHARED + "import math as Any"}, r"expected one definition of Any"),
        ({"shared": SHARED + "from .add import call_add"}, "import each other: "),
        ({"shared": "from . import add"}, r"shared\.py, line 1: expected `from \.module import"),
        ({"shared": "from ..add import x"}, r"shared\.py, line 1: expected"),
        ({"shared": "from .nobody import x"}, r"got `from \.nobody import x`"),
        ({"shared": "from .add import call_add as x"}, r"shared\.py, line 1: expected"),
        ({"shared": "def f():\n    from .add import call_add"}, r"shared\.py, line 2: expected"),
        ({"shared": "def"}, r"shared\.py: SyntaxError"),
    ],
)
def test_a_folder_that_makes_no_single_text_is_refused(tmp_path, modules, said):
    with pytest.raises(Refusal, match=said):
        read_table(folder_of(tmp_path / "probes", FOLDER | modules))


def test_tests_without_a_probe():
    assert without_probe(load_table(PROBES, "probes.py", POINTS), POINTS) == {"limit-test": 1.0}


@pytest.mark.parametrize(
    ("expected", "got", "is_equal"),
    [
        (1.0, 1.00000001, True),
        (1.0, 1.1, False),
        (1, 1.0, True),
        (1.0, "1.0", False),
        (float("nan"), float("nan"), True),
        (0.0, float("nan"), False),
        ([1, [2.0]], [1, [2.0]], True),
        ([1, 2], [1, 2, 3], False),
        ([1], {"0": 1}, False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (None, None, True),
        (None, 0, False),
        ("a", "a", True),
        (2.0, 10**400, False),
    ],
)
def test_plain_data_are_compared(expected, got, is_equal):
    probe = Probe(("x",), lambda rng: 0, lambda namespace, given: 0)
    assert probe.judge(expected, got) == is_equal
    if got != 10**400:  # a number that no float can hold: only `judge` forgives it
        assert nearly_equal(expected, got) == is_equal


def test_inputs_differ_by_seed_and_by_case():
    probe = load_table(PROBES, "probes.py", POINTS)[0]
    drawn = [*look.draw_inputs(probe, 1), *look.draw_inputs(probe, 2)]
    assert len({tuple(pair) for pair in drawn}) == 2 * probe.cases
    assert look.draw_inputs(probe, 1) == drawn[: probe.cases]


def test_no_test_and_no_reference_reaches_the_sandbox():
    notebook = source_notebook()
    probes = load_table(PROBES, "probes.py", POINTS)
    texts = [cell["text"] for cell in look.make_request(notebook, probes, PROBES, 1)["cells"]]
    tests = [cell.source for cell in notebook.cells if "assert" in cell.source]
    assert len(tests) == 3
    assert not set(tests) & set(texts)


def run_cells(*texts: str, given: tuple[int, ...] = (), whole: bool = True) -> dict:
    space: dict = {}
    cells = [
        {"text": text, "is_given": i in given, "is_whole": whole and i not in given}
        for i, text in enumerate(texts)
    ]
    runner.run_cells(cells, space)
    return space


def test_a_statement_that_fails_costs_itself_alone():
    space = run_cells("a = 1\nnobody_knows()\ndef f():\n    return a", "this is no Python", "b = 2")
    assert (space["f"](), space["b"]) == (1, 2)


@pytest.mark.parametrize(
    ("source", "python"),
    [
        ("a = 1", "a = 1"),
        ("%time a = 1", "pass"),
        ("!ls\na = 1", "pass\na = 1\n"),
        ("get_ipython().run_line_magic('time', 'a')\na = 1", "pass\na = 1\n"),
        ("%%time\na = 1", "a = 1\n"),
        ("  a = 1", "a = 1\n"),
    ],
)
def test_magics_are_taken_out_of_a_cell(source, python):
    assert runner.as_python(source).strip() == python.strip()


def test_of_a_cell_that_is_no_answer_only_definitions_run():
    text = "import math\nPROBES = dict(a=1)\nx = 3\ny = max(1, 2)\nprint(y)\nfor i in (1,): z = i"
    space = run_cells(text, whole=False)
    assert {"math", "PROBES", "x"} <= set(space)
    assert not {"y", "z", "i"} & set(space)


def test_a_function_finds_what_a_notebook_has_without_an_import():
    text = "def shown(x):\n    display(x)\n    return get_ipython() is None and x"
    cells = [{"text": text, "is_given": False, "is_whole": True}]
    assert runner.make_namespace(cells, {})["shown"](7) == 7


def test_waiting_for_a_graphics_card_does_nothing_where_there_is_none(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("not compiled with CUDA")

    def part(is_available):
        return SimpleNamespace(synchronize=refuse, is_available=lambda: is_available)

    torch = SimpleNamespace(cuda=part(False), mps=part(True))
    torch.backends = SimpleNamespace(mps=torch.mps)
    monkeypatch.setitem(sys.modules, "torch", torch)
    cells = [{"text": "import torch", "is_given": False, "is_whole": True}]
    runner.make_namespace(cells, {}, ["synchronize"])
    torch.cuda.synchronize("cuda:0")
    with pytest.raises(AssertionError):
        torch.mps.synchronize()


def test_what_is_given_is_put_back():
    space = run_cells(
        "def tool():\n    return 1\nLIMIT = 1", "def tool():\n    return 2\nLIMIT = 2", given=(0,)
    )
    assert (space["tool"](), space["LIMIT"]) == (1, 1)


def test_a_part_of_a_given_module_stays():
    import time as module

    space = run_cells("import time, copy", "from time import time\ncopy = 1", given=(0,))
    assert space["time"] is module.time
    assert space["copy"].deepcopy([1]) == [1]


def test_a_cell_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr(runner, "SECONDS_A_CELL", 0.2)
    assert run_cells("while True: pass", "a = 1")["a"] == 1


CALLS = {
    "right": lambda namespace, given: given + 1,
    "hangs": lambda namespace, given: time.sleep(600),
    "ends": lambda namespace, given: os._exit(0),
    "is_killed": lambda namespace, given: os.kill(os.getpid(), 9),
    "raises": lambda namespace, given: 1 / 0,
    "exits": lambda namespace, given: exit(),
    "writes_much": lambda namespace, given: "x" * 2**21,
    "no_data": lambda namespace, given: open,
}


def run_probes(*names: str, seconds_in_all: float = 60) -> dict[str, list]:
    rows = [{"name": f"{i}", "call": name, "inputs": [1, 2]} for i, name in enumerate(names)]
    request = {"probes": rows, "seconds": 0.5, "seconds_in_all": seconds_in_all}
    return {name: json.loads(said or "[]") for name, said in runner.run_probes(request, CALLS, {})}


@pytest.mark.parametrize("name", [name for name in CALLS if name != "right"])
def test_a_probe_that_gives_nothing_costs_itself_alone(name):
    right = [{"got": 2}, {"got": 3}]
    found = run_probes("right", name, "right", name, "right")
    assert [found[key] for key in ("0", "2", "4")] == [right] * 3
    assert not any("got" in result for key in ("1", "3") for result in found[key])


def test_when_the_time_is_over_nothing_more_is_run():
    assert run_probes("right", "right", seconds_in_all=0) == {"0": [], "1": []}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"7", b'{"probe": "a"}', b'{"probe": "a", "results": "["}',
        b'{"probe": "a", "results": "[1]"}', b'{"probe": "a", "results": 7}', b"[" * 100_000,
        b'{"probe": "a", "results": "9"}', b"1" * 10_000,
    ],
)  # fmt: skip
def test_a_malformed_line_is_left_out(line):
    good = json.dumps({"probe": "b", "results": json.dumps([{"got": 1}])}).encode()
    assert sandboxed_run.read_results(line + b"\n" + good) == {"b": [{"got": 1}]}


def test_a_first_answer_counts():
    lines = [json.dumps({"probe": "a", "results": f'[{{"got": {i}}}]'}) for i in (1, 2)]
    assert sandboxed_run.read_results("\n".join(lines).encode()) == {"a": [{"got": 1}]}


@needs_sandbox
@pytest.mark.parametrize("preload", [[], ["json"]], ids=["started", "forked"])
def test_the_process_sees_the_students_files_and_nothing_of_the_grader(tmp_path, preload):
    table = (
        "import importlib.util, os\n"
        "def call_look(namespace, given):\n"
        "    files = sorted(os.listdir('/submission'))\n"
        "    return [files, importlib.util.find_spec('nexa_grade') is None, given]\n"
    )
    (tmp_path / "data.csv").write_text("1")
    (tmp_path / "tests.ipynb").write_text("{}")
    request = {
        "cells": [],
        "nothing_to_do": [],
        "table": table,
        "probes": [{"name": "a", "call": "call_look", "inputs": [1]}],
    }
    config = Config({"SandboxedExecute": {"sandbox": True}})
    config.BubblewrapProvisioner.preload = preload
    found = sandboxed_run.run_request(request, tmp_path, sandboxed_run.Limits(60, 60), config)
    assert found == {"a": [{"got": [["data.csv", "second-look"], True, 1]}]}


def test_a_reference_that_fails_holds_nobody(tmp_path, monkeypatch):
    import nbformat

    notebook = source_notebook()
    sources = ((NAME, nbformat.writes(notebook)),)
    table = look.Table("probes.py", PROBES, sources, tuple(POINTS.items()))
    right = [{"got": 8}] * 3
    answers = [{"double-test": right}, {"double-test": right, "add-test": []}]
    monkeypatch.setattr(look, "run_request", lambda *_: answers.pop(0))
    seed = random.getrandbits(60)
    earned = {"add-test": 2.0, "double-test": 3.0}
    found = look.look_again(table, NAME, notebook, earned, tmp_path, Config(), seed)
    assert found == ([], ["add-test"])
