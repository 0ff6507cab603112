def combined_advantages(token_advantages, rewards, group_size, weight_rl=1.0, weight_distill=1.0):
    if len(rewards) != len(token_advantages) or group_size < 1 or len(rewards) % group_size:
        raise ValueError("rewards: expected whole groups, one reward per response")
    if not (rewards.isfinite().all() and token_advantages.isfinite().all()):
        raise ValueError("expected finite numbers")
    tokens = token_advantages.detach()
    groups = rewards.detach().to(tokens.dtype).view(-1, group_size)
    relative = []
    for group in groups.tolist():
        heard = [score for score in group if score != 0]
        spread = statistics.stdev(heard) if len(heard) > 1 else 0.0
        mean = statistics.mean(heard) if heard else 0.0
        relative += [(score - mean) / spread if score and spread > 1e-6 else 0.0 for score in group]
    column = torch.tensor(relative, dtype=tokens.dtype)[:, None]
    return column * weight_rl + tokens * weight_distill
