"""No known attack gains points unreported: some graded end to end, each given a second look."""

from types import SimpleNamespace

import nbformat
import pytest
from attacks import (
    ATTACKS,
    CONFIG,
    GRADED,
    HELD,
    NO_SCORE,
    WRONG,
    Attack,
    grade,
    is_code,
    make_course,
    what_is_wrong,
)
from bwrap import needs_sandbox
from honest_lines import HONEST
from new_attacks import NEW_ATTACKS, TECHNIQUES
from nexa_grade.second_look import look
from tiny_course import FULL, NAME, PROBES, TinyCourse, source_notebook
from traitlets.config import Config

ALL = [*ATTACKS, *NEW_ATTACKS]
# One of each kind, through the whole grader. `authoring.security_report` grades them all.
END_TO_END = (
    *("skip_tag", "solution_flag", "ids", "cell_type", "weak_test", "twin", "no_test", "link"),
    *("linked_folder", "pipe", "no_time", "module", "timestamp", "constant", "names", "no_stdout"),
    *("equal", "ast_transformer", "above_maximum", "low_recursion_limit", "kill", "exit"),
    *("ready_made", "default_argument", "killed", "waits", "stack_text", "traits", "forged_line"),
)  # fmt: skip
RIGHT = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    chosen = [attack for attack in ALL if attack.name in END_TO_END]
    course = make_course(tmp_path_factory.mktemp("attacks"), chosen)
    course.submit("honest", course.solved(add="import sys\nFRAME = sys._getframe()\n" + RIGHT))
    return SimpleNamespace(course=course, outcomes=grade(course))


@needs_sandbox
@pytest.mark.parametrize("attack", [a for a in ALL if a.name in END_TO_END], ids=lambda a: a.name)
def test_an_attack_gains_no_point_unreported(graded, attack):
    scores = graded.course.scores(attack.name)
    assert what_is_wrong(attack, scores, graded.outcomes[attack.name]) == ""


@needs_sandbox
def test_a_held_submission_is_ungraded_and_not_a_zero(graded):
    assert graded.course.scores("equal") == NO_SCORE
    assert set(graded.course.ungraded("equal")) == {"add-test", "limit-test", "double-test"}
    assert not graded.course.autograded("equal").exists()


@needs_sandbox
def test_an_unusual_line_beside_a_right_answer_holds_nobody(graded):
    assert graded.outcomes["honest"]["status"] == "graded"
    assert graded.outcomes["honest"]["violations"] == []
    assert graded.course.scores("honest") == FULL


# The second look alone: whatever came of the tests, each submission has full points here.

EARNED = {"add-test": 2.0, "limit-test": 1.0, "double-test": 3.0}


class Looker:
    """Gives answers to the second look, in the sandbox, as if they had full points."""

    def __init__(self, folder):
        self.course = TinyCourse(folder, CONFIG)
        table = PROBES.replace('"add-test",', '"add-test", "limit-test"')
        sources = ((NAME, nbformat.writes(source_notebook())),)
        self.table = look.Table("probes.py", table, sources, tuple(EARNED.items()))
        self.config = Config({"SandboxedExecute": {"sandbox": True}})
        self.config.BubblewrapProvisioner.preload = ["json", "torch"]
        self.config.SecondLook.seconds_per_probe = 3.0

    def disagree(self, add: str, files: tuple[tuple[str, str], ...] = ()) -> set[str]:
        """Name the tests whose points are not believed."""
        folder = self.course.folder / "files"
        folder.mkdir(exist_ok=True)
        for name, text in files:
            (folder / name).write_text(text)
        notebook = self.course.solved(add=add)
        found, unusable = look.look_again(
            self.table, NAME, notebook, EARNED, folder, self.config, seed=1
        )
        assert unusable == []
        return {each.cell for each in found}


@pytest.fixture(scope="module")
def looker(tmp_path_factory):
    return Looker(tmp_path_factory.mktemp("looker"))


@needs_sandbox
@pytest.mark.parametrize("attack", list(filter(is_code, ALL)), ids=lambda attack: attack.name)
def test_the_second_look_alone_believes_no_attack(looker, attack: Attack):
    assert looker.disagree(attack.add, attack.files) >= {"add-test", "limit-test"}


@needs_sandbox
@pytest.mark.parametrize("name", HONEST)
def test_honest_lines_are_believed(looker, name):
    assert looker.disagree(HONEST[name] + RIGHT) == set()


def test_there_are_thirty_new_attacks_and_thirty_honest_lines():
    assert len(NEW_ATTACKS) >= 30
    assert len(TECHNIQUES) >= 10
    assert len(HONEST) >= 30


def test_attacks_have_names_of_their_own_and_say_what_is_reported():
    assert len({attack.name for attack in ALL}) == len(ALL)
    assert set(END_TO_END) <= {attack.name for attack in ALL}
    assert all(attack.reported for attack in ALL if attack.outcome not in (GRADED, HELD))
    assert all(attack.add != RIGHT for attack in ALL)
    assert WRONG in {attack.add for attack in ALL}
