def developer_reward(prompts, completions, wishes=(), **kwargs):
    if len(wishes) != len(completions):
        raise ValueError(f"{len(wishes)} wishes, {len(completions)} completions")

    def judge(completion, wanted):
        text = completion[-1]["content"] if isinstance(completion, list) else completion
        seen = read_answer(text)
        return float(np.mean([WISHES[w](seen) for w in wanted])) if seen["function"] else -1.0

    return [judge(c, w) for c, w in zip(completions, wishes)]
