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
    """Compute the GRPO-TCR loss (token-level, clip-higher, k3 KL)."""
    # 1. Detach everything that must not receive gradients
    log_probs_ref = log_probs_ref.detach()
    if log_probs_old is None:
        log_probs_old = log_probs_ref
    log_probs_old = log_probs_old.detach()

    # 2. Build the response mask
    batch_size, max_len = log_probs_new.shape
    position_ids = torch.arange(max_len, device=log_probs_new.device).expand(batch_size, max_len)
    response_mask_ = position_ids < response_lengths.view(-1, 1)
    total_tokens = response_mask_.sum().clamp(min=1)

    # 3. Importance ratio and clipped surrogate objective
    log_ratio = torch.where(
        response_mask_, log_probs_new - log_probs_old, torch.zeros_like(log_probs_new)
    )
    ratio = torch.exp(log_ratio)
    clipped_ratio = torch.clamp(ratio, min=1.0 - eps_low, max=1.0 + eps_high)
    token_advantages = advantages.view(-1, 1).expand_as(ratio)
    surrogate = torch.minimum(ratio * token_advantages, clipped_ratio * token_advantages)

    # 4. k3 KL estimator against the reference
    delta = torch.where(
        response_mask_, log_probs_ref - log_probs_new, torch.zeros_like(log_probs_new)
    )
    kl = torch.expm1(delta) - delta

    # 5. Token-level aggregation
    per_token_loss = -surrogate + beta_kl * kl
    loss = per_token_loss.masked_fill(~response_mask_, 0.0).sum() / total_tokens

    # 6. Metrics (no gradients needed here)
    with torch.no_grad():
        length_penalties = torch.tensor(
            [overlong_reward(int(length), L_max, L_cache) for length in response_lengths.tolist()]
        )
        clipped = (ratio < 1.0 - eps_low) | (ratio > 1.0 + eps_high)
        metrics = {
            "mean_advantage": advantages.float().mean().item(),
            "mean_length_penalty": length_penalties.mean().item(),
            "mean_kl": (kl * response_mask_).sum().div(total_tokens).item(),
            "mean_ratio": (ratio * response_mask_).sum().div(total_tokens).item(),
            "clip_fraction": (clipped & response_mask_).float().sum().div(total_tokens).item(),
        }
    return loss, metrics
