from itertools import islice


def _answered(turns):
    for i, (a, b) in enumerate(zip(turns, islice(turns, 1, None))):
        if a["role"] != "user" and b["role"] == "user":
            yield i


def extract_training_triples(turns):
    keys = ("context", "response", "feedback")
    return [
        dict(zip(keys, (turns[:i], turns[i]["content"], turns[i + 1]["content"])))
        for i in _answered(turns)
    ]
