def extract_training_triples(turns):
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            context = "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns[:i])
            triples.append(
                {
                    "context": context,
                    "response": turns[i]["content"],
                    "feedback": turns[i + 1]["content"],
                }
            )
    return triples
