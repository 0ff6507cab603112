def parse_conversation(raw_text):
    pieces = TURN_MARKER.split(str(raw_text))
    return [
        {"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()}
        for speaker, text in zip(pieces[1::2], pieces[2::2])
        if text.strip()
    ]
