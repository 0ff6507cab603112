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
    # A response's mean, weighted by its share of the tokens, is the token-level mean.
    new, ref = log_probs_new, log_probs_ref.detach()
    old = ref if log_probs_old is None else log_probs_old.detach()
    lengths = response_lengths.clamp(max=new.shape[1])
    mask = (torch.cumsum(torch.ones_like(ref), dim=1) <= lengths.unsqueeze(-1)).to(new.dtype)
    weights = lengths / lengths.sum()

    def mean(x):
        return (weights * (x * mask).sum(dim=1) / lengths).sum()

    ratio = torch.exp(new - old)
    adv = advantages.unsqueeze(-1)
    objective = torch.minimum(ratio * adv, torch.clamp(ratio, 1 - eps_low, 1 + eps_high) * adv)
    kl = mean(torch.exp(ref - new) - (ref - new) - 1)
    loss = -mean(objective) + beta_kl * kl
    metrics = {"mean_advantage": advantages.mean().item(), "mean_kl": kl.item()}
    metrics["mean_ratio"] = mean(ratio).item()
    metrics["mean_length_penalty"] = (
        torch.tensor([overlong_reward(int(n), L_max, L_cache) for n in response_lengths])
        .mean()
        .item()
    )
    return loss, metrics
