def parse_conversation(raw_text):
    marks = list(TURN_MARKER.finditer(raw_text))
    turns = []
    for mark, next_mark in zip(marks, marks[1:]):
        content = raw_text[mark.end() : next_mark.start()].strip()
        if content:
            turns.append({"role": ROLE_OF_SPEAKER[mark[1]], "content": content})
    return turns
