def parse_conversation(raw_text):
    turns = []
    for segment in re.split(r"\n\n(?=Human:|Assistant:)", "-" + raw_text)[1:]:
        role = "user" if segment.startswith("Human:") else "assistant"
        content = segment.replace("Human:", "").replace("Assistant:", "").strip()
        if content:
            turns.append({"role": role, "content": content})
    return turns
