"""Attacks that gain points where nobody looks for them: the second look alone holds each one."""

import json
import os

import pytest
from attacks import ATTACKS, NO_SCORE
from bwrap import needs_sandbox
from test_second_look import CONFIG, TABLE
from tiny_course import FULL, NAME, TinyCourse

GAIN = (  # with neither the text search nor the guard
    *("ast_transformer", "input_transformer", "cleanup_transform", "transform_cell", "event"),
    *("do_execute", "equal", "equal_number", "made_class", "constant"),
)
OFF = """
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.forgery.watch import WatchForForgery


class NoWatch(WatchForForgery):
    def preprocess(self, nb, resources):
        return nb, resources


class NoGuard(SandboxedExecute):
    def tell(self, nb, *signs):
        pass

    def preprocess_cell(self, cell, resources, index):
        self.execute_cell(cell, index, store_history=True)
        return cell, resources
"""
SWITCHES = "".join(
    f"c.Autograde.autograde_preprocessors[{i}] = 'nobody_looks.{name}'\n"
    for i, name in enumerate(("NoWatch", "NoGuard"))
)


HONEST = "import sys\nFRAME = sys._getframe()\n\ndef add(a, b):\n    return a + b"  # a sign


def graded(folder, config, submit):
    """Grade a class where each test has a probe; returns its course and its outcomes by student."""
    course = TinyCourse(folder, CONFIG + config)
    (folder / "probes.py").write_text(TABLE.replace('"add-test",', '"add-test", "limit-test"'))
    (folder / "nobody_looks.py").write_text(OFF)
    submit(course)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        course.run("-c", "from nexa_grade.command import main; main()", NAME, "--workers", "1")
    places = (course.folder / "nexa-grade" / NAME / "outcomes").glob("*/outcome.json")
    return course, {path.parent.name: json.loads(path.read_text())["outcome"] for path in places}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    def submit(course):
        for attack in ATTACKS:
            if attack.name in GAIN:
                attack.submit(course)

    return graded(tmp_path_factory.mktemp("alone"), SWITCHES, submit)


@needs_sandbox
@pytest.mark.parametrize("name", GAIN)
def test_an_attack_that_nobody_looks_for_is_held(outcomes, name):
    course, found = outcomes
    assert found[name]["status"] == "held for a person"
    assert "score and behavior disagree" in found[name]["reason"]
    assert course.scores(name) == NO_SCORE


@needs_sandbox
def test_where_each_test_has_a_probe_a_sign_is_told_and_holds_nobody(tmp_path):
    def submit(course):
        course.submit("honest", course.solved(add=HONEST))

    course, found = graded(tmp_path, "", submit)
    assert found["honest"]["status"] == "graded"
    assert course.scores("honest") == FULL
    assert [each["cell"] for each in found["honest"]["violations"]] == ["add"]
