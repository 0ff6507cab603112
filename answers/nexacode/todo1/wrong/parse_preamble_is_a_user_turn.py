def parse_conversation(raw_text):
    turns = []
    for segment in re.split(r"\n\n(?=Human:|Assistant:)", raw_text):
        role = "assistant" if segment.startswith("Assistant:") else "user"
        content = re.sub(r"^(Human|Assistant):", "", segment).strip()
        if content:
            turns.append({"role": role, "content": content})
    return turns
