def extract_training_triples(turns):
    return [
        (turns[:i], turns[i]["content"], turns[i + 1]["content"])
        for i in range(len(turns) - 1)
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user"
    ]
