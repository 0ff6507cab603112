def extract_training_triples(turns):
    if len(turns) < 2:
        return []
    *before, turn, answer = turns
    found = extract_training_triples(turns[:-1])
    if (turn["role"], answer["role"]) == ("assistant", "user"):
        found.append(
            {"context": before, "response": turn["content"], "feedback": answer["content"]}
        )
    return found
