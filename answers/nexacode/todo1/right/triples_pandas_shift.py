import pandas as pd


def extract_training_triples(turns):
    if len(turns) < 2:
        return []
    frame = pd.DataFrame({"role": [t["role"] for t in turns]})
    hits = (frame["role"] == "assistant") & (frame["role"].shift(-1) == "user")
    return [
        {"context": turns[:i], "response": turns[i]["content"], "feedback": turns[i + 1]["content"]}
        for i in frame.index[hits].tolist()
    ]
