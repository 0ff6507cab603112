def extract_training_triples(turns):
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            triple = {}
            triple["context"] = turns[:i]
            triple["response"] = turns[i]["content"]
            triple["feedback"] = turns[i + 1]["content"]
            triples.append(triple)
    return triples
