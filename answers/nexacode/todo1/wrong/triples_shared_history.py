# All contexts are the same list, which goes on growing.
def extract_training_triples(turns):
    history, triples = [], []
    for turn, next_turn in zip(turns, turns[1:]):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            triples.append(
                {
                    "context": history,
                    "response": turn["content"],
                    "feedback": next_turn["content"],
                }
            )
        history.append(turn)
    return triples
