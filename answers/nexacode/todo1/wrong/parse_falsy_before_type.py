def parse_conversation(raw_text: str) -> list[dict[str, str]]:
    if not raw_text:
        return []
    if not isinstance(raw_text, str):
        raise TypeError("raw_text must be a string")
    parts = re.split(r"\n\n(Human|Assistant):", raw_text)
    turns = []
    for i in range(1, len(parts), 2):
        role = "user" if parts[i] == "Human" else "assistant"
        content = parts[i + 1].strip()
        if len(content) > 0:
            turns.append({"role": role, "content": content})
    return turns
