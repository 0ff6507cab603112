def extract_training_triples(turns):
    triples = []
    for i, turn in enumerate(turns):
        if turn["role"] == "assistant":
            answered = i + 1 < len(turns) and turns[i + 1]["role"] == "user"
            triples.append(
                {
                    "context": turns[:i],
                    "response": turn["content"],
                    "feedback": turns[i + 1]["content"] if answered else "",
                }
            )
    return triples
