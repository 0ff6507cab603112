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
    # One loss for the policy, one for staying close; each a mean over real tokens.
    rows, cols = log_probs_new.shape
    idx = [(i, t) for i in range(rows) for t in range(min(int(response_lengths[i]), cols))]
    i, t = (torch.tensor(x, device=log_probs_new.device) for x in zip(*idx))
    with torch.no_grad():
        ref = log_probs_ref[i, t].clone()
        old = ref if log_probs_old is None else log_probs_old[i, t].clone()
        A = advantages[i]
    new = log_probs_new[i, t]
    ratio = (new - old).exp()
    policy_part = -torch.fmin(ratio * A, ratio.clamp(1 - eps_low, 1 + eps_high) * A).mean()
    kl_part = ((ref - new).exp() - (ref - new) - 1).mean()
    return policy_part + beta_kl * kl_part, {
        "mean_kl": kl_part.item(),
        "mean_ratio": ratio.mean().item(),
        "mean_advantage": advantages.mean().item(),
        "mean_length_penalty": np.mean(
            [overlong_reward(int(n), L_max, L_cache) for n in response_lengths]
        ).item(),
    }
