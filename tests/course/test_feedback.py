"""Section 2: whole words, precedence, lengths, plots."""

import matplotlib.pyplot as plt
import pytest

from nexa_helpers.feedback import (
    NEGATIVE_WORDS,
    POSITIVE_WORDS,
    analyze_feedback_signals,
    keyword_labels,
    plot_feedback_signals,
    words,
)


def triple(feedback, response="a b c"):
    return {"context": [], "response": response, "feedback": feedback}


def sentiment(feedback):
    return analyze_feedback_signals([triple(feedback)])["sentiments"][0]


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ("Thanks!", "positive"),
        ("PERFECT", "positive"),
        ("No.", "negative"),
        ("I don't want that", "negative"),
        ("Use the other file", "neutral"),
        ("", "neutral"),
        ("Thanks, but that is wrong", "negative"),  # a correction with thanks is a correction
        ("wrong, thanks", "negative"),  # in either order
    ],
)
def test_sentiment_of_plain_cases(feedback, expected):
    assert sentiment(feedback) == expected


@pytest.mark.parametrize("text", ["I know", "another notebook", "goodness", "yesterday", "nowhere"])
def test_a_keyword_inside_a_longer_word_does_not_count(text):
    assert sentiment(text) == "neutral"


def test_a_longer_word_may_be_a_keyword_of_its_own():
    assert sentiment("incorrect") == "negative"  # not "correct"
    assert sentiment("this is correct") == "positive"


def test_words_are_runs_of_letters_and_apostrophes():
    assert words("No, I DON'T know: x_1 wrong2go") == [
        "no",
        "i",
        "don't",
        "know",
        "x",
        "wrong",
        "go",
    ]
    assert words("naïve-good\nwrong") == ["naïve", "good", "wrong"]
    assert words("42 !") == []


def test_the_two_lexicons_are_words_and_share_none():
    assert not POSITIVE_WORDS & NEGATIVE_WORDS
    for word in POSITIVE_WORDS | NEGATIVE_WORDS:
        assert words(word) == [word]


def test_lengths_count_what_stands_between_white_space():
    analysis = analyze_feedback_signals([triple("a  b-c\n\nd", "x"), triple("", "y\tz 1")])
    assert analysis["feedback_lengths"] == [3, 0]
    assert analysis["response_lengths"] == [1, 3]


def test_counts_hold_all_three_keys_and_match_the_list():
    assert analyze_feedback_signals([])["sentiment_counts"] == {
        "positive": 0,
        "negative": 0,
        "neutral": 0,
    }
    analysis = analyze_feedback_signals([triple("no"), triple("thanks"), triple("not")])
    assert analysis["sentiments"] == ["negative", "positive", "negative"]
    assert analysis["sentiment_counts"] == {"positive": 1, "negative": 2, "neutral": 0}


def test_labels_are_minus_one_zero_and_one():
    assert keyword_labels([triple("no"), triple("hm"), triple("great")]) == [-1, 0, 1]


def test_the_figure_has_three_labelled_axes():
    analysis = analyze_feedback_signals([triple("no"), triple("thanks a lot")])
    figure = plot_feedback_signals(analysis)
    assert len(figure.axes) == 3
    for axis in figure.axes:
        assert axis.get_xlabel()
        assert axis.get_ylabel()
        assert axis.get_title()
    assert sorted(bar.get_height() for bar in figure.axes[2].patches) == [0, 1, 1]
    plt.close(figure)
