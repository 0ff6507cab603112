def developer_reward(
    prompts: list[Any],
    completions: list[Any],
    **kwargs: Any,
) -> list[float]:
    wishes = kwargs.get("wishes") or []
    if len(wishes) != len(completions):
        raise ValueError(f"wishes: expected {len(completions)}, one per answer, got {len(wishes)}")
    rewards = []
    for completion, wanted in zip(completions, wishes, strict=True):
        text = str(completion)
        seen = read_answer(text)
        met = [WISHES[wish](seen) for wish in wanted]
        rewards.append(sum(met) / len(met) if seen["function"] else -1.0)
    return rewards
