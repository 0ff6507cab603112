@torch.no_grad()
def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    """Evaluate the personalized policy against the reference."""
    # Input validation
    if not test_triples:
        raise ValueError("test_triples must contain at least one triple")

    # Put both models in evaluation mode
    policy.eval()
    ref_policy.eval()
    device = next(policy.parameters()).device

    # Collect the per-token differences
    log_prob_improvements: list[float] = []
    all_token_kls: list[float] = []
    for triple in test_triples:
        batch = encode_examples([triple], tokenizer, device=device)
        n = int(batch["response_lengths"][0])
        policy_lp = response_log_probs(policy, batch)[0, :n]
        ref_lp = response_log_probs(ref_policy, batch)[0, :n]
        log_prob_improvements.append((policy_lp - ref_lp).mean().item())
        d = ref_lp - policy_lp
        all_token_kls.extend((torch.exp(d) - d - 1).tolist())

    # Preference accuracy: mean of the two shares
    labels = keyword_labels(test_triples)
    praised = [imp for imp, lab in zip(log_prob_improvements, labels) if lab == 1]
    corrected = [imp for imp, lab in zip(log_prob_improvements, labels) if lab == -1]
    shares = []
    if praised:
        shares.append(sum(1 for x in praised if x > 0) / len(praised))
    if corrected:
        shares.append(sum(1 for x in corrected if x < 0) / len(corrected))
    preference_accuracy = sum(shares) / len(shares) if shares else 0.0

    # Correction-rate reduction relative to the baseline
    baseline_error = 1.0 - baseline_accuracy
    policy_error = 1.0 - preference_accuracy
    reduction = 0.0 if baseline_error <= 0 else (baseline_error - policy_error) / baseline_error

    return {
        "log_prob_improvements": log_prob_improvements,
        "preference_accuracy": preference_accuracy,
        "mean_kl": sum(all_token_kls) / len(all_token_kls),
        "correction_rate_reduction": reduction,
    }
