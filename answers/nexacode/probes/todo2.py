"""TODO 2: feedback signals, and their plot."""

import random
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import Namespace, shuffled, sizes_of_bars, word


def draw_texts(rng: random.Random) -> list[str]:
    """Draw texts of words, numbers and white space."""
    gaps = (" ", "  ", "\n\n", "\t")
    return [
        "".join(
            rng.choice([word(rng), f"{word(rng)}-{word(rng)};", "=", "[1,", "2]"])
            + rng.choice(gaps)
            for _ in range(rng.randint(1, most))
        ).strip()
        for most in (30, 30, 30, 30, 30, 400)
    ]


def call_lengths(namespace: Namespace, texts: list[str]) -> Any:
    """Measure feedback and responses."""
    pairs = [namespace["check_triple"](*pair) for pair in zip(texts, texts[::-1], strict=True)]
    found = namespace["check_analysis"](pairs, "feedback_lengths", "response_lengths")
    return [[int(n) for n in found[f"{part}_lengths"]] for part in ("feedback", "response")]


def draw_feedback(rng: random.Random) -> list[str]:
    """Draw plain feedback of the three kinds."""
    kinds = [
        lambda: f"Great, that {word(rng)} works",
        lambda: f"No. Use a {word(rng)}.",
        lambda: f"What about {word(rng)}?",
        lambda: "thanks",
    ]
    return [rng.choice(kinds)() for _ in range(20)]


def call_sentiments(namespace: Namespace, feedback: list[str]) -> Any:
    """Judge feedback whose response and request have words of the lexicons; count."""
    triples = [
        namespace["check_triple"]("No errors, good!", text, request="Not this, thanks.")
        for text in feedback
    ]
    found = namespace["check_analysis"](triples, "sentiments")
    return [list(map(str, found["sentiments"])), namespace["check_counts"](found)]


def draw_whole_words(rng: random.Random) -> list[str]:
    """Draw feedback with words of the lexicons, and with words that only contain one."""
    traps = [
        "I know another way", "Nothing, notable", "The goodness of yesterday", "I cannot see it",
        "That is incorrect", "errors and badges", "Don't", "perfectly", "(yes)", "Wrong!",
        "Hm...no...use a loop", "Nice;next", "But why? You should fix it, please. I love tests.",
    ]  # fmt: skip
    lexicon = (
        "thanks thank great perfect good correct yes nice excellent exactly helpful awesome no not "
        "wrong incorrect bad don't doesn't didn't isn't can't won't never useless mistake error "
        "instead"
    ).split()
    texts = [*traps, *(f"Hm, {one}." for one in lexicon)]
    return [f"{text} {word(rng)}" for text in shuffled(rng, texts)]


def call_each_sentiment(namespace: Namespace, feedback: list[str]) -> Any:
    """Judge one feedback after another."""
    return [namespace["check_sentiment"](text) for text in feedback]


def draw_precedence(rng: random.Random) -> list[list[str]]:
    """Draw corrections with thanks; and feedback to be counted."""
    mixed = [
        f"Thanks, but that {word(rng)} is wrong", f"No, great {word(rng)}",
        f"GOOD {word(rng)}, but NOT what I asked", "Nice, good, thanks, but there is one error",
        f"Wrong {word(rng)}. Good style, great names, thanks", f"Not bad {word(rng)}, thanks",
        f"THANKS {word(rng)}", f"And {word(rng)}?",
        f"Okay.\n\nNo, {word(rng)}.\n{word(rng)}", f"{word(rng)}\nPerfect.\n\n{word(rng)}?",
    ]  # fmt: skip
    kinds = ["THANKS", f"And {word(rng)}?", "No", "Never"]
    return [shuffled(rng, mixed), [rng.choice(kinds) for _ in range(rng.randint(5, 20))], []]


def call_precedence(namespace: Namespace, given: list[list[str]]) -> Any:
    """Judge the first list one by one, and count the others."""
    mixed, *lists = given
    counts = [
        namespace["check_counts"](
            namespace["check_analysis"]([namespace["check_triple"]("r", text) for text in texts])
        )
        for texts in lists
    ]
    return [call_each_sentiment(namespace, mixed), counts]


def draw_analysis(rng: random.Random) -> dict[str, Any]:
    """Draw an analysis with counts that are all different."""
    counts = rng.sample(range(3, 40), 3)
    names = ("neutral", "negative", "positive")
    labels = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return {
        "feedback_lengths": [rng.randint(1, 60) for _ in labels],
        "response_lengths": [rng.randint(1, 180) for _ in labels],
        "sentiments": shuffled(rng, labels),
        "sentiment_counts": dict(zip(names, counts, strict=True)),
    }


def call_plot_signals(namespace: Namespace, analysis: dict[str, Any]) -> Any:
    """Draw the analysis; return the number of axes and the sizes of all bars."""
    with namespace["quiet"]():
        figure = namespace["plot_feedback_signals"](analysis)
    namespace["plt"].close("all")
    return {
        "axes": len(figure.axes),
        "texts": sum(bool(axis.get_xlabel() and axis.get_ylabel()) for axis in figure.axes),
        "filled": sum(bool(axis.has_data()) for axis in figure.axes),
        "sizes": [sizes_of_bars(axis) for axis in figure.axes],
        "counts": list(analysis["sentiment_counts"].values()),
    }


def axes_and_texts(result: dict[str, Any]) -> list[int]:
    """Look at the number of axes, of their labels, and of those that show something."""
    return [result["axes"], result["texts"], result["filled"]]


def has_bars_of_the_counts(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether one axis has a bar for each of the three counts."""
    counts = {round(float(count), 6) for count in expected["counts"]}
    return any(counts <= set(sizes) for sizes in got["sizes"])


def has_form_and_bars(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether axes and texts are there, and the bars of the counts."""
    is_formed = axes_and_texts(expected) == axes_and_texts(got)
    return is_formed and has_bars_of_the_counts(expected, got)


PROBES = [
    Probe(("todo2-test-lengths",), draw_texts, call_lengths),
    Probe(("todo2-test-sentiment",), draw_feedback, call_sentiments),
    Probe(("todo2-test-whole-words",), draw_whole_words, call_each_sentiment),
    Probe(("todo2-test-precedence",), draw_precedence, call_precedence),
    Probe(
        ("todo2-test-plots",), draw_analysis, call_plot_signals, agrees=has_form_and_bars, cases=1
    ),
    Probe(
        ("todo2-test-plots-data",), draw_analysis, call_plot_signals,
        agrees=has_bars_of_the_counts, cases=1,
    ),
]  # fmt: skip
