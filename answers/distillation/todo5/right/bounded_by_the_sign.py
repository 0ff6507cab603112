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
    a = token_advantages.detach().masked_fill(~mask, 0.0)
    gap = (log_probs_new - log_probs_old.detach()).masked_fill(~mask, 0.0)
    ratio = gap.exp()
    bounded = torch.where(a >= 0, ratio.clamp(max=1 + eps_high), ratio.clamp(min=1 - eps_low))
    return -(bounded * a).sum() / max(int(mask.sum()), 1)
