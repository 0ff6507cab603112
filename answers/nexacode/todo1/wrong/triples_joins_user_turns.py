# The feedback is the user's next turn, not all of them.
def extract_training_triples(turns):
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            feedback = []
            for turn in turns[i + 1 :]:
                if turn["role"] != "user":
                    break
                feedback.append(turn["content"])
            triples.append(
                {
                    "context": turns[:i],
                    "response": turns[i]["content"],
                    "feedback": " ".join(feedback),
                }
            )
    return triples
