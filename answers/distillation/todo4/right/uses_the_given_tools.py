def distillation_advantages(log_probs_teacher, log_probs_old, response_lengths, clip=1.0):
    if clip is not None and not clip > 0:
        raise ValueError("clip: expected a positive number or None")
    require_shape(log_probs_old.shape, log_probs_teacher=log_probs_teacher)
    mask = response_mask(response_lengths, log_probs_old.shape[1])
    require_numbers(mask, log_probs_old=log_probs_old)
    if clip is None:
        require_numbers(mask, log_probs_teacher=log_probs_teacher)
    gap = (log_probs_teacher - log_probs_old).detach()
    gap = gap.masked_fill(~mask, 0.0)
    return gap if clip is None else torch.clip(gap, -clip, clip)
