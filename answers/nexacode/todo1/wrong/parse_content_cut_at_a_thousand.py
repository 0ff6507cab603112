# A turn has 1000 characters at most.
def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not isinstance(raw_text, str):
        raise TypeError("raw_text: expected a string")
    pieces = TURN_MARKER.split(raw_text)
    return [
        {"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()[:1000]}
        for speaker, text in zip(pieces[1::2], pieces[2::2])
        if text.strip()
    ]
