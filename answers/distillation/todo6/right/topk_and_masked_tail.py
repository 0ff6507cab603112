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
    s, t = F.log_softmax(s, -1), F.log_softmax(t, -1)
    if top_k is not None and top_k != vocab:
        top, places = s.topk(top_k, dim=-1)
        rest = torch.ones_like(s, dtype=torch.bool).scatter(-1, places, False)
        tails = [x.masked_fill(~rest, -math.inf).logsumexp(-1, keepdim=True) for x in (s, t)]
        s, t = torch.cat([top, tails[0]], -1), torch.cat([t.gather(-1, places), tails[1]], -1)
    return (s.exp() * (s - t)).sum(-1).clamp(min=0).mean()
