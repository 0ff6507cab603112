def extract_training_triples(turns):
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant":
            triples.append(
                {
                    "context": turns[:i],
                    "response": turns[i]["content"],
                    "feedback": turns[i + 1]["content"],
                }
            )
    return triples
