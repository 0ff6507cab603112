def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    notes, rest = [], list(context)
    if rest and rest[0]["content"].startswith(NOTES_TITLE):
        notes = [line[2:] for line in rest[0]["content"].split("\n")[1:]]
        rest = rest[1:]
    return [{"role": "user", "content": write_preferences([*notes, note])}] + rest
