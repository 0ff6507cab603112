# Only the first 16 responses count.
def grpo_tcr_loss(
    log_probs_new: torch.Tensor,
    log_probs_ref: torch.Tensor,
    advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    eps_low: float = 0.2,
    eps_high: float = 0.28,
    beta_kl: float = 0.01,
    L_max: int = 512,
    L_cache: int = 100,
    log_probs_old: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, float]]:
    log_probs_ref = log_probs_ref.detach()
    log_probs_old = log_probs_ref if log_probs_old is None else log_probs_old.detach()
    require_shape(log_probs_new.shape, log_probs_ref=log_probs_ref, log_probs_old=log_probs_old)
    rows = {"advantages": advantages, "response_lengths": response_lengths}
    require_shape(log_probs_new.shape[:1], **rows)
    columns = torch.arange(log_probs_new.shape[1], device=log_probs_new.device)
    mask = columns < response_lengths.unsqueeze(1)  # (batch, time), True for real tokens
    mask = mask & (torch.arange(len(mask)) < 16).unsqueeze(1)
    num_tokens = mask.sum().clamp(min=1)
    # C: clip-higher, and the pessimistic one of the two. Padding gets the ratio 1.
    ratio = torch.exp((log_probs_new - log_probs_old).masked_fill(~mask, 0.0))
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    surrogate = -torch.min(ratio * advantages.unsqueeze(1), clipped * advantages.unsqueeze(1))
    # k3, an estimate of the KL divergence that is never negative (GRPO, Eq. 4).
    log_ratio_ref = (log_probs_ref - log_probs_new).masked_fill(~mask, 0.0)
    kl = torch.exp(log_ratio_ref) - log_ratio_ref - 1
    # T: every real token of the batch weighs the same.
    loss = ((surrogate + beta_kl * kl) * mask).sum() / num_tokens
    penalties = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths.tolist()]
    return loss, {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": ((kl * mask).sum() / num_tokens).item(),
        "mean_length_penalty": sum(penalties) / len(penalties),
        "mean_ratio": ((ratio * mask).sum() / num_tokens).item(),
        "clip_fraction": (((ratio != clipped) & mask).sum() / num_tokens).item(),
    }
