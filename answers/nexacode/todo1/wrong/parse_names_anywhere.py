def parse_conversation(raw_text):
    turns = []
    for speaker, text in re.findall(
        r"(Human|Assistant):\s*(.*?)(?=Human:|Assistant:|$)", raw_text, flags=re.S
    ):
        if text.strip():
            turns.append(
                {"role": "user" if speaker == "Human" else "assistant", "content": text.strip()}
            )
    return turns
