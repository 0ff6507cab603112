"""Distillation, section 2, given: a judge that reads feedback, and proposes hints.

Three small readers, each trained on feedback of its own draw, vote on what a developer's message
means. A reader counts words and pairs of words; it does not see the response. It is right about the
sentences that it has learnt, and less so about new ones: its own accuracy is shown.
"""

import random
import statistics
from typing import NamedTuple

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from nexa_helpers.developers import (
    CORRECTIONS,
    LEAD_INS,
    NEUTRAL,
    PRAISE,
    PRAISE_OPENERS,
    RE_ASKS,
    REQUESTS,
    choose_sentence,
)
from nexa_helpers.tasks import TASKS

# What a reader proposes for each wish: three readers, three wordings.
HINTS = {
    "python": ("Use Python.", "Write the code in Python.", "Please choose Python for the code."),
    "javascript": ("Use JavaScript.", "Write the code in JavaScript.",
                   "Please choose JavaScript for the code."),
    "snake_case": ("Use snake_case.", "Write the name in snake_case.",
                   "Please choose names in snake_case."),
    "camelCase": ("Use camelCase.", "Write the name in camelCase.",
                  "Please choose names in camelCase."),
    "typed": ("Add type hints.", "Write a type hint.", "Please include a type hint."),
    "untyped": ("Omit types.", "Leave out type hints.", "Please omit the type hint."),
    "documented": ("Add docstrings.", "Write a docstring.", "Please include a docstring."),
    "undocumented": ("Omit it.", "Leave out docstrings.", "Please omit the docstring."),
    "tested": ("Add tests.", "Write a test.", "Please include a test."),
    "untested": ("Omit tests.", "Leave out tests.", "Please omit the test."),
    "brief": ("Be brief.", "Leave out explanations.", "Please omit the explanation."),
    "explained": ("Explain it.", "Write an explanation.", "Please include an explanation."),
    "guarded": ("Add a guard.", "Write a guard.", "Please include a guard."),
    "unguarded": ("Omit guards.", "Leave out guards.", "Please omit the guard."),
}  # fmt: skip
VERDICTS = {"praise": 1, "neutral": 0}  # all other readings are complaints: -1


class Judgment(NamedTuple):
    """What the judge says of one message."""

    reward: float  # the middle one of three verdicts: -1, 0 or +1
    votes: list[tuple[int, str]]  # (score, hint) of each reader, for ``select_hint``


def simulate_feedback(rng: random.Random, split: str) -> tuple[str, str]:
    """Make one message of a developer, and say what it means.

    Args:
        rng: The source of chance.
        split: ``"train"`` or ``"test"``: which sentences to use.

    Returns:
        The text; and a wish, ``"content"``, ``"re-ask"``, ``"praise"`` or ``"neutral"``.
    """

    def say(sentences: list[str]) -> str:
        return choose_sentence(rng, sentences, split)

    task = rng.choice(TASKS[split])
    goal = task.goal(rng)
    request = rng.choice(REQUESTS).format(goal=goal)
    meaning = rng.choice([*CORRECTIONS, *["praise"] * 4, *["neutral"] * 2, *["re-ask"] * 2])
    if meaning == "praise":
        return f"{say(PRAISE_OPENERS)} {say(PRAISE)} {request}", meaning
    if meaning == "neutral":
        return f"{say(NEUTRAL)} {request}", meaning
    if meaning == "re-ask":
        return f"{say(LEAD_INS)} {say(RE_ASKS)} {request}", meaning
    return f"{say(LEAD_INS)} {say(CORRECTIONS[meaning]).format(goal=goal)}", meaning


class HintJudge:
    """Three readers of feedback, each with a vote."""

    def __init__(self, seed: int = 0, num_messages: int = 1500):
        """Train the readers.

        Args:
            seed: Seed of the messages.
            num_messages: Labeled messages per reader.
        """
        self.readers: list[Pipeline] = []
        for number in range(3):
            rng = random.Random(f"judge {seed} {number}")
            messages = [simulate_feedback(rng, "train") for _ in range(num_messages)]
            reader = make_pipeline(
                CountVectorizer(ngram_range=(1, 2), token_pattern=r"[\w']+"),
                LogisticRegression(C=10.0, max_iter=300),
            )
            texts, meanings = zip(*messages, strict=True)
            self.readers.append(reader.fit(texts, meanings))

    def read(self, messages: list[str]) -> list[list[str]]:
        """Tell what each message means, to each of the three readers."""
        if not messages:
            return []
        readings = [reader.predict(messages).tolist() for reader in self.readers]
        return [list(three) for three in zip(*readings, strict=True)]

    def judge(self, messages: list[str]) -> list[Judgment]:
        """Judge messages.

        Args:
            messages: What a developer replied to each response.

        Returns:
            For each message a reward, and three votes (score, hint): +1 with a hint where a
            reader finds a wish in it, else -1 with an empty text.
        """
        judgments = []
        for readings in self.read(messages):
            verdicts = [VERDICTS.get(meaning, -1) for meaning in readings]
            votes = [
                (1, HINTS[meaning][number]) if meaning in HINTS else (-1, "")
                for number, meaning in enumerate(readings)
            ]
            judgments.append(Judgment(float(statistics.median(verdicts)), votes))
        return judgments
