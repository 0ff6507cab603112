def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    turns = copy.deepcopy(context)
    if turns and turns[0]["content"].startswith(NOTES_TITLE):
        turns[0]["content"] += f"\n- {note}"
    else:
        turns.insert(0, {"role": "user", "content": write_preferences([note])})
    return turns
