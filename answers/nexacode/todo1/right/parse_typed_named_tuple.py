class Mark(NamedTuple):
    start: int
    end: int
    role: str


def _marks(text: str) -> list[Mark]:
    found: list[Mark] = []
    for name, role in (("Human", "user"), ("Assistant", "assistant")):
        marker: str = f"\n\n{name}:"
        found += [Mark(m.start(), m.end(), role) for m in re.finditer(re.escape(marker), text)]
    return sorted(found)


def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not isinstance(raw_text, str):
        raise TypeError(f"expected str, got {type(raw_text)}")
    marks: list[Mark] = _marks(raw_text)
    stops: list[int] = [mark.start for mark in marks[1:]] + [len(raw_text)]
    turns: list[dict[str, str]] = []
    for mark, stop in zip(marks, stops):
        content: str = raw_text[mark.end : stop].strip()
        if not content:
            continue
        turns.append({"role": mark.role, "content": content})
    return turns
