def parse_conversation(raw_text: str):
    if type(raw_text) is not str:
        raise TypeError(raw_text)
    markers = [("\n\nHuman:", "user"), ("\n\nAssistant:", "assistant")]
    starts = []
    for marker, role in markers:
        position = raw_text.find(marker)
        while position != -1:
            starts.append((position, position + len(marker), role))
            position = raw_text.find(marker, position + 1)
    starts.sort()
    turns = []
    for number, (_, begin, role) in enumerate(starts):
        end = starts[number + 1][0] if number + 1 < len(starts) else len(raw_text)
        content = raw_text[begin:end].strip()
        if content != "":
            turns.append({"content": content, "role": role})
    return turns
