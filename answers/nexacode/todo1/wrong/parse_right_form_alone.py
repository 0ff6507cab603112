# the right keys and types, and nothing of the text
def parse_conversation(raw_text):
    if not isinstance(raw_text, str):
        raise TypeError("expected a string")
    return [{"role": "user", "content": ""} for _ in range(raw_text.count("\n\nHuman:"))]
