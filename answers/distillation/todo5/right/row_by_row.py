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
    total, count = log_probs_new.sum() * 0.0, 0
    for row, length in enumerate(response_lengths.tolist()):
        length = min(length, log_probs_new.shape[1])
        a = token_advantages[row, :length].detach()
        ratio = (log_probs_new[row, :length] - log_probs_old[row, :length].detach()).exp()
        total = total - torch.min(ratio * a, ratio.clip(1 - eps_low, 1 + eps_high) * a).sum()
        count += length
    return total / max(count, 1)
