# The next user turn, also when another assistant turn stands between.
def extract_training_triples(turns):
    triples = []
    for i, turn in enumerate(turns):
        later = [t["content"] for t in turns[i + 1 :] if t["role"] == "user"]
        if turn["role"] == "assistant" and later:
            triples.append(
                {"context": turns[:i], "response": turn["content"], "feedback": later[0]}
            )
    return triples
