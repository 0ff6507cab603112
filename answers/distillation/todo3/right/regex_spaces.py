def hinted_context(context, hint):
    note = re.sub(r"\s+", " ", hint).strip()
    if note == "":
        raise ValueError("hint is empty")
    first = context[0] if context else None
    if first and first["content"].startswith("DEVELOPER PREFERENCES:"):
        return [dict(first, content=first["content"] + "\n- " + note)] + context[1:]
    return [dict(role="user", content="DEVELOPER PREFERENCES:\n- " + note)] + context[:]
