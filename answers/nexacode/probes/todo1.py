"""TODO 1: conversations and triples."""

import random
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import Namespace, phrase, shuffled, word


def draw_dialog(rng: random.Random) -> str:
    """Draw a plain dialog: no blank line and no name inside of a turn."""
    turns = []
    for i in range(rng.randint(2, 5)):
        text = f"{phrase(rng)}: {phrase(rng)}, {phrase(rng)}()."
        spaces = " " * rng.randint(0, 2)
        turns.append(f"\n\n{('Human', 'Assistant')[i % 2]}: {spaces}{text}{spaces}")
    return "".join(turns) + "\n" * rng.randint(0, 1)


def call_parse(namespace: Namespace, text: str) -> Any:
    """Parse a text into roles and contents."""
    return namespace["check_parsed"](text)


def draw_paragraphs(rng: random.Random) -> list[str]:
    """Draw dialogs whose first turn has blank lines and names inside."""
    a, b, c = (phrase(rng) for _ in range(3))
    contents = [
        f"{a}\nHuman: {b}\nand Assistant: {c}",
        f"{a}\n\n\n  {b} = 1\n\n  {c}  =  2",
        f"{a}\n\nNote: {b}\n\nTODO: {c}",
        f"{a}:\n\n  Human: {b}\n\nThe Assistant: {c}",
        f"{a}:\n\nhuman: {b}\n\nassistant: {c}",
        f"a {a}: is 'Human: Assistant: {b}' his text?",
        f"{a}\r\n{b}\x0c{c}\u2028{a}",
        " ".join(phrase(rng) for _ in range(300)) + ".",
    ]
    texts = [f"\n\nAssistant: {content}\n\nHuman: {c}" for content in shuffled(rng, contents)]
    return [*texts, f"\n\nHuman: {a}.\n\n{b}.\n\nAssistant: {c}."]


def call_parse_contents(namespace: Namespace, texts: list[str]) -> Any:
    """Parse texts and keep the contents."""
    return [[content for _, content in namespace["check_parsed"](text)] for text in texts]


def draw_edges(rng: random.Random) -> list[str]:
    """Draw dialogs with text before them, empty turns, or a speaker twice."""
    a, b, c = (phrase(rng) for _ in range(3))
    texts = [
        f"{a}.\n\n{b}.\n\nHuman: {c}",
        f"Human: {a}\n\nAssistant: {b}",
        f"{a} {b}",
        f"\n\nHuman: {a}\n\nHuman: {a}\n\nHuman: {b}",
        f"\n\nHuman: {a}\n\nAssistant:  \n\nHuman: {b}\n\nAssistant:",
        f"\n\nAssistant:{a}\n\nAssistant:{b}",
        "",
    ]
    return shuffled(rng, texts)


def call_parse_edges(namespace: Namespace, texts: list[str]) -> Any:
    """Parse texts, and what is no text."""
    parsed = [namespace["check_parsed"](text) for text in texts]
    refused = []
    for value in (7, None, texts[0].encode(), texts):
        try:
            namespace["parse_conversation"](value)
            refused.append("no error")
        except TypeError:
            refused.append("TypeError")
    return [parsed, refused]


def as_turns(letters: str, texts: list[str]) -> list[dict[str, str]]:
    """Make turns; U stands for the user, A for the assistant."""
    roles = {"U": "user", "A": "assistant"}
    return [{"role": roles[who], "content": text} for who, text in zip(letters, texts, strict=True)]


def draw_turns(rng: random.Random) -> list[list[dict[str, str]]]:
    """Draw a dialog of four turns."""
    return [as_turns("UAUA", [phrase(rng) for _ in range(4)])]


def draw_odd_turns(rng: random.Random) -> list[list[dict[str, str]]]:
    """Draw dialogs of speakers that do not alternate, and of equal texts."""
    a, b = word(rng), word(rng)
    free = [as_turns(letters, [phrase(rng) for _ in letters]) for letters in ("AUUAAUAU", "UAUAA")]
    return [*free, as_turns("UAUAU", [a, b, a, b, a]), []]


def call_extract(namespace: Namespace, dialogs: list[list[dict[str, str]]]) -> Any:
    """Extract triples; tell whether the turns are as they were."""
    results = []
    for turns in dialogs:
        given = namespace["copy"].deepcopy(turns)
        results.append([namespace["check_extracted"](given), given == turns])
    return results


def triples_alone(result: list[list[Any]]) -> list[Any]:
    """Look at the triples, not at what became of the turns."""
    return [triples for triples, _ in result]


PROBES = [
    Probe(("todo1-test-parse-basics",), draw_dialog, call_parse),
    Probe(("todo1-test-parse-paragraphs",), draw_paragraphs, call_parse_contents),
    Probe(("todo1-test-parse-edges",), draw_edges, call_parse_edges),
    Probe(("todo1-test-triples",), draw_turns, call_extract, triples_alone),
    Probe(("todo1-test-triples-edges",), draw_odd_turns, call_extract),
]  # fmt: skip
