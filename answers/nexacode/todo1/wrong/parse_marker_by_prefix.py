# A turn begins at the name, with or without the colon.
def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not isinstance(raw_text, str):
        raise TypeError(f"raw_text: expected a string, got {type(raw_text).__name__}")
    # The group in the pattern keeps the speakers: [before, speaker, text, speaker, text, ...]
    pieces = re.split(r"\n\n(Human|Assistant)\b:?", raw_text)
    turns = []
    for speaker, text in zip(pieces[1::2], pieces[2::2], strict=True):
        content = text.strip()
        if content:
            turns.append({"role": ROLE_OF_SPEAKER[speaker], "content": content})
    return turns
