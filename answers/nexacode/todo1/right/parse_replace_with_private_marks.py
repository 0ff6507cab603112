def parse_conversation(raw_text: str):
    # Two characters that no text has mark the speakers.
    if type(raw_text) is not str:
        raise TypeError("not a string")
    marked = raw_text.replace("\n\nHuman:", "\ue000U").replace("\n\nAssistant:", "\ue000A")
    _, *chunks = marked.split("\ue000")
    pairs = (("user" if chunk[0] == "U" else "assistant", chunk[1:].strip()) for chunk in chunks)
    return [{"role": role, "content": content} for role, content in pairs if content]
