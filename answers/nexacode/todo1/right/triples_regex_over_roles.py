def extract_training_triples(turns):
    letters = "".join("A" if t["role"] == "assistant" else "U" for t in turns)
    return [
        {
            "context": list(turns[: m.start()]),
            "response": turns[m.start()]["content"],
            "feedback": turns[m.end() - 1]["content"],
        }
        for m in re.finditer("AU", letters)
    ]
