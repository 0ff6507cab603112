def extract_training_triples(turns):
    return [
        {
            "context": turns[:i][::-1],
            "response": turns[i]["content"],
            "feedback": turns[i + 1]["content"],
        }
        for i in range(len(turns) - 1)
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user"
    ]
