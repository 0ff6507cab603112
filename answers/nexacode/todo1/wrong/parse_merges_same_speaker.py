def parse_conversation(raw_text):
    pieces = TURN_MARKER.split(raw_text)
    turns = []
    for speaker, text in zip(pieces[1::2], pieces[2::2]):
        role, content = ROLE_OF_SPEAKER[speaker], text.strip()
        if not content:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + content
        else:
            turns.append({"role": role, "content": content})
    return turns
