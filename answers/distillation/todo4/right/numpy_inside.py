def distillation_advantages(log_probs_teacher, log_probs_old, response_lengths, clip=1.0):
    if clip is not None and not clip > 0:
        raise ValueError("clip: expected a positive number or None")
    if log_probs_teacher.shape != log_probs_old.shape:
        raise ValueError("log_probs_teacher: another shape than log_probs_old")
    teacher, old = log_probs_teacher.detach().cpu().numpy(), log_probs_old.detach().cpu().numpy()
    real = np.arange(old.shape[1])[None, :] < response_lengths.cpu().numpy()[:, None]
    if not np.isfinite(old[real]).all() or (clip is None and not np.isfinite(teacher[real]).all()):
        raise ValueError("expected finite log-probs")
    gap = np.subtract(teacher, old, out=np.zeros_like(old), where=real)
    if clip is not None:
        gap = np.clip(gap, -clip, clip)
    return torch.from_numpy(gap)
