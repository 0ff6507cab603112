from copy import deepcopy


def extract_training_triples(turns):
    history, waiting, triples = [], None, []
    for turn in turns:
        if waiting is not None and turn["role"] == "user":
            triples.append({**waiting, "feedback": turn["content"]})
        waiting = None
        if turn["role"] == "assistant":
            waiting = {"context": deepcopy(history), "response": turn["content"]}
        history.append(turn)
    return triples
