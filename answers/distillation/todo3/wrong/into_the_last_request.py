def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    turns = copy.deepcopy(context)
    if not turns:
        return [{"role": "user", "content": write_preferences([note])}]
    turns[-1]["content"] += "\n\n" + write_preferences([note])
    return turns
