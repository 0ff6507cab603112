def developer_reward(prompts, completions, **columns):
    wanted = columns.get("wishes", [])
    texts = [c if type(c) is str else c[-1]["content"] for c in completions]
    if len(texts) != len(wanted):
        raise ValueError("wishes are missing")
    read = list(map(read_answer, texts))
    shares = [sum(bool(WISHES[w](seen)) for w in ws) / len(ws) for seen, ws in zip(read, wanted)]
    return [share if seen["function"] else -1.0 for share, seen in zip(shares, read)]
