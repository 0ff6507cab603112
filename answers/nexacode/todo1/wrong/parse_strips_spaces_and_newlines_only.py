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
        raise TypeError(f"expected str, got {type(raw_text)}")
    _, *rest = re.split(r"\n\n(Human|Assistant):", raw_text)
    turns = []
    for speaker, content in zip(rest[::2], rest[1::2]):
        content = content.strip(" \n")
        if content:
            role = "user" if speaker == "Human" else "assistant"
            turns.append({"role": role, "content": content})
    return turns
