def parse_conversation(raw_text):
    turns = []
    for segment in re.split(r"\n\n(?=Human:|Assistant:)", "-" + raw_text)[1:]:
        parts = segment.split(":")
        if parts[1].strip():
            turns.append(
                {
                    "role": "user" if parts[0] == "Human" else "assistant",
                    "content": parts[1].strip(),
                }
            )
    return turns
