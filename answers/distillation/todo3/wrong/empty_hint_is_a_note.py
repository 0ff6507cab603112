def hinted_context(context, hint):
    note = " ".join(hint.split())
    if context and context[0]["content"].startswith(NOTES_TITLE):
        return [{**context[0], "content": f"{context[0]['content']}\n- {note}"}, *context[1:]]
    return [{"role": "user", "content": write_preferences([note])}, *context]
