# Takes user, assistant, user, ... for granted.
def extract_training_triples(turns):
    return [
        {
            "context": turns[:i],
            "response": turns[i]["content"],
            "feedback": turns[i + 1]["content"],
        }
        for i in range(1, len(turns) - 1, 2)
    ]
