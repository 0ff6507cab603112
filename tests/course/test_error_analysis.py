"""Section 7: which category a complaint falls in, and what the policy has to do with it."""

import pytest

from nexa_helpers.error_analysis import ERROR_WORDS, categorize_errors
from nexa_helpers.feedback import words

KEYS = [
    "content_error",
    "style_mismatch",
    "too_verbose",
    "too_brief",
    "preference_ignored",
    "correct",
]


@pytest.fixture
def categorize(unigram_policy, make_triple, tokenizer):
    """Categorize one feedback, or several, without a reference."""

    def run(*feedback, **options):
        triples = [make_triple("a", text) for text in feedback]
        counts = categorize_errors(unigram_policy({}), triples, tokenizer, **options)
        return {name: count for name, count in counts.items() if count}

    return run


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ("That is wrong", "content_error"),
        ("An ERROR!", "content_error"),
        ("The style is off", "style_mismatch"),
        ("Too long", "too_verbose"),
        ("Too short", "too_brief"),
        ("Please explain it", "too_brief"),
        ("I asked for Python", "preference_ignored"),
        ("No.", "preference_ignored"),  # negative, without a keyword
        ("Never do that", "preference_ignored"),
        ("Now the next one", "correct"),  # neutral
        ("", "correct"),
        ("Thanks!", "correct"),
        ("Great, a long one", "correct"),  # praise wins over the categories
        ("Thanks, but that is wrong", "content_error"),  # a correction with thanks
        ("Good, but not so long", "too_verbose"),
    ],
)
def test_category_of_one_feedback(categorize, feedback, expected):
    assert categorize(feedback) == {expected: 1}


@pytest.mark.parametrize("first", range(4))
def test_the_first_category_of_the_order_counts(categorize, first):
    own = ["mistake", "format", "lengthy", "detail", "rather"]
    feedback = " ".join(reversed(own[first:]))
    assert categorize(feedback) == {KEYS[first]: 1}


def test_only_whole_words_count(categorize):
    assert categorize("more information, anymore, belong, along") == {"correct": 1}


def test_words_that_mark_no_complaint_are_left_out(categorize):
    assert categorize("I want more", "more", "want") == {"correct": 3}
    for lexicon in ERROR_WORDS.values():
        assert not lexicon & {"want", "more"}
        assert all(words(word) == [word] for word in lexicon)


def test_six_counts_sum_to_the_first_samples(unigram_policy, make_triple, tokenizer):
    triples = [make_triple("a", "wrong")] * 3 + [make_triple("a", "thanks")] * 60
    policy = unigram_policy({})
    counts = categorize_errors(policy, triples, tokenizer, num_samples=4)
    assert sorted(counts) == sorted(KEYS)
    assert (counts["content_error"], counts["correct"], sum(counts.values())) == (3, 1, 4)
    assert sum(categorize_errors(policy, triples, tokenizer).values()) == 50
    assert sum(categorize_errors(policy, triples[:2], tokenizer).values()) == 2
    assert categorize_errors(policy, [], tokenizer) == dict.fromkeys(counts, 0)


def test_an_error_that_the_policy_moved_away_from_is_correct(
    unigram_policy, make_triple, tokenizer
):
    policy, ref_policy = unigram_policy({"a": 4.0}), unigram_policy({})
    triples = [
        make_triple("bbbb", "wrong"),  # moved down
        make_triple("a" * 9, "too long"),  # moved up
        make_triple("bbbb", "thanks"),  # moved down, but praised
        make_triple("a" * 9, "hm"),
    ]
    counts = categorize_errors(policy, triples, tokenizer, ref_policy=ref_policy)
    assert {name: count for name, count in counts.items() if count} == {
        "correct": 3,
        "too_verbose": 1,
    }


def test_an_error_that_did_not_move_stays_an_error(unigram_policy, make_triple, tokenizer):
    policy = unigram_policy({"a": 4.0})
    counts = categorize_errors(policy, [make_triple("a", "No.")], tokenizer, ref_policy=policy)
    assert counts["preference_ignored"] == 1


def test_the_mean_log_prob_of_the_whole_response_decides(unigram_policy, make_triple, tokenizer):
    # One "a" moves up far; the other tokens move down a little: the mean is what counts.
    policy, ref_policy = unigram_policy({"a": 4.0}), unigram_policy({})
    few, many = make_triple("a" + "b" * 40, "wrong"), make_triple("a" * 40 + "b", "wrong")
    for triple, expected in ((few, 0), (many, 1)):
        counts = categorize_errors(policy, [triple], tokenizer, ref_policy=ref_policy)
        assert counts["content_error"] == expected
