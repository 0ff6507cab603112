def parse_conversation(raw_text):
    pattern = r"\n\n(Human|Assistant):(.*?)(?=\n\n|\Z)"
    return [
        {"role": ROLE_OF_SPEAKER[match[1]], "content": match[2].strip()}
        for match in re.finditer(pattern, raw_text, re.DOTALL)
        if match[2].strip()
    ]
