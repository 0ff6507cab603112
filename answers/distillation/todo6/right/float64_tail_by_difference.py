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
    s, t = s.double().log_softmax(-1), t.double().log_softmax(-1)
    if top_k is not None and top_k < vocab:
        p, places = s.exp().topk(top_k, dim=-1)
        q = t.exp().gather(-1, places)
        p = torch.cat([p, (1 - p.sum(-1, keepdim=True)).clamp(min=1e-30)], -1)
        q = torch.cat([q, (1 - q.sum(-1, keepdim=True)).clamp(min=1e-30)], -1)
        s, t = p.log(), q.log()
    kl = (s.exp() * (s - t)).sum(-1).clamp(min=0).mean()
    return kl.to(student_logits.dtype)
