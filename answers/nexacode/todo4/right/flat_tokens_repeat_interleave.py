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
    """All real tokens in one long row; each with the advantage of its response."""
    sizes = response_lengths.clamp(max=log_probs_new.shape[1])
    flat = lambda x: torch.cat([row[:n] for row, n in zip(x, sizes.tolist())])
    new, ref = flat(log_probs_new), flat(log_probs_ref).detach()
    old = ref if log_probs_old is None else flat(log_probs_old).detach()
    A = torch.repeat_interleave(advantages, sizes)
    ratio = torch.exp(new - old)
    gain = torch.minimum(ratio * A, torch.clip(ratio, 1 - eps_low, 1 + eps_high) * A)
    d = ref - new
    kl = torch.exp(d) - d - 1
    loss = torch.mean(beta_kl * kl - gain)
    penalty = [overlong_reward(n, L_max, L_cache) for n in response_lengths.tolist()]
    return loss, {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": kl.mean().item(),
        "mean_length_penalty": sum(penalty) / len(penalty),
        "mean_ratio": ratio.mean().item(),
    }
