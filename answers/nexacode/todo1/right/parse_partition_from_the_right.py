def parse_conversation(raw_text):
    turns = []
    rest = str.__str__(raw_text)
    while True:
        at, role, size = max(
            (rest.rfind("\n\nHuman:"), "user", 8), (rest.rfind("\n\nAssistant:"), "assistant", 12)
        )
        if at < 0:
            break
        content = rest[at + size :].strip()
        rest = rest[:at]
        if content != "":
            turns.insert(0, {"role": role, "content": content})
    return turns
