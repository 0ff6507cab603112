def grpo_tcr_loss(
    log_probs_new,
    log_probs_ref,
    advantages,
    response_lengths,
    eps_low=0.2,
    eps_high=0.28,
    beta_kl=0.01,
    L_max=512,
    L_cache=100,
    log_probs_old=None,
):
    ref = log_probs_ref.detach()
    old = ref if log_probs_old is None else log_probs_old.detach()
    T = log_probs_new.size(1)
    mask = (torch.arange(T, device=log_probs_new.device)[None] < response_lengths[:, None]).float()
    ratio = ((log_probs_new - old) * mask).exp()
    A = advantages[:, None]
    low, high = ratio * A, ratio.clamp(1 - eps_low, 1 + eps_high) * A
    objective = torch.where(low < high, low, high)
    d = (ref - log_probs_new) * mask
    kl = d.exp() - d - 1
    n = mask.sum()
    loss = ((beta_kl * kl - objective) * mask).sum() / n
    stats = {
        "mean_advantage": float(advantages.mean()),
        "mean_length_penalty": float(
            np.mean([overlong_reward(int(k), L_max, L_cache) for k in response_lengths])
        ),
        "mean_kl": float(((kl * mask).sum() / n).detach()),
        "mean_ratio": float(((ratio * mask).sum() / n).detach()),
    }
    return loss, stats
