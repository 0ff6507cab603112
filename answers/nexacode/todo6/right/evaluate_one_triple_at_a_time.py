def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    policy.eval()
    ref_policy.eval()
    device = next(policy.parameters()).device
    labels = keyword_labels(test_triples)
    moves, kls = [], []
    up, praised, down, corrected = 0, 0, 0, 0
    for triple, label in zip(test_triples, labels):
        batch = encode_examples([triple], tokenizer, device=device)
        with torch.no_grad():
            new = response_log_probs(policy, batch)[0]
            ref = response_log_probs(ref_policy, batch)[0]
        moves.append((new - ref).mean().item())
        kls.append(torch.exp(ref - new) - (ref - new) - 1)
        if label == 1:
            praised += 1
            up += moves[-1] > 0
        elif label == -1:
            corrected += 1
            down += moves[-1] < 0
    if praised and corrected:
        accuracy = (up / praised + down / corrected) / 2
    elif praised:
        accuracy = up / praised
    elif corrected:
        accuracy = down / corrected
    else:
        accuracy = 0.0
    if baseline_accuracy < 1:
        reduction = ((1 - baseline_accuracy) - (1 - accuracy)) / (1 - baseline_accuracy)
    else:
        reduction = 0.0
    return {
        "preference_accuracy": accuracy,
        "mean_kl": torch.cat(kls).mean().item(),
        "correction_rate_reduction": reduction,
        "log_prob_improvements": moves,
    }
