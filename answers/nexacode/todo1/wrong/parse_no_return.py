def parse_conversation(raw_text):
    pieces = TURN_MARKER.split(raw_text)
    turns = []
    for speaker, text in zip(pieces[1::2], pieces[2::2]):
        if text.strip():
            turns.append({"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()})
    print(turns)
