def parse_conversation(raw_text):
    pieces = TURN_MARKER.split(raw_text)
    return [
        {"role": ROLE_OF_SPEAKER[speaker], "content": " ".join(text.split())}
        for speaker, text in zip(pieces[1::2], pieces[2::2])
        if text.strip()
    ]
