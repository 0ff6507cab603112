def extract_training_triples(turns):
    triples, before = [], []
    while len(turns) > 1:
        turn = turns.pop(0)
        if turn["role"] == "assistant" and turns[0]["role"] == "user":
            triples.append(
                {
                    "context": list(before),
                    "response": turn["content"],
                    "feedback": turns[0]["content"],
                }
            )
        before.append(turn)
    return triples
