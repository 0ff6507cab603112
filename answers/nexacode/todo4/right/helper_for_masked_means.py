def masked_mean(values, mask):
    return (values * mask).sum() / mask.sum()


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
    with torch.no_grad():
        ref = log_probs_ref.clone()
        old = ref if log_probs_old is None else log_probs_old.clone()
    mask = torch.zeros_like(ref)
    for row, length in enumerate(response_lengths.tolist()):
        mask[row, : int(length)] = 1.0
    ratio = torch.exp(log_probs_new - old)
    clipped = torch.clamp(ratio, 1.0 - eps_low, 1.0 + eps_high)
    adv = advantages.view(-1, 1)
    policy_loss = -masked_mean(torch.minimum(ratio * adv, clipped * adv), mask)
    log_ratio = log_probs_new - ref
    kl = masked_mean(torch.exp(-log_ratio) + log_ratio - 1, mask)
    loss = policy_loss + beta_kl * kl
    penalties = sum(overlong_reward(n, L_max, L_cache) for n in response_lengths.tolist())
    metrics = {
        "loss": loss.item(),
        "policy_loss": policy_loss.item(),
        "mean_advantage": advantages.mean().item(),
        "mean_kl": kl.item(),
        "mean_length_penalty": penalties / len(response_lengths),
        "mean_ratio": masked_mean(ratio, mask).item(),
        "clip_fraction": masked_mean((ratio != clipped).float(), mask).item(),
    }
    return loss, metrics
