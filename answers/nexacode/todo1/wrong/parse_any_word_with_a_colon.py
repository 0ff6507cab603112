def parse_conversation(raw_text):
    turns = []
    pieces = re.split(r"\n\n(\w+):", raw_text)
    for speaker, text in zip(pieces[1::2], pieces[2::2]):
        role = "user" if speaker == "Human" else "assistant"
        if text.strip():
            turns.append({"role": role, "content": text.strip()})
    return turns
