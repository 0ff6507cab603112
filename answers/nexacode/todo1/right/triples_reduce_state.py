from functools import reduce


def extract_training_triples(turns):
    def step(state, turn):
        history, triples = state
        if history and history[-1]["role"] == "assistant" and turn["role"] == "user":
            new = {
                "context": history[:-1],
                "response": history[-1]["content"],
                "feedback": turn["content"],
            }
            triples = triples + [new]
        return history + [turn], triples

    return reduce(step, turns, ([], []))[1]
