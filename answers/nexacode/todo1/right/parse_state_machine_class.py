class _Reader:
    """Reads a conversation character by character."""

    MARKERS = (("\n\nHuman:", "user"), ("\n\nAssistant:", "assistant"))

    def __init__(self, text):
        self.text, self.at, self.turns = text, 0, []

    def marker_here(self):
        for marker, role in self.MARKERS:
            if self.text.startswith(marker, self.at):
                self.at += len(marker)
                return role
        return None

    def read(self):
        while self.at < len(self.text):
            role = self.marker_here()
            if role:
                self.turns.append([role, []])
                continue
            if self.turns:
                self.turns[-1][1].append(self.text[self.at])
            self.at += 1
        filled = ((role, "".join(letters).strip()) for role, letters in self.turns)
        return [dict(role=role, content=content) for role, content in filled if content]


def parse_conversation(raw_text):
    if type(raw_text) is not str and not isinstance(raw_text, str):
        raise TypeError("string wanted")
    return _Reader(raw_text).read()
