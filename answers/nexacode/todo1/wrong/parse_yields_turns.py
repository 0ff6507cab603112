# A generator, where a list is asked for.
def parse_conversation(raw_text):
    pieces = TURN_MARKER.split(raw_text)
    for speaker, text in zip(pieces[1::2], pieces[2::2]):
        if text.strip():
            yield {"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()}
