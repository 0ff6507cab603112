"""TODO 7: categories of errors."""

import random
from functools import partial
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import VOCABULARY, Namespace, lively_policy, shuffled, triples_of, word


def draw_complaints(rng: random.Random) -> list[Any]:
    """Draw how many triples of four kinds are counted."""
    return [rng.randint(3, 12), rng.randint(2, 5)]


def flat_policy(namespace: Namespace) -> dict[str, Any]:
    """Make the policy that the tools would make anew for each feedback; nothing depends on it."""
    return {"policy": namespace["unigram_policy"](namespace["check_tokenizer"](), {})}


def call_count(namespace: Namespace, given: list[int]) -> Any:
    """Count complaints, some of them beyond num_samples."""
    many, few = given
    feedback = [
        "- No, it is wrong.", "+ Perfect, thanks.", "- No, too long.", "- No, too short."
    ]  # fmt: skip
    triples = [namespace["check_triple"]("alpha", text) for text in feedback]
    count = partial(namespace["count_errors"], **flat_policy(namespace))
    all_of_them = [count(triples), count(triples * 20)]
    rows = triples[:1] * many + triples[1:2] * few + triples[2:] * 10
    return [
        [sorted(counts) for counts in all_of_them],
        [sum(counts.values()) for counts in all_of_them],
        {name: n for name, n in count(rows, num_samples=many + few).items() if n},
    ]


CATEGORIES = (
    "- No, {} wrong format.", "- No, {} too long", "- No, the {} format is bad.",
    "- Not this {} style, and too long", "- No, too {} long, and its style is bad",
    "- No, this {} style is wrong.", "- No, wrong {} style and wrong format",
    "- No, there is a {} bug!", "- No, {} too LONG", "- No, {} it should be shorter.",
    "- Not enough {} detail", "- No, long and {} short", "- No, some {} parts short, some long",
    "- No, I asked for a {} comment.", "- No, I prefer {} tuples", "- Not what {} I asked",
    "- No, no {} information", "- No, I belong {} here", "Explain {} it", "Is there {} a comment",
)  # fmt: skip
WITHOUT_KEYWORD = (
    "+ Perfect, that {} is the right style", "+ Thanks, nice {} and short",
    "What about {} the weather", "I want {} more", "- No {}", "- Never {}",
)  # fmt: skip


def draw_categories(rng: random.Random) -> list[str]:
    """Draw the order of complaints, and a word in each."""
    return [text.format(word(rng)) for text in shuffled(rng, list(CATEGORIES))]


def draw_without_keyword(rng: random.Random) -> list[str]:
    """Draw feedback without a keyword, or that is positive."""
    return [text.format(word(rng)) for text in shuffled(rng, list(WITHOUT_KEYWORD) * 2)]


def call_category(namespace: Namespace, feedback: list[str]) -> Any:
    """Find the category of each feedback."""
    policy = flat_policy(namespace)
    return [namespace["one_category"](text, **policy) for text in feedback]


def call_fallback(namespace: Namespace, feedback: list[str]) -> Any:
    """The same; and of a feedback whose request and response have keywords."""
    other = namespace["one_category"](
        "- No", response="this style is wrong", request="Write a long text."
    )
    return [call_category(namespace, feedback), other]


def draw_moved(rng: random.Random) -> dict[str, Any]:
    """Draw feedback, each with a policy that moved up, down or not; and two policies' weights."""
    texts = ("- No, wrong.", "- No", "Explain it", "+ Perfect, nice and short")
    cases = [[rng.choice(texts), rng.choice((-1, 1)) * rng.uniform(1, 3)] for _ in range(10)]
    return {"cases": cases, "seeds": [rng.randrange(10**6), rng.randrange(10**6)]}


def call_reference(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Find categories with a reference; with the gap of policies that read the context."""
    tokenizer, one = namespace["check_tokenizer"](), namespace["one_category"]
    flat = namespace["unigram_policy"](tokenizer, {})
    found = [
        one(text, policy=namespace["unigram_policy"](tokenizer, {"alpha": score}), ref_policy=flat)
        for text, score in given["cases"]
    ]
    pair = [lively_policy(namespace, tokenizer, seed) for seed in given["seeds"]]
    rows = [[f"{a} {b}", "- No, wrong.", "Write." * (1 + i % 3)] for i, (a, b) in enumerate(
        (a, b) for a in VOCABULARY for b in VOCABULARY[:2]
    )]  # fmt: skip
    kinds, gaps = [], []
    for triple in triples_of(namespace, rows):
        batch = namespace["encode_examples"]([triple], tokenizer)
        with namespace["torch"].no_grad():
            new, ref = (float(namespace["response_log_probs"](m, batch).mean()) for m in pair)
        counts = namespace["count_errors"]([triple], pair[0], ref_policy=pair[1])
        gaps.append(new - ref)
        kinds.append(counts.get("correct", 0))
    return {"found": found, "kinds": kinds, "gaps": gaps}


def same_where_clear(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Compare; policies that hardly differ decide nothing."""
    rows = zip(expected["kinds"], got["kinds"], expected["gaps"], strict=True)
    return expected["found"] == got["found"] and all(
        right == mine for right, mine, gap in rows if abs(gap) > 0.05
    )


PROBES = [
    Probe(("todo7-test-counts",), draw_complaints, call_count, cases=2),
    Probe(("todo7-test-categories",), draw_categories, call_category, cases=1),
    Probe(("todo7-test-fallback",), draw_without_keyword, call_fallback, cases=1),
    Probe(
        ("todo7-test-reference",), draw_moved, call_reference, agrees=same_where_clear, cases=1
    ),
]  # fmt: skip
