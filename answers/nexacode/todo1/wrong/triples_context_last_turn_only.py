def extract_training_triples(turns):
    return [
        {
            "context": turns[max(i - 1, 0) : i],
            "response": turns[i]["content"],
            "feedback": turns[i + 1]["content"],
        }
        for i in range(len(turns) - 1)
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user"
    ]
