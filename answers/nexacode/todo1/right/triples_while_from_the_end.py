def extract_training_triples(turns):
    left = list(turns)
    triples = []
    while len(left) >= 2:
        last = left.pop()
        if last.get("role") == "user" and left[-1].get("role") == "assistant":
            triples.insert(
                0,
                {
                    "context": left[:-1],
                    "response": left[-1]["content"],
                    "feedback": last["content"],
                },
            )
    return triples
