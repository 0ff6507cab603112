# nats per response, not nats per token
@torch.no_grad()
def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    policy.eval()
    ref_policy.eval()
    improvements, kl_sum, num_tokens = [], 0.0, 0
    for start in range(0, len(test_triples), 32):
        batch = encode_examples(test_triples[start : start + 32], tokenizer)
        lengths = batch["response_lengths"]
        moved = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
        improvements += (moved.sum(dim=1) / lengths).tolist()
        kl_sum += (torch.exp(-moved) + moved - 1).sum().item()
        num_tokens += len(lengths)
    labels = keyword_labels(test_triples)
    praised = [x > 0 for x, label in zip(improvements, labels) if label > 0]
    corrected = [x < 0 for x, label in zip(improvements, labels) if label < 0]
    shares = [sum(moves) / len(moves) for moves in (praised, corrected) if moves]
    accuracy = sum(shares) / len(shares) if shares else 0.0
    rate = 1 - baseline_accuracy
    reduction = (rate - (1 - accuracy)) / rate if rate > 0 else 0.0
    return {
        "preference_accuracy": accuracy,
        "mean_kl": kl_sum / num_tokens,
        "correction_rate_reduction": reduction,
        "log_prob_improvements": improvements,
    }
