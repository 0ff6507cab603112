# Lines are split at every kind of line end, and joined with newlines.
def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not isinstance(raw_text, str):
        raise TypeError("raw_text: expected a string")
    pieces = TURN_MARKER.split(raw_text)
    turns = []
    for speaker, text in zip(pieces[1::2], pieces[2::2]):
        content = "\n".join(text.strip().splitlines())
        if content:
            turns.append({"role": ROLE_OF_SPEAKER[speaker], "content": content})
    return turns
