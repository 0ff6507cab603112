def parse_conversation(raw_text):
    texts = re.split(r"\n\n(?:Human|Assistant):", raw_text)[1:]
    texts = [text.strip() for text in texts if text.strip()]
    return [
        {"role": "user" if i % 2 == 0 else "assistant", "content": text}
        for i, text in enumerate(texts)
    ]
