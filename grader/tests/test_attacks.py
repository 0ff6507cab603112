"""Attacks on the tiny course, all in one run of nbgrader, with honest students beside them."""

from types import SimpleNamespace

import pytest
from attacks import (
    ATTACKS,
    GRADED,
    GUARD_ALONE,
    GUARDED,
    HELD,
    NO_ADD,
    NO_SCORE,
    SCORES,
    WRONG,
    Attack,
    lines_about,
)
from tiny_course import FULL, TinyCourse

RIGHT = "def add(a, b):\n    return a + b\n"
HONEST = {
    "plain": RIGHT,
    "classes": """
from dataclasses import dataclass, field
@dataclass(order=True)
class Pair:
    a: int
    b: int = 0
class Sums:
    def __init__(self, *values):
        self.values = list(values)
    def __eq__(self, other):
        return isinstance(other, Sums) and self.values == other.values
    def __len__(self):
        return len(self.values)
    def __getitem__(self, place):
        return self.values[place]
    def __call__(self):
        return sum(self.values)
    def __repr__(self):
        return f"{self.__class__.__name__}({self.values})"
def add(a, b):
    return Sums(a, b)()
print(Sums(1) == Sums(1), Pair(1) < Pair(2))
""",
    "plots": """%matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
plt.rcParams['figure.figsize'] = (4, 3)
plt.plot(np.arange(3)); plt.show()
"""
    + RIGHT,
    "torch": """
import random, torch
from torch import nn
random.seed(0); torch.manual_seed(0)
torch.backends.cudnn.deterministic = True
class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)
    def forward(self, x):
        return x.sum()
model = Adder().eval()
model.layer.bias.data = torch.zeros(1)
model.layer.register_forward_hook(lambda module, inputs, output: None)
def add(a, b):
    with torch.no_grad():
        return int(model(torch.tensor([a, b])))
""",
    "magics": """
import sys, warnings
IN_COLAB = 'google.colab' in sys.modules or 'colab' in str(get_ipython())
get_ipython().run_line_magic('matplotlib', 'inline')
%time sum(range(10))
!true
warnings.filterwarnings('ignore')
sys.path.append('/content')
print('In and out:', __name__ == '__main__')
"""
    + RIGHT,
    "captured": "%%capture out\nprint('Hello')\n" + RIGHT,
    "strict": "import warnings\nwarnings.simplefilter('error')\n" + RIGHT,
    "covers_a_name": "sum = 0\nfor number in range(3):\n    sum += number\n" + RIGHT,
    "awaits": "import asyncio\nawait asyncio.sleep(0)\n" + RIGHT,
    "pool": "from concurrent.futures import ThreadPoolExecutor\n"
    + RIGHT
    + "with ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(add, [1, 2], [3, 4])))",
}
ALONE = [attack for attack in ATTACKS if attack.alone]


def name_of(attack: Attack) -> str:
    return attack.name


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp("guarded"), GUARDED)
    for attack in ATTACKS:
        attack.submit(course)
    for name, answer in HONEST.items():
        course.submit(f"honest_{name}", course.solved(add=answer))
    course.submit("accepted", course.solved(add="import ctypes\n" + WRONG))
    replaces = "import math\nmath.isclose = lambda *a: True\n"
    course.submit("accepted_replaces", course.solved(add=replaces + RIGHT))
    return SimpleNamespace(course=course, done=course.autograde())


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Nobody looks at the text before it runs."""
    course = TinyCourse(tmp_path_factory.mktemp("alone"), GUARD_ALONE)
    for attack in ALONE:
        attack.submit(course)
    return SimpleNamespace(course=course, done=course.autograde())


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_no_attack_gets_more_than_it_deserves(guarded, attack):
    assert guarded.course.scores(attack.name) == SCORES[attack.outcome]


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_each_attack_is_reported(guarded, attack):
    said = lines_about(guarded.done.stderr, attack.name)
    assert attack.reported in said
    assert ("held for a person" in said) == (attack.outcome == HELD)


@pytest.mark.parametrize("attack", ALONE, ids=name_of)
def test_the_guard_alone_sees_it_in_the_kernel(alone, attack):
    assert attack.alone in lines_about(alone.done.stderr, attack.name)
    is_held = attack.outcome == HELD
    assert alone.course.scores(attack.name) == (NO_SCORE if is_held else NO_ADD)


@pytest.mark.parametrize("name", HONEST)
def test_honest_students_get_everything_and_are_not_held(guarded, name):
    assert guarded.course.scores(f"honest_{name}") == FULL
    assert "Sign of forgery: student honest" not in guarded.done.stderr


def test_who_was_looked_at_is_graded_and_the_signs_stay_on_record(guarded):
    assert guarded.course.scores("accepted") == NO_ADD
    assert guarded.course.scores("accepted_replaces") == FULL
    for student, what in (
        ("accepted", "ctypes"),
        ("accepted_replaces", "math.isclose was changed"),
    ):
        found = guarded.course.graded(student).metadata.nexa.violations
        assert any(what in violation["what"] for violation in found)
        assert all(violation["cell"] for violation in found)
        assert f"Sign of forgery: student {student}, notebook tiny" in guarded.done.stderr


def test_a_held_submission_is_ungraded_and_not_a_zero(guarded):
    held = next(attack.name for attack in ATTACKS if attack.outcome == HELD)
    assert set(guarded.course.ungraded(held)) == {"add-test", "limit-test", "double-test"}
    assert not guarded.course.autograded(held).exists()


def test_attacks_have_names_of_their_own_and_say_what_is_reported():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.reported for attack in ATTACKS if attack.outcome != GRADED)
