def extract_training_triples(turns):
    is_user = np.array([turn["role"] == "user" for turn in turns], dtype=bool)
    positions = np.flatnonzero(~is_user[:-1] & is_user[1:])
    return [
        {
            "context": [turn for j, turn in enumerate(turns) if j < i],
            "response": turns[i]["content"],
            "feedback": turns[i + 1]["content"],
        }
        for i in positions
    ]
