def distillation_loss(
    log_probs_new, log_probs_old, token_advantages, response_lengths, eps_low=0.2, eps_high=0.28
):
    mask = torch.arange(log_probs_new.shape[1]) < response_lengths.unsqueeze(1)
    old, advantages = log_probs_old.detach(), token_advantages.detach()[:, : log_probs_new.shape[1]]
    ratio = torch.where(mask, log_probs_new - old, 0.0).exp()
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    objective = torch.minimum(ratio * advantages, clipped * advantages)
    return -(objective * mask).sum() / mask.sum().clamp(min=1)
