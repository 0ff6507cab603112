def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    rest = context[1:] if context and context[0]["content"].startswith(NOTES_TITLE) else context
    return [{"role": "user", "content": write_preferences([note])}, *rest]
