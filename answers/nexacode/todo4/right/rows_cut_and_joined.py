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
    import itertools

    lengths = [int(n) for n in response_lengths]
    old = log_probs_ref if log_probs_old is None else log_probs_old

    def join(table):
        return torch.cat([row[:n] for row, n in zip(table, lengths)])

    new, ref, old = join(log_probs_new), join(log_probs_ref.detach()), join(old.detach())
    widths = [min(n, log_probs_new.shape[1]) for n in lengths]
    adv = torch.tensor(
        list(itertools.chain(*([a] * w for a, w in zip(advantages.tolist(), widths)))),
        dtype=new.dtype,
    )
    ratio = torch.exp(new - old)
    pairs = torch.stack([ratio * adv, ratio.clamp(1 - eps_low, 1 + eps_high) * adv])
    d = ref - new
    kl = torch.exp(d) - d - 1
    loss = (beta_kl * kl - pairs.amin(dim=0)).mean()
    return loss, {
        "mean_ratio": ratio.mean().item(),
        "mean_kl": kl.mean().item(),
        "mean_advantage": sum(advantages.tolist()) / len(advantages),
        "mean_length_penalty": sum(overlong_reward(n, L_max, L_cache) for n in lengths)
        / len(lengths),
    }
