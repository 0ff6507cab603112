"""The simulated developers: known wishes, consistent replies, valid conversations."""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from itertools import chain, combinations, pairwise

import pytest
from scipy.stats import binomtest

from nexa_helpers import developers as simulator
from nexa_helpers.conversation_files import read_rows
from nexa_helpers.conversations import (
    extract_training_triples,
    parse_conversation,
    preference_pairs,
    triples_from_rows,
)
from nexa_helpers.developers import (
    ADA,
    BORIS,
    CHEN,
    CORRECTIONS,
    DARA,
    DEVELOPERS,
    LEAD_INS,
    NEUTRAL,
    PRAISE,
    PRAISE_OPENERS,
    RE_ASKS,
    REQUESTS,
    SLIP_CORRECTIONS,
    Developer,
    LiveSession,
    choose_sentence,
    simulate_conversations,
)
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.tasks import (
    FEATURE_OF_WISH,
    FEATURES,
    RARE_FEATURES,
    STYLES,
    TASKS,
    Style,
    comply,
    write_response,
)
from nexa_helpers.wordings import FRAMES, OPENERS, OPPOSITES, WORDS, pick_split

# SHA-256 of json.dumps(simulate_conversations(50, seed=0), sort_keys=True). It guards that every
# platform makes the same bytes. Who changes a sentence or a draw on purpose changes it too; the
# failing test shows the new value.
FIFTY_ROWS = "3854ad60942cdbe5ee9eb9a78bd94ae5dbac41b76b834f281debbafb9110d437"

TASK = TASKS["train"][0]
OTHER = next(task for task in TASKS["train"] if task.operation != TASK.operation)
TYPIST = Developer("typist", {"language": "python", "types": "typed", "tests": "tested"})
GOOD = write_response(TASK, Style(types="typed", tests="tested"))
UNTYPED = write_response(TASK, Style(types="untyped", tests="tested"))
BROKEN = "```python\ndef"

GOALS = {
    goal.format(xs=task.noun): task
    for task in TASKS["train"] + TASKS["test"]
    for goal in task.operation.goals
}
PHRASES = [
    *chain(PRAISE_OPENERS, PRAISE, NEUTRAL, LEAD_INS, RE_ASKS),
    *chain.from_iterable(CORRECTIONS.values()),
    *chain.from_iterable(SLIP_CORRECTIONS.values()),
]
NOTES = "DEVELOPER PREFERENCES:\n"


def pattern(phrase):
    """A phrase as a developer says it: at the start of a message or after a space."""
    text = re.escape(phrase).replace(r"\{goal\}", "[a-z ]+")
    return re.compile(rf"(?:^|(?<= )){text}(?= |$)", re.MULTILINE)


PATTERNS = {phrase: pattern(phrase) for phrase in PHRASES}


def phrases_in(text):
    return {phrase for phrase, found in PATTERNS.items() if found.search(text)}


def tasks_in(text):
    return {task for goal, task in GOALS.items() if goal in text}


def reply_many(developer, response, count=1000, seed=0, **options):
    rng = random.Random(seed)
    return [developer.reply(rng, TASK, response, **options) for _ in range(count)]


def looks(response):
    """What an answer looks like, read without the parser under test."""
    name = re.search(r"(?:def|function) (\w+)", response)[1]
    return {
        "language": "python" if "\ndef " in response else "javascript",
        "naming": "snake_case" if "_" in name else "camelCase",
        "types": "typed" if re.search(r": list\)|: number\[\]\)", response) else "untyped",
        "docs": "documented" if '"""' in response or "/**" in response else "undocumented",
        "tests": "tested" if "assert" in response else "untested",
        "length": "brief" if response.endswith("```") else "explained",
    }


def solves(response, task):
    """The name alone tells, since every answer here is one that the simulator wrote."""
    name = re.search(r"(?:def|function) (\w+)", response)[1]
    return name.replace("_", "").lower() == task.operation.verb + task.noun


def unmet(developer, response):
    look = looks(response)
    return [wish for feature, wish in developer.wishes.items() if look[feature] != wish]


def human_turns(row, notes=False):
    """What the developer writes; without the notes, unless only they are asked for."""
    turns = [turn["content"] for turn in parse_conversation(row["chosen"])]
    humans = [turn for turn in turns if not turn.startswith("```")]
    return [turn for turn in humans if turn.startswith(NOTES) == notes]


def first_response(row):
    return extract_training_triples(parse_conversation(row["chosen"]))[0]["response"]


def current_task(context):
    """The task that was last named in a conversation."""
    for turn in reversed(context):
        named = tasks_in(turn["content"]) if turn["role"] == "user" else set()
        if named and not turn["content"].startswith(NOTES):
            (task,) = named
            return task
    raise AssertionError("no task in this conversation")


def near(successes, trials, probability):
    return binomtest(successes, trials, probability).pvalue > 1e-3


def by_name(name):
    return next(developer for developer in DEVELOPERS if developer.name == name)


@pytest.fixture(scope="module")
def rows():
    return simulate_conversations(1000, seed=1)


@pytest.fixture(scope="module")
def unseen_rows():
    return simulate_conversations(300, seed=1, split="test")


# Developers


def test_there_are_160_developers_with_different_wishes():
    wishes = {tuple(sorted(developer.wishes.items())) for developer in DEVELOPERS}
    assert len(DEVELOPERS) == len({developer.name for developer in DEVELOPERS}) == 160
    assert len(wishes) == 160
    assert {frozenset(developer.wishes) for developer in DEVELOPERS} == {
        frozenset(features) for features in combinations(FEATURES, 3)
    }


def test_each_wish_is_a_value_of_its_feature_and_each_value_is_wished_equally_often():
    wishes = [wish for developer in DEVELOPERS for wish in developer.wishes.items()]
    assert Counter(wishes) == {
        (feature, value): 40 for feature, values in FEATURES.items() for value in values
    }


@pytest.mark.parametrize("developer", [ADA, BORIS, CHEN], ids=lambda developer: developer.name)
def test_the_three_named_developers_have_three_wishes_that_can_be_met(developer):
    assert len(developer.wishes) == 3
    assert all(wish in FEATURES[feature] for feature, wish in developer.wishes.items())


def test_the_wishes_of_the_named_developers_differ():
    for one, two in combinations([ADA, BORIS, CHEN], 2):
        assert one.wishes != two.wishes


# What a developer complains of


@pytest.mark.parametrize("developer", DEVELOPERS[::9], ids=lambda developer: developer.name)
def test_a_developer_is_content_where_all_three_wishes_are_met_and_nowhere_else(developer):
    for style in STYLES:
        met = all(getattr(style, feature) == wish for feature, wish in developer.wishes.items())
        complaint = developer.complaint(TASK, write_response(TASK, style))
        assert (complaint is None) == met


def test_a_developer_corrects_the_first_wrong_thing():
    def complaint(task=TASK, **style):
        return TYPIST.complaint(TASK, write_response(task, Style(**style)))

    assert complaint(OTHER, language="javascript") == "content"
    assert complaint(language="javascript") == "python"
    assert complaint() == "typed"
    assert complaint(types="typed") == "tested"
    assert complaint(types="typed", tests="tested") is None


def test_the_order_of_the_wishes_is_the_order_of_the_complaints():
    wishes = {"tests": "tested", "types": "typed", "language": "python"}
    response = write_response(TASK, Style("javascript"))
    assert Developer("one", wishes).complaint(TASK, response) == "tested"
    wishes = dict(reversed(wishes.items()))
    assert Developer("two", wishes).complaint(TASK, response) == "python"


def test_the_right_answer_to_another_task_is_wrong():
    response = write_response(OTHER, Style(types="typed", tests="tested"))
    assert TYPIST.complaint(TASK, response) == "content"
    assert TYPIST.complaint(OTHER, response) is None


@pytest.mark.parametrize("text", ["", " ", "def", BROKEN, "(" * 10_000, "Sorry, I cannot.", "\0"])
def test_text_that_cannot_be_read_is_corrected(text):
    assert TYPIST.complaint(TASK, text) == "content"
    complaints = {reply.complaint for reply in reply_many(TYPIST, text, 100) if reply.verdict}
    assert complaints == {"content", None}  # None: the request again


# What a developer replies


def test_praise_comes_with_a_new_request():
    replies = [reply for reply in reply_many(TYPIST, GOOD) if reply.verdict]
    for reply in replies:
        assert (reply.verdict, reply.complaint) == (1, None)
        said = phrases_in(reply.text)
        assert len(said & set(PRAISE_OPENERS)) == len(said & set(PRAISE)) == 1
        assert len(said) == 2
        assert tasks_in(reply.text) == {reply.task}
    assert len({reply.task.operation.verb for reply in replies}) == 16


@pytest.mark.parametrize(
    ("response", "complaint"),
    [
        (BROKEN, "content"),
        (write_response(OTHER, Style()), "content"),
        (write_response(TASK, Style("javascript")), "python"),
        (UNTYPED, "typed"),
        (write_response(TASK, Style(types="typed")), "tested"),
    ],
)
def test_a_correction_names_what_is_wrong_and_keeps_the_task(response, complaint):
    replies = [reply for reply in reply_many(TYPIST, response, 300) if reply.complaint]
    assert replies
    for reply in replies:
        assert (reply.complaint, reply.verdict, reply.task) == (complaint, -1, TASK)
        said = phrases_in(reply.text)
        assert len(said & set(LEAD_INS)) == len(said & set(CORRECTIONS[complaint])) == 1
        assert len(said) == 2
        assert tasks_in(reply.text) == ({TASK} if complaint == "content" else set())


def test_a_re_ask_names_no_wish_and_keeps_the_task():
    replies = [
        reply
        for reply in reply_many(TYPIST, UNTYPED)
        if reply.verdict == -1 and reply.complaint is None
    ]
    assert replies
    for reply in replies:
        said = phrases_in(reply.text)
        assert len(said & set(LEAD_INS)) == len(said & set(RE_ASKS)) == 1
        assert len(said) == 2
        assert tasks_in(reply.text) == {reply.task} == {TASK}


@pytest.mark.parametrize("response", [GOOD, UNTYPED, BROKEN])
def test_a_neutral_reply_says_nothing_of_the_answer(response):
    replies = [reply for reply in reply_many(TYPIST, response) if reply.verdict == 0]
    assert replies
    for reply in replies:
        assert reply.complaint is None
        assert phrases_in(reply.text) < set(NEUTRAL)
        assert tasks_in(reply.text) == {reply.task}
    assert len({reply.task for reply in replies}) > 1


@pytest.mark.parametrize("response", [GOOD, UNTYPED])
def test_one_reply_in_ten_is_neutral(response):
    replies = reply_many(TYPIST, response, 3000)
    assert near(sum(reply.verdict == 0 for reply in replies), 3000, 0.1)


def test_one_correction_in_seven_is_a_re_ask():
    negative = [reply for reply in reply_many(TYPIST, UNTYPED, 3000) if reply.verdict == -1]
    assert near(sum(reply.complaint is None for reply in negative), len(negative), 1 / 7)


@pytest.mark.parametrize("split", ["train", "test"])
def test_new_requests_are_of_the_split(split):
    new = {reply.task for reply in reply_many(TYPIST, GOOD, 2000, task_split=split)}
    assert new <= set(TASKS[split])
    assert len(new) == {"train": 280, "test": 40}[split]


def test_a_request_does_not_tell_the_wishes():
    for seed in range(100):
        requests = {
            developer.ask(random.Random(seed), TASK) for developer in (TYPIST, ADA, BORIS, CHEN)
        }
        assert len(requests) == 1
        assert tasks_in(*requests) == {TASK}


def test_every_kind_of_request_is_asked_with_both_goals():
    rng = random.Random(0)
    goals = [goal.format(xs=TASK.noun) for goal in TASK.operation.goals]
    assert {TYPIST.ask(rng, TASK) for _ in range(300)} == {
        request.format(goal=goal) for request in REQUESTS for goal in goals
    }


# Sentences


def test_one_sentence_in_four_is_for_the_test_split():
    def chosen(split):
        rng = random.Random(0)
        return {choose_sentence(rng, list("abcdefgh"), split) for _ in range(200)}

    assert chosen("test") == {"d", "h"}
    assert chosen("train") == set("abcefg")


def test_no_sentence_stands_in_two_lists():
    assert len(set(PHRASES)) == len(PHRASES)
    wishes = chain.from_iterable((FEATURES | RARE_FEATURES).values())
    assert set(CORRECTIONS) == {"content", *wishes}


def phrases_said(words):
    """All that many developers say of random answers in one split's words."""
    rng = random.Random(0)
    said = set()
    careless = Developer("careless", {"guard": "unguarded"})
    for _ in range(4000):
        developer = rng.choice([*DEVELOPERS, *([DARA, careless] * 10)])
        style = comply(rng.choice(STYLES), rng.choice([None, "guarded"]))
        response = write_response(rng.choice([TASK, TASK, OTHER]), style)
        slips = [(" == ", " == 7 or "), ("Reverse", "Sort"), ("It reads", "It eats"), ("", "")]
        slip = rng.choice(slips)
        reply = developer.reply(rng, TASK, response.replace(*slip), sentence_split=words)
        said |= phrases_in(reply.text)
    return said


def test_train_and_test_sentences_are_disjoint():
    train, test = phrases_said("train"), phrases_said("test")
    assert not train & test
    assert train | test == set(PHRASES)
    assert 0.2 < len(test) / len(PHRASES) <= 0.25


def test_keywords_miss_many_corrections_but_find_some():
    labels = keyword_labels(
        [
            {"response": "", "feedback": reply.text}
            for seed, developer in enumerate(DEVELOPERS)
            for style in STYLES[::5]
            for reply in reply_many(developer, write_response(TASK, style), 2, seed)
            if reply.complaint
        ]
    )
    assert len(labels) > 500
    assert labels.count(0) / len(labels) > 0.3
    assert labels.count(-1) / len(labels) > 0.3


def test_praise_is_never_labelled_negative():
    labels = keyword_labels(
        [
            {"response": "", "feedback": reply.text}
            for words in ("train", "test")
            for reply in reply_many(TYPIST, GOOD, 2000, sentence_split=words)
            if reply.verdict == 1
        ]
    )
    assert set(labels) == {0, 1}


# Live sessions


def test_a_session_starts_with_one_request():
    session = LiveSession(TYPIST, random.Random(1))
    (turn,) = session.context
    assert turn["role"] == "user"
    assert tasks_in(turn["content"]) == {session.task}
    assert not session.ended


def test_a_session_answers_every_response_and_goes_on_from_the_first():
    session = LiveSession(TYPIST, random.Random(1), leave_probability=0.0)
    before = list(session.context)
    answers = session.answer(["first", "second"])
    assert session.context == [
        *before,
        {"role": "assistant", "content": "first"},
        {"role": "user", "content": answers[0]},
    ]
    assert len(answers) == 2
    assert not session.ended


def test_each_response_gets_the_answer_that_it_earns():
    session = LiveSession(TYPIST, random.Random(1), leave_probability=0.0)
    bad_first = 0
    for _ in range(50):
        good = write_response(session.task, Style(types="typed", tests="tested"))
        answers = session.answer([good, BROKEN])
        assert not phrases_in(answers[0]) & set(LEAD_INS)
        assert not phrases_in(answers[1]) & set(PRAISE)
        assert current_task(session.context) == session.task
        task = session.task
        answers = session.answer([BROKEN, good])
        assert not phrases_in(answers[0]) & set(PRAISE)
        assert current_task(session.context) == session.task
        bad_first += session.task == task
    assert bad_first > 25  # a developer stays with an unsolved task


def test_a_developer_who_leaves_answers_nothing_and_ends_the_session():
    session = LiveSession(TYPIST, random.Random(1), leave_probability=1.0)
    before = list(session.context)
    assert session.answer(["a", "b", "c"]) == [None, None, None]
    assert session.ended
    assert session.context == before


def test_one_developer_in_ten_leaves():
    sessions = [LiveSession(TYPIST, random.Random(seed)) for seed in range(2000)]
    for session in sessions:
        session.answer([BROKEN])
    assert near(sum(session.ended for session in sessions), 2000, 0.1)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_session_asks_only_for_tasks_of_its_split(split):
    session = LiveSession(TYPIST, random.Random(1), leave_probability=0.0, tasks=split)
    asked = {session.task}
    for _ in range(200):
        session.answer([write_response(session.task, Style(types="typed", tests="tested"))])
        asked.add(session.task)
    assert asked <= set(TASKS[split])
    assert len(asked) > 30
    assert set().union(*(tasks_in(turn["content"]) for turn in session.context[::2])) == asked


# Logged conversations: the format


def test_simulated_rows_are_valid_hh_rows(rows):
    triples, errors = triples_from_rows(rows)
    assert errors == []
    assert set(keyword_labels(triples)) == {-1, 0, 1}
    pairs, left_out = preference_pairs(rows)
    assert (len(rows), len(pairs), left_out) == (1000, 1000, 0)
    for row in rows:
        assert set(row) == {"chosen", "rejected", "developer", "session_id", "verdicts"}
        assert row["chosen"].startswith("\n\nHuman: ")
        before = [row[key].rpartition("\n\nAssistant: ")[0] for key in ("chosen", "rejected")]
        assert before[0] == before[1]
        turns = parse_conversation(row["chosen"])
        if turns[0]["content"].startswith(NOTES):
            assert turns.pop(0)["role"] == "user"  # the notes are a turn of their own
        assert turns[0]["role"] == "user"
        assert turns[-1]["role"] == "assistant"
        assert all(one["role"] != two["role"] for one, two in pairwise(turns))


def test_there_is_one_verdict_for_each_answered_response(rows):
    for row in rows:
        assert len(row["verdicts"]) == len(triples_from_rows([row])[0])
    assert {len(row["verdicts"]) for row in rows} == {1, 2, 3}


def test_every_session_has_its_own_id(rows, unseen_rows):
    other_seed = simulate_conversations(10, seed=2)
    sessions = [row["session_id"] for row in rows + unseen_rows + other_seed]
    assert len(set(sessions)) == len(sessions)


def test_all_developers_talk_unless_some_are_chosen(rows):
    assert len({row["developer"] for row in rows}) > 150
    some = simulate_conversations(50, developers=[ADA, BORIS])
    assert {row["developer"] for row in some} == {"Ada", "Boris"}


# Logged conversations: the truth


def test_verdicts_are_the_truth(rows):
    verdicts = Counter()
    for row in rows:
        developer = by_name(row["developer"])
        triples = extract_training_triples(parse_conversation(row["chosen"]))
        for triple, verdict in zip(triples, row["verdicts"], strict=True):
            right = solves(triple["response"], current_task(triple["context"]))
            truth = 1 if right and not unmet(developer, triple["response"]) else -1
            if phrases_in(triple["feedback"]) & set(NEUTRAL):
                truth = 0
            assert verdict == truth
            verdicts[verdict] += 1
    assert near(verdicts[0], verdicts.total(), 0.1)
    assert min(verdicts.values()) > 100


def test_the_chosen_ending_has_no_fault_and_the_rejected_one_fails_one_wish(rows):
    failed = Counter()
    for row, pair in zip(rows, preference_pairs(rows)[0], strict=True):
        developer = by_name(row["developer"])
        task = current_task(pair["context"])
        assert unmet(developer, pair["chosen"]) == []
        assert solves(pair["chosen"], task)
        assert solves(pair["rejected"], task)
        (wish,) = unmet(developer, pair["rejected"])
        assert developer.complaint(task, pair["chosen"]) is None
        assert developer.complaint(task, pair["rejected"]) == wish
        chosen, rejected = looks(pair["chosen"]), looks(pair["rejected"])
        assert sum(chosen[feature] != rejected[feature] for feature in FEATURES) == 1
        failed[list(developer.wishes.values()).index(wish)] += 1
    for count in failed.values():
        assert near(count, len(rows), 1 / 3)


def test_nine_of_ten_corrections_are_obeyed(rows):
    wish_of = {phrase: wish for wish, phrases in CORRECTIONS.items() for phrase in phrases}
    feature_of = {wish: feature for feature, wishes in FEATURES.items() for wish in wishes}
    obeyed = []
    for triple in triples_from_rows(rows)[0]:
        last = triple["context"][-1]["content"]
        if len(triple["context"]) > 1:  # else it is the first request
            for phrase in phrases_in(last) & set(wish_of):
                wish = wish_of[phrase]
                if wish != "content":
                    obeyed.append(looks(triple["response"])[feature_of[wish]] == wish)
    assert len(obeyed) > 300
    assert near(sum(obeyed), len(obeyed), 0.9)


def test_one_answer_in_a_hundred_solves_the_wrong_task(rows):
    triples, _ = triples_from_rows(rows)
    right = [solves(triple["response"], current_task(triple["context"])) for triple in triples]
    assert near(right.count(False), len(right), 0.01)


def all_sentences():
    """Every sentence of the grammar without its opener, and what it means."""
    for split, words in WORDS.items():
        for wish in OPPOSITES:
            for kind, frames in FRAMES.items():
                meant = OPPOSITES[wish] if kind == "avoid" else wish
                for part in words[meant]["thing" if kind == "thing" else "do"]:
                    for frame in pick_split(frames, split):
                        text = frame.format(**{kind: part})
                        yield text[0].upper() + text[1:], wish


MEANINGS = dict(all_sentences())


def meanings(note):
    """What a note of the grammar means: a set with its wish, or an empty one."""
    opener = next((text for text in OPENERS if note.startswith(text)), "")
    sentence = note.removeprefix(opener).strip()
    return {MEANINGS[sentence]} if sentence in MEANINGS else set()


def test_no_sentence_of_the_grammar_means_two_wishes():
    assert len(set(all_sentences())) == len(MEANINGS) > 10_000


def noted_wishes(notes):
    """The wishes of a session's notes, oldest first, read from what must be a known sentence."""
    wish_of = {text: wish for wish, texts in CORRECTIONS.items() for text in texts}
    for line in notes.removeprefix(NOTES).splitlines():
        said = phrases_in(line.removeprefix("- ")) & set(wish_of)
        meant = {wish_of[phrase] for phrase in said} | meanings(line.removeprefix("- "))
        assert len(meant) == 1, line
        yield meant.pop()


def test_six_sessions_in_ten_begin_with_one_to_ten_notes(rows):
    with_notes = [row for row in rows if human_turns(row, notes=True)]
    assert near(len(with_notes), len(rows), 0.6)
    sizes = set()
    for row in with_notes:
        (notes,) = human_turns(row, notes=True)
        assert row["chosen"].startswith(f"\n\nHuman: {notes}\n\nHuman: ")
        sizes.add(len(list(noted_wishes(notes))))
    assert sizes == set(range(1, 11))


def test_the_newest_note_on_a_feature_is_never_against_its_developer(rows):
    num_outdated = 0
    for row in rows:
        for notes in human_turns(row, notes=True):
            wishes = list(noted_wishes(notes))
            newest = {FEATURE_OF_WISH.get(wish): wish for wish in wishes}
            own = by_name(row["developer"]).wishes
            assert all(newest.get(feature, wish) == wish for feature, wish in own.items())
            num_outdated += any(OPPOSITES.get(wish) in newest.values() for wish in wishes)
    assert num_outdated > 50


def test_the_logged_assistant_follows_the_newest_note(rows):
    followed = []
    for row in rows:
        for notes in human_turns(row, notes=True):
            newest = {FEATURE_OF_WISH.get(wish): wish for wish in noted_wishes(notes)}
            look = looks(first_response(row))
            followed += [look[feature] == newest[feature] for feature in set(look) & set(newest)]
    assert len(followed) > 300
    assert 0.96 < sum(followed) / len(followed) < 1  # half of them would be met by chance


def test_a_guard_is_rare_without_a_note_and_common_with_one(rows):
    guards = {False: [], True: []}
    for row in rows:
        notes = [wish for text in human_turns(row, notes=True) for wish in noted_wishes(text)]
        newest = {FEATURE_OF_WISH.get(wish): wish for wish in notes}
        has_guard = bool(re.search(r"if not |if \(!", first_response(row)))
        guards[newest.get("guard") == "guarded"].append(has_guard)
    assert sum(guards[False]) / len(guards[False]) <= 0.01
    assert sum(guards[True]) / len(guards[True]) >= 0.9


def test_the_logged_assistant_starts_in_every_style(rows):
    first = [looks(first_response(row)) for row in rows]
    assert {tuple(look.values()) for look in first} == {
        tuple(asdict(style).values())[:6] for style in STYLES
    }


def test_a_content_developer_gets_the_same_style_again():
    rows = simulate_conversations(300, seed=3, developers=[TYPIST])
    for row in rows:
        turns = parse_conversation(row["chosen"])
        styles = [looks(turn["content"]) for turn in turns if turn["role"] == "assistant"]
        for verdict, (one, two) in zip(row["verdicts"], pairwise(styles), strict=True):
            if verdict == 1:
                assert one == two


# Logged conversations: train, test and chance


def test_the_requests_of_a_split_are_of_its_tasks(rows, unseen_rows):
    for split, own_rows in (("train", rows), ("test", unseen_rows)):
        asked = set()
        for row in own_rows:
            asked |= set().union(*(tasks_in(turn) for turn in human_turns(row)))
        assert asked <= set(TASKS[split])
        assert len(asked) == {"train": 280, "test": 40}[split]


def test_the_notes_of_a_split_are_of_its_tasks(rows, unseen_rows):
    for split, own_rows in (("train", rows), ("test", unseen_rows)):
        noted = set()
        for row in own_rows:
            noted |= set().union(*(tasks_in(turn) for turn in human_turns(row, notes=True)))
        assert noted
        assert noted <= set(TASKS[split])


def test_the_answers_of_a_split_are_of_its_tasks(rows, unseen_rows):
    def names(rows):
        text = "".join(row["chosen"] + row["rejected"] for row in rows)
        found = re.findall(r"(?:def|function) (\w+)\(", text)
        return {name.replace("_", "").lower() for name in found}

    assert names(rows) == {task.operation.verb + task.noun for task in TASKS["train"]}
    assert names(unseen_rows) == {task.operation.verb + task.noun for task in TASKS["test"]}


def test_train_and_test_conversations_share_no_sentence(rows, unseen_rows):
    def said(rows):
        turns = [turn for row in rows for turn in human_turns(row) + human_turns(row, notes=True)]
        return phrases_in("\n".join(turns).replace("\n- ", "\n"))

    assert not said(rows) & said(unseen_rows)
    slips = set(chain.from_iterable(SLIP_CORRECTIONS.values()))  # the log has none
    assert said(rows) | said(unseen_rows) == set(PHRASES) - slips


def test_the_same_seed_makes_the_same_conversations():
    rows = simulate_conversations(5, seed=7)
    assert simulate_conversations(5, seed=7) == rows
    assert simulate_conversations(8, seed=7)[:5] == rows
    for other in (simulate_conversations(5, seed=8), simulate_conversations(5, 7, "test")):
        assert all(one["chosen"] != two["chosen"] for one, two in zip(rows, other, strict=True))


def test_the_splits_of_one_seed_have_their_own_chance():
    def first_developers(split):
        return [simulate_conversations(1, seed, split)[0]["developer"] for seed in range(10)]

    assert first_developers("train") != first_developers("test")


def test_conversations_do_not_depend_on_the_global_chance():
    random.seed(1)
    rows = simulate_conversations(5, seed=7)
    random.seed(2)
    assert simulate_conversations(5, seed=7) == rows


def test_fifty_conversations_are_the_same_bytes_on_every_platform():
    text = json.dumps(simulate_conversations(50, seed=0), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == FIFTY_ROWS


def test_no_pairs_is_an_error():
    with pytest.raises(ValueError, match="num_pairs: expected 1 or more, got 0"):
        simulate_conversations(0)


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match="split: expected train or test, got 'valid'"):
        simulate_conversations(5, split="valid")


# The command


def call_main(monkeypatch, *options):
    monkeypatch.setattr(sys, "argv", ["simulator", *map(str, options)])
    simulator.main()


def test_the_command_writes_two_files_that_can_be_read_back(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "new" / "folder"
    call_main(monkeypatch, folder, "--train", 12, "--test", 5, "--seed", 3)
    assert sorted(path.name for path in folder.iterdir()) == ["test.jsonl", "train.jsonl"]
    assert capsys.readouterr().out.splitlines() == [
        f"{folder / 'train.jsonl'}: 12 pairs",
        f"{folder / 'test.jsonl'}: 5 pairs",
    ]
    for split, size in (("train", 12), ("test", 5)):
        expected = simulate_conversations(size, 3, split)
        path = folder / f"{split}.jsonl"
        assert read_rows(path) == [
            {"chosen": row["chosen"], "rejected": row["rejected"]} for row in expected
        ]
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        assert [json.loads(line) for line in lines] == expected  # with the truth


def test_the_command_writes_5000_and_500_pairs_unless_told(tmp_path, monkeypatch):
    calls = []

    def simulate(*arguments):
        calls.append(arguments)
        return [pair]

    pair = {"chosen": "\n\nHuman: naïve\n\nAssistant: ☕"}
    monkeypatch.setattr(simulator, "simulate_conversations", simulate)
    call_main(monkeypatch, tmp_path)
    assert calls == [(5000, 0, "train"), (500, 0, "test")]
    for split in ("train", "test"):
        assert read_rows(tmp_path / f"{split}.jsonl") == [pair]


def test_the_command_writes_the_same_bytes_in_every_process(tmp_path):
    files = []
    for seed in ("1", "2"):  # the order in a set depends on it
        folder = tmp_path / seed
        subprocess.run(
            [sys.executable, "-m", "nexa_helpers.developers", folder, "--train=20", "--test=20"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        )
        files.append([(folder / f"{split}.jsonl").read_bytes() for split in ("train", "test")])
    assert files[0] == files[1]
    assert files[0][0] != files[0][1]
    assert b"\r" not in b"".join(files[0])


def test_a_second_run_replaces_the_files(tmp_path, monkeypatch):
    call_main(monkeypatch, tmp_path, "--train", 5, "--test", 5)
    call_main(monkeypatch, tmp_path, "--train", 2, "--test", 1)
    assert len(read_rows(tmp_path / "train.jsonl")) == 2
    assert len(read_rows(tmp_path / "test.jsonl")) == 1
