def distillation_advantages(log_probs_teacher, log_probs_old, response_lengths, clip=1.0):
    if clip is not None and not clip > 0:
        raise ValueError("clip: expected a positive number or None")
    if log_probs_teacher.shape != log_probs_old.shape:
        raise ValueError("log_probs_teacher: another shape than log_probs_old")
    rows, columns = log_probs_old.shape
    result = torch.zeros(rows, columns, dtype=log_probs_old.dtype)
    for i in range(rows):
        for t in range(min(int(response_lengths[i]), columns)):
            teacher, old = log_probs_teacher[i, t].item(), log_probs_old[i, t].item()
            if (
                not math.isfinite(old)
                or math.isnan(teacher)
                or (clip is None and math.isinf(teacher))
            ):
                raise ValueError(f"a log-prob is no number at {i}, {t}")
            gap = teacher - old
            result[i, t] = gap if clip is None else max(-clip, min(clip, gap))
    return result
