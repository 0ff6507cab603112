# The recipe of the course's origin: the response alone, any rise counts as improved.
@torch.no_grad()
def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    improvements, kls = [], []
    for triple in test_triples:
        ids = tokenizer(triple["response"], return_tensors="pt")["input_ids"]
        new = policy.get_log_probs(ids, ids).mean()
        ref = ref_policy.get_log_probs(ids, ids).mean()
        improvements.append((new - ref).item())
        kls.append((new - ref).item())
    accuracy = sum(x > 0 for x in improvements) / len(improvements)
    return {
        "preference_accuracy": accuracy,
        "mean_kl": float(np.mean(kls)),
        "correction_rate_reduction": accuracy - baseline_accuracy,
        "log_prob_improvements": improvements,
    }
