def parse_conversation(raw_text: str) -> list:
    if not isinstance(raw_text, str):
        raise TypeError("not a string")
    lines = raw_text.split("\n")
    collected = []
    for number, line in enumerate(lines):
        for name, role in (("Human:", "user"), ("Assistant:", "assistant")):
            if number >= 2 and lines[number - 1] == "" and line.startswith(name):
                collected.append((role, [line[len(name) :]]))
                break
        else:
            if collected:
                collected[-1][1].append(line)
    turns = []
    for role, parts in collected:
        content = "\n".join(parts).strip()
        if content:
            turns.append({"role": role, "content": content})
    return turns
