def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    pieces = iter(TURN_MARKER.split(raw_text))
    next(pieces)
    turns = ((ROLE_OF_SPEAKER[speaker], text.strip()) for speaker, text in zip(pieces, pieces))
    return [{"role": role, "content": content} for role, content in turns if content]
