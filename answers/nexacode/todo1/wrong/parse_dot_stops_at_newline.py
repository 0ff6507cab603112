# Without re.DOTALL the content ends with the first line.
def parse_conversation(raw_text):
    return [
        {"role": ROLE_OF_SPEAKER[speaker], "content": text.strip()}
        for speaker, text in re.findall(r"\n\n(Human|Assistant):(.*)", raw_text)
        if text.strip()
    ]
