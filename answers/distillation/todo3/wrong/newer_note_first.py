def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    if context and context[0]["content"].startswith(NOTES_TITLE):
        old = context[0]["content"][len(NOTES_TITLE) :]
        return [{**context[0], "content": f"{NOTES_TITLE}\n- {note}{old}"}, *context[1:]]
    return [{"role": "user", "content": write_preferences([note])}, *context]
