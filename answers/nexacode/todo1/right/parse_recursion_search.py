def parse_conversation(raw_text, role=None):
    match = re.search(r"\n\n(Human|Assistant):", raw_text)
    content = (raw_text[: match.start()] if match else raw_text).strip()
    here = [dict(role=role, content=content)] if role and content else []
    if not match:
        return here
    next_role = "user" if match.group(1) == "Human" else "assistant"
    return here + parse_conversation(raw_text[match.end() :], next_role)
