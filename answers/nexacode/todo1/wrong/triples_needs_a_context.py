# A conversation may start with the assistant: its context is empty.
def extract_training_triples(turns):
    triples = []
    for i in range(1, len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            triples.append(
                {
                    "context": turns[:i],
                    "response": turns[i]["content"],
                    "feedback": turns[i + 1]["content"],
                }
            )
    return triples
