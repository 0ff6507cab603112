# Only the first line of the feedback is kept.
def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    triples = []
    for i, (turn, next_turn) in enumerate(pairwise(turns)):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            triples.append(
                {
                    "context": list(turns[:i]),
                    "response": turn["content"],
                    "feedback": next_turn["content"].split("\n")[0],
                }
            )
    return triples
