def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    # Rows of similar length share a batch, so there is less padding; then the order is restored.
    order = sorted(range(len(test_triples)), key=lambda i: -len(test_triples[i]["response"]))
    device = next(policy.parameters()).device
    found, kl_terms = {}, []
    for start in range(0, len(order), 32):
        part = order[start : start + 32]
        batch = encode_examples([test_triples[i] for i in part], tokenizer, device=device)
        with torch.no_grad():
            log_p, log_q = (response_log_probs(m, batch) for m in (policy, ref_policy))
        mask = response_mask(batch["response_lengths"], log_p.shape[1])
        found |= dict(zip(part, ((log_p - log_q).sum(1) / batch["response_lengths"]).cpu()))
        d = (log_q - log_p)[mask]
        kl_terms.extend((torch.expm1(d) - d).tolist())
    improvements = torch.stack([found[i] for i in range(len(test_triples))])
    sentiments = analyze_feedback_signals(test_triples)["sentiments"]
    good = [x > 0 for x, s in zip(improvements.tolist(), sentiments) if s == "positive"]
    bad = [x < 0 for x, s in zip(improvements.tolist(), sentiments) if s == "negative"]
    accuracy = {
        (True, True): lambda: np.mean([np.mean(good), np.mean(bad)]),
        (True, False): lambda: np.mean(good),
        (False, True): lambda: np.mean(bad),
        (False, False): lambda: 0.0,
    }[bool(good), bool(bad)]()
    wrong_before, wrong_now = 1 - baseline_accuracy, 1 - accuracy
    drop = (wrong_before - wrong_now) / wrong_before if wrong_before else 0
    return {
        "preference_accuracy": accuracy,
        "mean_kl": sum(kl_terms) / len(kl_terms),
        "correction_rate_reduction": drop,
        "log_prob_improvements": improvements,
    }
