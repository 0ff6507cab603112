def extract_training_triples(turns):
    triples = []
    for i, turn in enumerate(turns):
        turn["index"] = i
        if i and turn["role"] == "user" and turns[i - 1]["role"] == "assistant":
            triples.append(
                {
                    "context": turns[: i - 1],
                    "response": turns[i - 1]["content"],
                    "feedback": turn["content"],
                }
            )
    return triples
