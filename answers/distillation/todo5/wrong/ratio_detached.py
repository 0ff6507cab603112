def distillation_loss(
    log_probs_new, log_probs_old, token_advantages, response_lengths, eps_low=0.2, eps_high=0.28
):
    if not log_probs_new.shape == log_probs_old.shape == token_advantages.shape:
        raise ValueError("expected three tensors of the same shape")
    mask = torch.arange(
        log_probs_new.shape[1], device=log_probs_new.device
    ) < response_lengths.unsqueeze(1)
    for numbers in (log_probs_new, log_probs_old, token_advantages):
        if not numbers[mask].isfinite().all():
            raise ValueError("expected finite numbers at real tokens")
    old, advantages = log_probs_old.detach(), token_advantages.detach()
    ratio = torch.where(mask, log_probs_new - old, 0.0).exp().detach() + 0 * log_probs_new
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    objective = torch.minimum(ratio * advantages, clipped * advantages)
    return -(objective * mask).sum() / mask.sum().clamp(min=1)
