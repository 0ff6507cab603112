def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    from collections import defaultdict

    batches = [
        encode_examples(test_triples[i : i + 50], tokenizer)
        for i in range(0, len(test_triples), 50)
    ]
    with torch.no_grad():
        scores = [
            (response_log_probs(policy, batch), response_log_probs(ref_policy, batch))
            for batch in batches
        ]
    lengths = torch.cat([batch["response_lengths"] for batch in batches])
    means = [torch.cat([pair[k].sum(dim=1) for pair in scores]) / lengths for k in (0, 1)]
    log_prob_improvements = [a - b for a, b in zip(means[0].tolist(), means[1].tolist())]
    hits = defaultdict(Counter)
    for label, change in zip(keyword_labels(test_triples), log_prob_improvements):
        hits[label][label * change > 0] += 1
    shares = [hits[label][True] / hits[label].total() for label in (-1, 1) if label in hits]
    preference_accuracy = sum(shares) / max(len(shares), 1)
    total_kl = sum((torch.exp(q - p) - (q - p) - 1).sum() for p, q in scores)
    mean_kl = float(total_kl / lengths.sum())
    if baseline_accuracy == 1.0:
        correction_rate_reduction = 0.0
    else:
        correction_rate_reduction = 1 - (1 - preference_accuracy) / (1 - baseline_accuracy)
    return {
        "preference_accuracy": preference_accuracy,
        "mean_kl": mean_kl,
        "correction_rate_reduction": correction_rate_reduction,
        "log_prob_improvements": log_prob_improvements,
    }
