# The same response with the same feedback is kept once.
def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    triples = []
    for i, (turn, next_turn) in enumerate(pairwise(turns)):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            triples.append(
                {
                    "context": list(turns[:i]),
                    "response": turn["content"],
                    "feedback": next_turn["content"],
                }
            )
    seen = []
    for triple in triples:
        if (triple["response"], triple["feedback"]) not in [
            (t["response"], t["feedback"]) for t in seen
        ]:
            seen.append(triple)
    return seen
