# The context is cut to its last ten turns.
def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    triples = []
    for i, (turn, next_turn) in enumerate(pairwise(turns)):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            triples.append(
                {
                    "context": list(turns[:i])[-10:],
                    "response": turn["content"],
                    "feedback": next_turn["content"],
                }
            )
    return triples
