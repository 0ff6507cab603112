def distillation_loss(
    log_probs_new, log_probs_old, token_advantages, response_lengths, eps_low=0.2, eps_high=0.28
):
    require_shape(
        log_probs_new.shape, log_probs_old=log_probs_old, token_advantages=token_advantages
    )
    mask = response_mask(response_lengths, log_probs_new.shape[1])
    require_numbers(
        mask,
        log_probs_new=log_probs_new,
        log_probs_old=log_probs_old,
        token_advantages=token_advantages,
    )
    with torch.no_grad():
        a = torch.where(mask, token_advantages, 0.0)
        old = torch.where(mask, log_probs_old, 0.0)
    ratio = torch.exp(torch.where(mask, log_probs_new, 0.0) - old)
    pair = torch.stack([ratio * a, torch.clamp(ratio, 1 - eps_low, 1 + eps_high) * a])
    return -pair.amin(dim=0).sum() / mask.sum().clamp(min=1)
