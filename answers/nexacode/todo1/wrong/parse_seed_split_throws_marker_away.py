# str.split takes the marker out, so no segment starts with a name any more.
def parse_conversation(raw_text):
    turns = []
    for part in raw_text.split("\n\nHuman:"):
        for segment in part.split("\n\nAssistant:"):
            if segment.startswith("Human:"):
                turns.append({"role": "user", "content": segment[6:].strip()})
            elif segment.startswith("Assistant:"):
                turns.append({"role": "assistant", "content": segment[10:].strip()})
    return turns
