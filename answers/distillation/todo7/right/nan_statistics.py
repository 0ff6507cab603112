def combined_advantages(token_advantages, rewards, group_size, weight_rl=1.0, weight_distill=1.0):
    if len(rewards) != len(token_advantages) or group_size < 1 or len(rewards) % group_size:
        raise ValueError("rewards: expected whole groups, one reward per response")
    if not (rewards.isfinite().all() and token_advantages.isfinite().all()):
        raise ValueError("expected finite numbers")
    tokens = token_advantages.detach()
    groups = rewards.detach().to(tokens.dtype).view(-1, group_size)
    scores = groups.cpu().double().numpy().copy()
    scores[scores == 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean, std = (
            np.nanmean(scores, 1, keepdims=True),
            np.nanstd(scores, 1, ddof=1, keepdims=True),
        )
    std[~(std > 1e-9)] = np.inf
    relative = torch.tensor(np.nan_to_num((scores - mean) / std), dtype=tokens.dtype).view(-1, 1)
    return weight_rl * relative + weight_distill * tokens
