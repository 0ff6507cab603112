def combined_advantages(token_advantages, rewards, group_size, weight_rl=1.0, weight_distill=1.0):
    if len(rewards) != len(token_advantages) or group_size < 1 or len(rewards) % group_size:
        raise ValueError("rewards: expected whole groups, one reward per response")
    if not (rewards.isfinite().all() and token_advantages.isfinite().all()):
        raise ValueError("expected finite numbers")
    tokens = token_advantages.detach()
    groups = rewards.detach().to(tokens.dtype).view(-1, group_size)
    heard = groups != 0
    count = heard.sum(1, keepdim=True)
    mean = groups.sum(1, keepdim=True) / count.clamp(min=1)
    centered = torch.where(heard, groups - mean, 0.0)
    std = (centered.square().sum(1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    relative = torch.where(std > 1e-6, centered / std.clamp(min=1e-6), 0.0)
    return relative.view(-1, 1) + tokens
