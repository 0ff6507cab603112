"""TODO 9: a text."""

import random
import string
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import Namespace


def draw_nothing(rng: random.Random) -> None:
    """Draw nothing: there is no input."""


def call_text(namespace: Namespace, _: None) -> Any:
    """Read the text."""
    return namespace["ethical_assessment"]


def is_a_text(_: str, got: str) -> bool:
    """Tell a text of enough different words."""
    words = [one.strip(string.punctuation).lower() for one in got.split()]
    return len(words) >= 250 and len(set(words)) >= 40


PROBES = [
    Probe(("todo9-test-word-count",), draw_nothing, call_text, agrees=is_a_text, cases=1),
]  # fmt: skip
