def developer_reward(
    prompts: list[Any],
    completions: list[Any],
    **kwargs: Any,
) -> list[float]:
    wishes = kwargs.get("wishes") or []
    rewards = []
    for completion, wanted in zip(completions, wishes, strict=False):
        text = completion if isinstance(completion, str) else completion[-1]["content"]
        seen = read_answer(text)
        met = [WISHES[wish](seen) for wish in wanted]
        rewards.append(sum(met) / len(met) if seen["function"] else -1.0)
    return rewards
