def combined_advantages(token_advantages, rewards, group_size, weight_rl=1.0, weight_distill=1.0):
    if len(rewards) != len(token_advantages) or group_size < 1 or len(rewards) % group_size:
        raise ValueError("rewards: expected whole groups, one reward per response")
    if not (rewards.isfinite().all() and token_advantages.isfinite().all()):
        raise ValueError("expected finite numbers")
    tokens = token_advantages.detach()
    groups = rewards.detach().to(tokens.dtype).view(-1, group_size)
    flat = groups.flatten()
    number = torch.arange(len(flat)) // group_size
    heard = (flat != 0).to(flat.dtype)

    def total(values):
        return torch.zeros(len(groups), dtype=flat.dtype).index_add(0, number, values)[number]

    count = total(heard)
    gap = (flat - total(flat) / count.clamp(min=1)) * heard
    std = (total(gap**2) / (count - 1).clamp(min=1)).sqrt()
    relative = gap / torch.where(std > 1e-6, std, torch.inf)
    return weight_rl * relative[:, None] + weight_distill * tokens
