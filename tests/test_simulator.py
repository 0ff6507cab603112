"""The simulated developers: known wishes, consistent answers, valid conversations."""

import random
from itertools import pairwise

import pytest

from nexa_helpers.conversations import parse_conversation, preference_pairs, triples_from_rows
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.simulator import (
    CORRECTIONS,
    DEVELOPERS,
    PRAISE,
    REQUESTS,
    TASKS,
    Developer,
    LiveSession,
    Style,
    is_right,
    read_style,
    simulate_conversations,
    write_response,
)

STYLES = [developer.style for developer in DEVELOPERS]
PLAIN = Developer("plain", Style("python", "brief", "plain"))


def test_there_are_eight_developers_with_eight_styles():
    assert len(set(STYLES)) == len({developer.name for developer in DEVELOPERS}) == 8


@pytest.mark.parametrize("style", STYLES)
def test_reading_a_style_undoes_writing_it(style):
    for task in TASKS:
        response = write_response(task, style)
        assert read_style(response) == style
        assert is_right(task, response)


def test_a_response_to_one_task_is_wrong_for_every_other():
    for task in TASKS:
        for other in TASKS:
            if other != task:
                assert not is_right(task, write_response(other, STYLES[0]))


@pytest.mark.parametrize("text", ["", "def ", "sum(xs)", "This works because"])
def test_any_text_of_a_model_has_a_style_and_is_wrong(text):
    assert isinstance(read_style(text), Style)
    assert PLAIN.complaint(TASKS[1], text) == "content"


@pytest.mark.parametrize("developer", DEVELOPERS, ids=lambda developer: developer.name)
def test_a_developer_is_content_with_their_own_style_alone(developer):
    for style in STYLES:
        complaint = developer.complaint(TASKS[0], write_response(TASKS[0], style))
        assert (complaint is None) == (style == developer.style)


def test_the_first_complaint_is_content_then_language_then_detail_then_comments():
    def complaint(style, task=TASKS[0]):
        return PLAIN.complaint(TASKS[0], write_response(task, style))

    worst = Style("javascript", "detailed", "commented")
    assert complaint(worst, TASKS[1]) == "content"
    assert complaint(worst) == "python"
    assert complaint(Style("python", "detailed", "commented")) == "brief"
    assert complaint(Style("python", "brief", "commented")) == "plain"


def test_praise_is_never_labelled_negative_and_a_correction_never_positive():
    requests = [text.format(goal=task.goal) for text in REQUESTS for task in TASKS]
    praise = [{"response": "", "feedback": f"{a} {b}"} for a in PRAISE for b in requests]
    corrections = [
        {"response": "", "feedback": text.format(goal=task.goal)}
        for texts in CORRECTIONS.values()
        for text in texts
        for task in TASKS
    ]
    assert min(keyword_labels(praise)) >= 0
    assert max(keyword_labels(corrections)) <= 0


def test_a_content_developer_asks_for_something_new_and_another_stays_with_the_task():
    good, bad = (write_response(TASKS[0], Style(detail=d)) for d in ("brief", "detailed"))
    message, task = PLAIN.answer(random.Random(3), TASKS[0], good)
    assert any(message.startswith(text) for text in PRAISE)
    assert task.goal in message
    message, task = PLAIN.answer(random.Random(3), TASKS[0], bad)
    assert message in CORRECTIONS["brief"]
    assert task == TASKS[0]


def test_a_session_answers_every_response_and_goes_on_from_the_first():
    session = LiveSession(PLAIN, random.Random(1), leave_probability=0.0)
    before = list(session.context)
    answers = session.answer(["first", "second"])
    assert session.context == [
        *before,
        {"role": "assistant", "content": "first"},
        {"role": "user", "content": answers[0]},
    ]
    assert len(answers) == 2
    assert not session.ended


def test_a_developer_who_leaves_answers_nothing_and_ends_the_session():
    session = LiveSession(PLAIN, random.Random(1), leave_probability=1.0)
    before = list(session.context)
    assert session.answer(["a", "b", "c"]) == [None, None, None]
    assert session.ended
    assert session.context == before


def test_the_same_seed_makes_the_same_conversations():
    assert simulate_conversations(5, seed=7) == simulate_conversations(5, seed=7)
    assert simulate_conversations(5, seed=7) != simulate_conversations(5, seed=8)


def test_simulated_rows_are_valid_hh_rows():
    rows = simulate_conversations(200, seed=1)
    triples, errors = triples_from_rows(rows)
    assert len(rows) == 200
    assert errors == []
    assert set(keyword_labels(triples)) == {-1, 0, 1}
    pairs, skipped = preference_pairs(rows)
    assert (len(pairs), skipped) == (200, 0)
    for row in rows:
        turns = parse_conversation(row["chosen"])
        assert turns[-1]["role"] == "assistant"
        roles = [turn["role"] for turn in turns]
        if turns[0]["content"].startswith("DEVELOPER PREFERENCES:"):
            roles = roles[1:]  # the notes are a turn of their own
        assert all(a != b for a, b in pairwise(roles))


def test_no_pairs_is_an_error():
    with pytest.raises(ValueError, match="num_pairs: expected 1 or more, got 0"):
        simulate_conversations(0)
