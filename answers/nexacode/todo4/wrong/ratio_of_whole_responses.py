# GSPO's ratio of a sequence, not one per token
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
    mask = torch.arange(log_probs_new.shape[1]) < response_lengths.unsqueeze(1)
    num_tokens = mask.sum()
    log_ratio = ((log_probs_new - old) * mask).sum(dim=1, keepdim=True)
    ratio = torch.exp(log_ratio / mask.sum(dim=1, keepdim=True)).expand_as(log_probs_new)
    adv = advantages.unsqueeze(1)
    clipped = torch.clamp(ratio, 1 - eps_low, 1 + eps_high)
    surrogate = -torch.min(ratio * adv, clipped * adv)
    d = ref - log_probs_new
    kl = torch.exp(d) - d - 1
    loss = ((surrogate + beta_kl * kl) * mask).sum() / num_tokens
    penalties = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths]
    metrics = {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": ((kl * mask).sum() / num_tokens).item(),
        "mean_length_penalty": sum(penalties) / len(penalties),
        "mean_ratio": ((ratio * mask).sum() / num_tokens).item(),
    }
    return loss, metrics
