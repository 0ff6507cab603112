def distillation_advantages(log_probs_teacher, log_probs_old, response_lengths, clip=1.0):
    if clip is not None and not clip > 0:
        raise ValueError("clip: expected a positive number or None")
    if log_probs_teacher.shape != log_probs_old.shape:
        raise ValueError("log_probs_teacher: another shape than log_probs_old")
    mask = torch.arange(
        log_probs_old.shape[1], device=log_probs_old.device
    ) < response_lengths.unsqueeze(1)
    if not log_probs_old[mask].isfinite().all():
        raise ValueError("log_probs_old: expected finite numbers")
    if clip is None and not log_probs_teacher[mask].isfinite().all():
        raise ValueError("log_probs_teacher: expected finite numbers")
    gap = torch.where(mask, log_probs_teacher - log_probs_old, 0.0).detach()
    gap = torch.where(mask, gap - gap[mask].mean(), 0.0)
    return gap if clip is None else gap.clamp(-clip, clip)
