def exact_reverse_kl(student_logits, teacher_logits, response_lengths, top_k=None):
    if student_logits.shape != teacher_logits.shape:
        raise ValueError("teacher_logits: another shape")
    vocab = student_logits.shape[-1]
    if top_k is not None and not 1 <= top_k <= vocab:
        raise ValueError("top_k: out of range")
    mask = torch.arange(
        student_logits.shape[1], device=student_logits.device
    ) < response_lengths.unsqueeze(1)
    if not mask.any():
        return student_logits.sum() * 0.0
    s, t = student_logits[mask], teacher_logits.detach()[mask]
    if not (s.isfinite().all() and t.isfinite().all()):
        raise ValueError("expected finite logits")
    s, t = s.log_softmax(-1), t.log_softmax(-1)
    if top_k is not None and top_k < vocab:
        order = s.argsort(dim=-1, descending=True)
        s, t = s.gather(-1, order), t.gather(-1, order)
        s, t = (x[:, :top_k] for x in (s, t))
    kl = (s.exp() * (s - t)).sum(-1)
    return kl.clamp(min=0).mean()
