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
    total = 0.0
    for one, other in zip(s, t):
        one, other = one.log_softmax(0), other.log_softmax(0)
        if top_k is not None and top_k < vocab:
            order = one.argsort(descending=True)
            parts = [
                (x[order[:top_k]], x[order[top_k:]].logsumexp(0).view(1)) for x in (one, other)
            ]
            one, other = (torch.cat(pair) for pair in parts)
        total = total + (one.exp() * (one - other)).sum().clamp(min=0)
    return total / len(s)
