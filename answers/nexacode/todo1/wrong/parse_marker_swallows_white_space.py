# "\s*" after the colon eats the blank line that the next marker needs.
def parse_conversation(raw_text):
    pieces = re.split(r"\n\n(Human|Assistant):\s*", raw_text)
    return [
        {"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()}
        for speaker, text in zip(pieces[1::2], pieces[2::2])
        if text.strip()
    ]
