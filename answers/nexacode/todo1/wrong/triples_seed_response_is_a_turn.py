# The origin's recipe: response=turns[i], feedback=turns[i+1]; these are dicts, not strings.
def extract_training_triples(turns):
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            triples.append({"context": turns[:i], "response": turns[i], "feedback": turns[i + 1]})
    return triples
