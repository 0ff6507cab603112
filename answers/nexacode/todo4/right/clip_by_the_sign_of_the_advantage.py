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
    # A gain can only be too large for A > 0, and too small for A < 0: one bound each.
    mask = torch.arange(log_probs_new.shape[1]).lt(response_lengths.reshape(-1, 1))
    count = torch.count_nonzero(mask)
    zero = torch.zeros_like(log_probs_new)
    ref = log_probs_ref.detach()
    old = (log_probs_ref if log_probs_old is None else log_probs_old).detach()
    ratio = torch.where(mask, log_probs_new - old, zero).exp()
    bounded = torch.where(
        advantages[:, None] >= 0, ratio.clamp(max=1 + eps_high), ratio.clamp(min=1 - eps_low)
    )
    d = torch.where(mask, ref - log_probs_new, zero)
    k3 = d.exp() - d - 1
    per_token = beta_kl * k3 - bounded * advantages[:, None]
    loss = torch.where(mask, per_token, zero).sum().div(count)
    with torch.no_grad():
        metrics = {
            "mean_advantage": np.float32(advantages.mean()),
            "mean_kl": np.float32(k3[mask].mean()),
            "mean_ratio": np.float32(ratio[mask].mean()),
            "mean_length_penalty": np.mean(
                [overlong_reward(int(n), L_max=L_max, L_cache=L_cache) for n in response_lengths]
            ),
        }
    return loss, metrics
