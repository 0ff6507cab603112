def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    if context and context[0]["content"].startswith(NOTES_TITLE):
        return [
            {**context[0], "content": context[0]["content"] + "\n" + write_preferences([note])},
            *context[1:],
        ]
    return [{"role": "user", "content": write_preferences([note])}, *context]
