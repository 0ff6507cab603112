def parse_conversation(raw_text: str) -> list[dict[str, str]]:
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
