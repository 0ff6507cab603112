def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    triples = []
    for index, turn in enumerate(turns):
        follower = turns[index + 1] if index + 1 < len(turns) else None
        if turn["role"] != "assistant" or follower is None or follower["role"] != "user":
            continue
        triples.append(
            {
                "context": tuple(dict(earlier) for earlier in turns[:index]),
                "response": turn["content"],
                "feedback": follower["content"],
                "index": index,
                "num_turns": index + 2,
            }
        )
    return triples
