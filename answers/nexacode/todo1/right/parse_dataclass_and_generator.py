from dataclasses import asdict, dataclass


@dataclass
class Turn:
    role: str
    content: str


def _turns_of(raw_text):
    start = None
    for match in [*re.finditer(r"\n\n(Human|Assistant):", raw_text), None]:
        if start is not None:
            end = match.start() if match else len(raw_text)
            content = raw_text[start.end() : end].strip()
            if content:
                yield Turn("user" if start[1] == "Human" else "assistant", content)
        start = match


def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not isinstance(raw_text, str):
        raise TypeError("raw_text must be a string")
    return [asdict(turn) for turn in _turns_of(raw_text)]
