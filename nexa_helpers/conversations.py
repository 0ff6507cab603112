r"""Section 1: from raw HH-RLHF text to turns, triples and preference pairs.

A conversation is one string. A turn begins at ``\n\nHuman:`` or ``\n\nAssistant:`` and at no
other place. This module reads text only; it does not load files (see ``data.py``).
"""

import re
from itertools import pairwise
from typing import Any

TURN_MARKER = re.compile(r"\n\n(Human|Assistant):")
ROLE_OF_SPEAKER = {"Human": "user", "Assistant": "assistant"}
SPEAKER_OF_ROLE = {"user": "Human", "assistant": "Assistant"}


def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    r"""Parse one raw HH-RLHF conversation into a list of turns.

    A turn begins only at ``\n\nHuman:`` or ``\n\nAssistant:``. Blank lines, and the
    words "Human:" or "Assistant:" at any other place, belong to the turn they stand in.
    Text before the first marker is ignored.

    Args:
        raw_text: The conversation, for example
            ``"\n\nHuman: Hi\n\nAssistant: Hello!"``.

    Returns:
        One dict per turn, in order, with the keys ``role`` (``"user"`` or
        ``"assistant"``) and ``content`` (stripped of white space at both ends). Empty
        turns are dropped. Two turns of one speaker in a row stay two turns.

    Raises:
        TypeError: ``raw_text`` is not a string.

    Example:
        >>> parse_conversation("\n\nHuman: Hi\n\nAssistant: Hello!")
        [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello!'}]
    """
    if not isinstance(raw_text, str):
        raise TypeError(f"raw_text: expected a string, got {type(raw_text).__name__}")
    # The group in the pattern keeps the speakers: [before, speaker, text, speaker, text, ...]
    pieces = TURN_MARKER.split(raw_text)
    turns = []
    for speaker, text in zip(pieces[1::2], pieces[2::2], strict=True):
        content = text.strip()
        if content:
            turns.append({"role": ROLE_OF_SPEAKER[speaker], "content": content})
    return turns


def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Extract one (context, response, feedback) triple per assistant turn with a reply.

    Args:
        turns: Turns as ``parse_conversation`` returns them. They are not changed.

    Returns:
        One dict for each assistant turn that a user turn follows directly: ``context``
        (the list of all turns before the response), ``response`` (the assistant's text)
        and ``feedback`` (the user's next message, the next-state signal).
    """
    triples = []
    for i, (turn, next_turn) in enumerate(pairwise(turns)):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            triples.append(
                {
                    "context": list(turns[:i]),
                    "response": turn["content"],
                    "feedback": next_turn["content"],
                }
            )
    return triples


def triples_from_rows(rows: list[dict[str, str]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Parse the ``chosen`` text of every row and collect its triples.

    Args:
        rows: Rows with the key ``chosen``.

    Returns:
        All triples in row order, and one message for each row that could not be parsed.
        A broken row is reported, never dropped in silence; so are rows that give no triple at all.
    """
    triples, errors = [], []
    for number, row in enumerate(rows):
        try:
            triples.extend(extract_training_triples(parse_conversation(row["chosen"])))
        except (KeyError, TypeError) as error:
            errors.append(f"row {number}: {type(error).__name__}: {error}")
    if not triples and not errors:
        errors.append(f"{len(rows)} rows: expected a user's reply to a response, found none")
    return triples, errors


def preference_pairs(rows: list[dict[str, str]]) -> tuple[list[dict[str, Any]], int]:
    """Collect pairs of endings: the same conversation, a chosen and a rejected last response.

    Args:
        rows: Rows with the keys ``chosen`` and ``rejected``.

    Returns:
        One dict per usable row with the keys ``context`` (the shared turns), ``chosen`` and
        ``rejected`` (the two last responses, text); and the number of rows left out: no
        ``rejected``, a difference before the last turn, or two equal endings.
    """
    pairs = []
    for row in rows:
        chosen = parse_conversation(row["chosen"])
        rejected = parse_conversation(row.get("rejected", ""))
        if not chosen or not rejected or chosen[:-1] != rejected[:-1]:
            continue
        endings = chosen[-1], rejected[-1]
        if endings[0] != endings[1] and all(end["role"] == "assistant" for end in endings):
            pairs.append(
                {
                    "context": chosen[:-1],
                    "chosen": endings[0]["content"],
                    "rejected": endings[1]["content"],
                }
            )
    return pairs, len(rows) - len(pairs)


def render_context(context: list[dict[str, str]]) -> str:
    r"""Write turns in the HH-RLHF format, ending where the next response begins.

    Args:
        context: Turns before the response.

    Returns:
        ``"\n\nHuman: ...\n\nAssistant: ..."`` and at its end ``"\n\nAssistant:"``.
    """
    turns = [f"\n\n{SPEAKER_OF_ROLE[turn['role']]}: {turn['content']}" for turn in context]
    return "".join(turns) + "\n\nAssistant:"
