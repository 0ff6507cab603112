def developer_reward(prompts, completions, **kwargs):
    if "wishes" not in kwargs or len(kwargs["wishes"]) != len(completions):
        raise ValueError("one entry of wishes per completion")
    rewards = []
    for i in range(len(completions)):
        answer = completions[i]
        if not isinstance(answer, str):
            answer = answer[-1]["content"]
        seen = read_answer(answer)
        if not seen["function"]:
            rewards.append(-1.0)
            continue
        met = 0
        for wish in kwargs["wishes"][i]:
            if WISHES[wish](seen):
                met += 1
        rewards.append(met / len(kwargs["wishes"][i]))
    return rewards
