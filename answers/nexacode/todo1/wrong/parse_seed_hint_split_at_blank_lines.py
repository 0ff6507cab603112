# The hint of the origin: segments that start with "Human:" or "Assistant:"; paragraphs get lost.
def parse_conversation(raw_text):
    turns = []
    for segment in raw_text.split("\n\n"):
        if segment.startswith("Human:"):
            turns.append({"role": "user", "content": segment[len("Human:") :].strip()})
        elif segment.startswith("Assistant:"):
            turns.append({"role": "assistant", "content": segment[len("Assistant:") :].strip()})
    return [turn for turn in turns if turn["content"]]
