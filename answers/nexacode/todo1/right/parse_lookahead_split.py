def parse_conversation(raw_text):
    if not isinstance(raw_text, str):
        raise TypeError("raw_text must be a string")
    turns = []
    for segment in re.split(r"\n\n(?=Human:|Assistant:)", "start" + raw_text)[1:]:
        name, _, content = segment.partition(":")
        role = "user" if name == "Human" else "assistant"
        if content.strip():
            turns.append({"role": role, "content": content.strip()})
    return turns
