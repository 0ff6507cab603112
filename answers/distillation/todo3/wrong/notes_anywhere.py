def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    turns = copy.deepcopy(context)
    for turn in turns:
        if turn["content"].startswith(NOTES_TITLE):
            turn["content"] += f"\n- {note}"
            return turns
    return [{"role": "user", "content": write_preferences([note])}, *turns]
