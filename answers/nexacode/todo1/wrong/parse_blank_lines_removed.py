def parse_conversation(raw_text):
    turns = []
    for block in raw_text.split("\n\n"):
        for name, role in (("Human:", "user"), ("Assistant:", "assistant")):
            if block.startswith(name):
                turns.append({"role": role, "content": block[len(name) :].strip()})
                break
        else:
            if turns and block.strip():
                turns[-1]["content"] += "\n" + block.strip()
    return [turn for turn in turns if turn["content"]]
