def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    per_token = []
    with torch.no_grad():
        for part in np.array_split(np.arange(len(test_triples)), -(-len(test_triples) // 20)):
            batch = encode_examples([test_triples[i] for i in part], tokenizer)
            delta = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            lengths = batch["response_lengths"].numpy()
            per_token += [row[:n] for row, n in zip(delta.numpy().astype(float), lengths)]
    improvements = np.array([row.mean() for row in per_token])
    delta = np.concatenate(per_token)
    y = np.asarray(keyword_labels(test_triples))
    with np.errstate(invalid="ignore"):
        shares = np.array(
            [
                np.mean(improvements[y > 0] > 0) if (y > 0).any() else np.nan,
                np.mean(improvements[y < 0] < 0) if (y < 0).any() else np.nan,
            ]
        )
    accuracy = 0.0 if np.isnan(shares).all() else np.nanmean(shares)
    baseline_rate = 1.0 - baseline_accuracy
    reduction = 0.0
    if baseline_rate > 0:
        reduction = 1.0 - (1.0 - accuracy) / baseline_rate
    return dict(
        preference_accuracy=accuracy,
        mean_kl=np.mean(np.exp(-delta) - 1.0 + delta),
        correction_rate_reduction=reduction,
        log_prob_improvements=improvements.tolist(),
        num_praised=int((y > 0).sum()),
        num_corrected=int((y < 0).sum()),
    )
