def sums_from(row, new, ref, old, advantages, lengths, low, high):
    """Sums of surrogate, KL and ratio, and the number of tokens, from this response on."""
    if row == len(new):
        return 0.0, 0.0, 0.0, 0
    n = min(int(lengths[row]), new.shape[1])
    ratio = torch.exp(new[row, :n] - old[row, :n])
    a = advantages[row]
    surrogate = torch.min(ratio * a, ratio.clamp(low, high) * a).sum()
    d = ref[row, :n] - new[row, :n]
    kl = (d.exp() - 1 - d).sum()
    rest = sums_from(row + 1, new, ref, old, advantages, lengths, low, high)
    return surrogate + rest[0], kl + rest[1], ratio.sum() + rest[2], n + rest[3]


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
    gain, kl, ratio, n = sums_from(
        0, log_probs_new, ref, old, advantages, response_lengths, 1 - eps_low, 1 + eps_high
    )
    penalties = np.array([overlong_reward(x, L_max, L_cache) for x in response_lengths.tolist()])
    return (beta_kl * kl - gain) / n, {
        "mean_advantage": advantages.mean().detach(),
        "mean_kl": (kl / n).detach(),
        "mean_ratio": (ratio / n).detach(),
        "mean_length_penalty": penalties.mean(),
    }
