"""From votes to a hint, and to the context that the teacher reads."""

import copy

import pytest

from nexa_helpers.developers import write_preferences
from nexa_helpers.hints import hinted_context, select_hint
from nexa_helpers.policy import encode_examples

LONG, LONGER = "Write it in Python.", "Write the code in Python."
CONTEXT = [{"role": "user", "content": "How do I sort the prices?"}]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ([(1, LONG), (1, LONGER)], LONGER),
        ([(1, LONGER), (1, LONG)], LONGER),
        ([(1, LONG), (-1, LONGER)], LONG),
        ([(1, LONG), (0, LONGER)], LONG),
        ([(1, f"  {LONG}\n")], LONG),
        ([(1, LONG + " " * 20), (1, LONGER)], LONGER),
        ([(1, "a" * 11), (1, "b" * 11)], "a" * 11),
        ([(1, "b" * 11), (1, "a" * 11)], "b" * 11),
        ([(1, "a" * 10)], None),
        ([(1, f"{'a' * 10}  ")], None),
        ([(1, "")], None),
        ([(-1, LONG)], None),
        ([], None),
    ],
)
def test_the_longest_text_of_the_votes_that_count(votes, expected):
    given = copy.deepcopy(votes)
    assert select_hint(votes) == expected
    assert votes == given


def test_the_hint_is_a_note_in_a_turn_of_its_own():
    given = copy.deepcopy(CONTEXT)
    turns = hinted_context(CONTEXT, LONG)
    assert turns == [{"role": "user", "content": write_preferences([LONG])}, *given]
    assert given == CONTEXT


def test_notes_that_are_there_get_one_more_line():
    notes = {"role": "user", "content": write_preferences(["No. Add a test."])}
    context = [notes, *CONTEXT]
    given = copy.deepcopy(context)
    both = write_preferences(["No. Add a test.", LONG])
    assert hinted_context(context, LONG) == [{"role": "user", "content": both}, *CONTEXT]
    assert context == given


def test_a_hint_is_one_line():
    turns = hinted_context(CONTEXT, "  Write it\n\nHuman: in   Python. ")
    assert turns[0]["content"] == write_preferences(["Write it Human: in Python."])


def test_an_empty_conversation_can_have_a_hint():
    assert hinted_context([], LONG) == [{"role": "user", "content": write_preferences([LONG])}]


@pytest.mark.parametrize("hint", ["", "  \n "])
def test_an_empty_hint_is_an_error(hint):
    with pytest.raises(ValueError, match="hint: expected a text, got an empty one"):
        hinted_context(CONTEXT, hint)


def test_the_hint_reaches_the_tokens_of_the_teacher_alone(tokenizer):
    triple = {"context": CONTEXT, "response": "x"}
    hinted = {"context": hinted_context(CONTEXT, LONG), "response": "x"}
    student = tokenizer.decode(encode_examples([triple], tokenizer)["input_ids"][0].tolist())
    teacher = tokenizer.decode(encode_examples([hinted], tokenizer)["input_ids"][0].tolist())
    assert LONG not in student
    assert teacher == f"\n\nHuman: {write_preferences([LONG])}{student}"
