def _moves(policy, ref_policy, triples, tokenizer):
    device = next(policy.parameters()).device
    for at in range(0, len(triples), 8):
        batch = encode_examples(triples[at : at + 8], tokenizer, device=device)
        with torch.inference_mode():
            table = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
        for row, n in zip(table, batch["response_lengths"].tolist()):
            yield row[:n]


def _share(hits):
    hits = list(hits)
    return [sum(hits) / len(hits)] if hits else []


def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    if not test_triples:
        raise ValueError("test_triples is empty")
    for model in (policy, ref_policy):
        model.eval()
    moves = list(_moves(policy, ref_policy, test_triples, tokenizer))
    up = [m.mean().item() for m in moves]
    labels = keyword_labels(test_triples)
    shares = _share(u > 0 for u, s in zip(up, labels) if s > 0) + _share(
        u < 0 for u, s in zip(up, labels) if s < 0
    )
    accuracy = float(np.mean(shares)) if shares else 0.0
    tokens = torch.cat(moves)
    error = 1 - baseline_accuracy
    reduction = 1 - (1 - accuracy) / error if error > 0 else 0.0
    return dict(
        log_prob_improvements=up,
        preference_accuracy=accuracy,
        mean_kl=(torch.exp(-tokens) + tokens - 1).mean().item(),
        correction_rate_reduction=reduction,
    )
