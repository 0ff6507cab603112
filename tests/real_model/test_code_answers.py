"""What a developer sees in an answer, and the reward for it."""

import random
import string

import pytest

from nexa_helpers.code_answers import DEVELOPERS, WISHES, developer_reward, read_answer, wishes_met
from nexa_helpers.coding_requests import HINTS, code_request, goals_of, plain_requests

TYPED = 'def f(x: int, *rest: str, key: bool = True) -> int:\n    """Add."""\n    return x'
FENCED = f"Here it is:\n```python\n{TYPED}\n```\nIt adds one."


def test_a_fenced_answer():
    assert read_answer(FENCED) == {
        "code": TYPED + "\n", "parses": True, "function": True, "typed": True, "documented": True,
        "prose_words": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TYPED, {"parses": True, "typed": True, "prose_words": 0}),
        ("```\nx = 1\n```", {"parses": True, "function": False}),
        ("```python\ndef f(a):\n    return a", {"function": True, "typed": False}),
        ("```\nx = 1\n```\nor\n```\ndef f(): pass\n```", {"function": False, "prose_words": 6}),
        ("def f():\n    pass", {"function": True, "typed": False}),
        ("def f(a: int, b): pass", {"typed": False}),
        ("def f(a: int, *, b): pass", {"typed": False}),
        ("def f(a: int, *b): pass", {"typed": False}),
        ("def f(a: int, **b): pass", {"typed": False}),
        ("def f(a, /, b: int): pass", {"typed": False}),
        ("class A:\n    def f(self, a: int): pass", {"function": True, "typed": True}),
        ("class A:\n    def f(self): pass", {"typed": False}),
        ("async def f(a: int): pass", {"function": True, "typed": True}),
        ("f = lambda a: a", {"parses": True, "function": False}),
        ('def f(a):\n    "  "\n    return a', {"documented": False}),
        ('"""Doc."""\ndef f(a):\n    return a', {"documented": False}),
        ("def f(a): pass\ndef g(a: int): pass", {"typed": False}),
        ("if x:\n    def f(a): pass\ndef g(a: int): pass", {"typed": False}),
        ("This is prose.", {"parses": False, "function": False, "prose_words": 0}),
        ("", {"parses": True, "function": False}),
        ('def f(a: int):\n    return "\\d"', {"typed": True}),
    ],
)
def test_what_counts(text, expected):
    seen = read_answer(text)
    assert {name: seen[name] for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000, "[" * 19_000, "-" * 19_000 + "1", "a." * 9_000 + "a", "f(" * 9_000,
        "x = " + "1+" * 9_000 + "1", "not " * 4_000, "\x00", "\ud800", "def f(:\n\x0c",
        "`" * 20_000,
        "```" * 300_000, "```\n" * 200_000, "lambda: " * 2_000, "if 1:\n" + " " * 500_000,
        "```python\n" + "(" * 1_000_000 + "\n```",
    ],
)  # fmt: skip
def test_hostile_text_is_read_without_an_error(text):
    assert read_answer(text)["function"] is False


def test_text_by_chance_is_read_without_an_error():
    rng = random.Random(0)
    for _ in range(300):
        text = "".join(rng.choices(string.printable + "`é\u2028\x00", k=rng.randint(0, 80)))
        assert set(read_answer(text)) == set(read_answer(""))


def test_nothing_is_executed(tmp_path):
    path = tmp_path / "made"
    read_answer(f"open({str(path)!r}, 'w')\n@open({str(path)!r}, 'w')\ndef f(): pass")
    assert not path.exists()


def test_rewards_by_hand():
    answers = [FENCED, f"```\n{TYPED}\n```", "def f(a):\n    return a", "no code at all"]
    wishes = [("typed", "brief"), ("typed", "brief"), ("typed", "documented"), ("brief",)]
    assert developer_reward([""] * 4, answers, wishes=wishes, other=1) == [0.5, 1.0, 0.0, -1.0]


def test_messages_are_rewarded_as_texts_are():
    messages = [[{"role": "assistant", "content": FENCED}]]
    wishes = [("documented", "brief", "typed")]
    assert developer_reward([[]], messages, wishes=wishes) == pytest.approx([2 / 3])


def test_a_reward_needs_the_wishes_of_each_answer():
    for wishes in ({}, {"wishes": [("typed",)]}):
        with pytest.raises(ValueError, match="wishes: expected 2, one per answer, got"):
            developer_reward(["", ""], ["", ""], **wishes)


def test_each_two_developers_share_one_wish():
    names = list(DEVELOPERS)
    for i, one in enumerate(names):
        assert wishes_met(FENCED, DEVELOPERS[one]) is not None
        for other in names[i + 1 :]:
            assert len(set(DEVELOPERS[one]) & set(DEVELOPERS[other])) == 1
    assert set(HINTS) == set(WISHES)


def test_no_function_is_asked_for_in_both_splits():
    train, test = goals_of("train"), goals_of("test")
    assert (len(set(train)), len(set(test)), set(train) & set(test)) == (48, 64, set())
    assert len(set(plain_requests())) == 32
    with pytest.raises(ValueError, match="expected train or test"):
        goals_of("dev")


def test_hints_stand_at_the_end_of_the_users_turn():
    (turn,) = code_request("adds", ("typed", "brief"))
    assert turn["role"] == "user"
    assert turn["content"].startswith("Write a Python function that adds. Write type hints")
    assert turn["content"].endswith(HINTS["brief"])
