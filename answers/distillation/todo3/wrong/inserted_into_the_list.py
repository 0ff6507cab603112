def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    if context and context[0]["content"].startswith(NOTES_TITLE):
        return [{**context[0], "content": f"{context[0]['content']}\n- {note}"}, *context[1:]]
    context.insert(0, {"role": "user", "content": write_preferences([note])})
    return context
