def extract_training_triples(turns: list) -> list:
    roles = [turn["role"] for turn in turns]
    return [
        dict(context=turns[:i], response=turns[i]["content"], feedback=turns[i + 1]["content"])
        for i, pair in enumerate(zip(roles, roles[1:]))
        if pair == ("assistant", "user")
    ]
