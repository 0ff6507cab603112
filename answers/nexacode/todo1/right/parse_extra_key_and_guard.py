# An empty text comes back early; each turn also holds its place in the text.
def parse_conversation(raw_text: str, verbose: bool = False) -> list[dict]:
    if raw_text == "":
        return []
    spans = [(m.start(), m.end(), m.group()) for m in re.finditer(TURN_MARKER, raw_text)]
    ends = [start for start, _, _ in spans[1:]] + [len(raw_text)]
    turns = []
    for (start, begin, marker), end in zip(spans, ends):
        text = raw_text[begin:end].strip()
        if len(text) == 0:
            continue
        turns.append(
            {"role": "user" if "Human" in marker else "assistant", "content": text, "start": start}
        )
    if verbose:
        print(len(turns), "turns")
    return turns
