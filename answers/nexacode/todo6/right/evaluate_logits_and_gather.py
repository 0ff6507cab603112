def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    was_training = policy.training, ref_policy.training
    policy.eval(), ref_policy.eval()
    sums, kl, tokens = [], 0.0, 0
    for start in range(0, len(test_triples), 8):
        batch = encode_examples(test_triples[start : start + 8], tokenizer)
        time = batch["response_ids"].size(1)
        mask = torch.arange(time)[None] < batch["response_lengths"][:, None]
        scores = []
        for model in (policy, ref_policy):
            with torch.no_grad():
                logits = model(batch["input_ids"], batch["attention_mask"])
            log_probs = F.log_softmax(logits[:, -time - 1 : -1], dim=-1)
            scores.append(log_probs.gather(2, batch["response_ids"].unsqueeze(2)).squeeze(2))
        d = scores[1] - scores[0]
        kl += (d.exp() - d - 1)[mask].sum().item()
        tokens += mask.sum().item()
        sums.extend((-(d * mask).sum(1) / mask.sum(1)).tolist())
    policy.train(was_training[0]), ref_policy.train(was_training[1])

    groups = {1: [], -1: []}
    for improvement, label in zip(sums, keyword_labels(test_triples)):
        if label:
            groups[label].append(float(improvement * label > 0))
    shares = [np.mean(hits) for hits in groups.values() if hits]
    accuracy = float(np.mean(shares)) if shares else 0.0
    reduction = 0.0
    try:
        reduction = (accuracy - baseline_accuracy) / (1 - baseline_accuracy)
    except ZeroDivisionError:
        pass
    return {
        "preference_accuracy": accuracy,
        "mean_kl": kl / tokens,
        "correction_rate_reduction": reduction,
        "log_prob_improvements": sums,
    }
