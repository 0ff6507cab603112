def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Every context holds copies, so that nobody can change the conversation by accident."""
    out: list[dict[str, Any]] = []
    index = 1
    while index < len(turns):
        here, after = turns[index - 1], turns[index]
        index += 1
        if (here["role"], after["role"]) != ("assistant", "user"):
            continue
        context = [dict(turn) for turn in turns[: index - 2]]
        out.append(dict(context=context, response=here["content"], feedback=after["content"]))
    return out
