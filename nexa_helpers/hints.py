"""Distillation, sections 2 and 3: from a judge's votes to a hint, and to a context that holds it.

A hint says in one sentence what a better response would have done. The teacher reads it as a note
in front of the conversation, the place where the deployed model has learnt to read notes; the
student never sees it. Source: OpenClaw-RL (arXiv:2603.10165), hindsight-guided distillation.
"""

from collections.abc import Iterable

from nexa_helpers.developers import write_preferences

NOTES_TITLE = write_preferences([])  # the first line of a turn that holds notes


def select_hint(votes: Iterable[tuple[int, str]]) -> str | None:
    """Choose the hint of a turn from the votes of a judge.

    A vote counts if its score is +1 and its text, without white space at both ends, has
    more than 10 characters. The longest such text is the hint: the first recipe of
    OpenClaw-RL. A later one compares the candidates with the student's own words.

    Args:
        votes: Pairs (score, text); the score is +1 (the feedback says what to do) or
            -1.

    Returns:
        The longest text that counts, stripped; the first one of those that are equally
        long. None where no vote counts: the turn has no hint and is dropped.
    """
    texts = [text.strip() for score, text in votes if score == 1]
    return max((text for text in texts if len(text) > 10), key=len, default=None)


def hinted_context(context: list[dict[str, str]], hint: str) -> list[dict[str, str]]:
    """Write a hint in front of a conversation, as the deployed model reads notes.

    The notes stand in a user's turn of their own, before all other turns:
    ``write_preferences`` gives its text. Where such a turn is already there, the hint
    becomes its last line, because newer notes stand below older ones. A note is one
    line: each run of white space in the hint becomes one space.

    Args:
        context: Turns before the response, each with ``role`` and ``content``. Neither
            the list nor its turns are changed.
        hint: What the teacher reads and the student does not.

    Returns:
        A new list of turns.

    Raises:
        ValueError: The hint is empty.
    """
    note = " ".join(hint.split())
    if not note:
        raise ValueError(
            "hint: expected a text, got an empty one; a turn without a hint is dropped"
        )
    if context and context[0]["content"].startswith(NOTES_TITLE):
        notes = {**context[0], "content": f"{context[0]['content']}\n- {note}"}
        return [notes, *context[1:]]
    return [{"role": "user", "content": write_preferences([note])}, *context]
