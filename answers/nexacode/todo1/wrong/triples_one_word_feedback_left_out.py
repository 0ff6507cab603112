# Feedback of one word is taken for noise.
def extract_training_triples(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    triples = []
    for i in range(len(turns) - 1):
        if turns[i]["role"] == "assistant" and turns[i + 1]["role"] == "user":
            feedback = turns[i + 1]["content"]
            if len(feedback.split()) > 1:
                response = turns[i]["content"]
                triples.append({"context": turns[:i], "response": response, "feedback": feedback})
    return triples
