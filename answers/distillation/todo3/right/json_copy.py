def hinted_context(context, hint):
    note = " ".join(hint.split())
    if not note:
        raise ValueError("hint: expected a text, got an empty one")

    turns = json.loads(json.dumps(context))
    head = (
        turns.pop(0)
        if turns and turns[0]["content"].startswith(NOTES_TITLE)
        else {"role": "user", "content": NOTES_TITLE}
    )
    head["content"] = head["content"] + "\n- " + note
    return [head] + turns
