# The recipe of the course's origin: padding counts, k1, the penalty is added to the loss.
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
    ratio = torch.exp(log_probs_new - log_probs_ref)
    adv = advantages.unsqueeze(1)
    unclipped = ratio * adv
    clipped = torch.clamp(ratio, 1 - eps_low, 1 + eps_high) * adv
    surrogate = -torch.min(unclipped, clipped).mean()
    mean_kl = (log_probs_new - log_probs_ref).mean()
    penalties = torch.tensor([overlong_reward(int(n), L_max, L_cache) for n in response_lengths])
    loss = surrogate + beta_kl * mean_kl + penalties.mean()
    return loss, {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": mean_kl.item(),
        "mean_length_penalty": penalties.mean().item(),
        "mean_ratio": ratio.mean().item(),
    }
