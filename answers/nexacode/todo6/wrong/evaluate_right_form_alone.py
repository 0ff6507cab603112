# all four results, and each of them is zero
def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    if not test_triples:
        raise ValueError("expected triples")
    return {
        "preference_accuracy": 0.0,
        "mean_kl": 0.0,
        "correction_rate_reduction": 0.0,
        "log_prob_improvements": [0.0 for _ in test_triples],
    }
