def extract_training_triples(turns):
    """Structural pattern matching, one pair at a time."""
    triples = []
    for end in range(2, len(turns) + 1):
        match turns[end - 2 : end]:
            case [
                {"role": "assistant", "content": response},
                {"role": "user", "content": feedback},
            ]:
                context = turns[: end - 2]
                triples.append({"context": context, "response": response, "feedback": feedback})
            case _:
                pass
    return triples
