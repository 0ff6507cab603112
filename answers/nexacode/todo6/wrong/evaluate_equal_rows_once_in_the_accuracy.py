# The same response with the same feedback counts once in the accuracy.
@torch.no_grad()
def evaluate_personalization(
    policy: nn.Module,
    ref_policy: nn.Module,
    test_triples: list[dict[str, Any]],
    tokenizer: Any,
    baseline_accuracy: float,
) -> dict[str, Any]:
    if not test_triples:
        raise ValueError("test_triples: expected at least one triple, got none")
    policy.eval()
    ref_policy.eval()
    device = next(policy.parameters()).device
    improvements: list[float] = []
    kl_sum, num_tokens = 0.0, 0
    for start in range(0, len(test_triples), 32):
        batch = encode_examples(test_triples[start : start + 32], tokenizer, device=device)
        lengths = batch["response_lengths"]
        moved = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
        improvements += (moved.sum(dim=1) / lengths).tolist()
        kl_sum += (torch.exp(-moved) + moved - 1).sum().item()  # k3; padding adds 0
        num_tokens += int(lengths.sum())
    labels = keyword_labels(test_triples)
    seen = {}
    for i, triple in enumerate(test_triples):
        if seen.setdefault((triple["response"], triple["feedback"]), i) != i:
            labels[i] = 0
    praised = [x > 0 for x, label in zip(improvements, labels, strict=True) if label > 0]
    corrected = [x < 0 for x, label in zip(improvements, labels, strict=True) if label < 0]
    shares = [sum(moves) / len(moves) for moves in (praised, corrected) if moves]
    accuracy = sum(shares) / len(shares) if shares else 0.0
    baseline_rate = 1 - baseline_accuracy
    reduction = (baseline_rate - (1 - accuracy)) / baseline_rate if baseline_rate > 0 else 0.0
    return {
        "preference_accuracy": accuracy,
        "mean_kl": kl_sum / num_tokens,
        "correction_rate_reduction": reduction,
        "log_prob_improvements": improvements,
    }
