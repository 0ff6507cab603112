def combined_advantages(token_advantages, rewards, group_size, weight_rl=1.0, weight_distill=1.0):
    if len(rewards) != len(token_advantages) or group_size < 1 or len(rewards) % group_size:
        raise ValueError("rewards: expected whole groups, one reward per response")
    if not (rewards.isfinite().all() and token_advantages.isfinite().all()):
        raise ValueError("expected finite numbers")
    tokens = token_advantages.detach()
    groups = rewards.detach().to(tokens.dtype).view(-1, group_size)
    relative = torch.zeros_like(groups)
    for row, group in zip(relative, groups):
        heard = group != 0
        if heard.sum() > 1 and group[heard].std() > 1e-6:
            row[heard] = (group[heard] - group[heard].mean()) / group[heard].std()
    return weight_rl * relative.view(-1, 1) + weight_distill * tokens
