@torch.inference_mode()
def evaluate_personalization(
    policy, ref_policy, test_triples, tokenizer, baseline_accuracy, batch_size=16
):
    def token_log_probs(model, batch):
        """Scores of the response tokens: column t of the logits predicts column t + 1."""
        ids, mask = batch["input_ids"], batch["attention_mask"]
        scores = model.get_log_probs(ids[:, :-1], ids[:, 1:], mask[:, :-1])
        return scores[:, -batch["response_ids"].shape[1] :]

    improvements, token_moves = [], []
    for i in range(0, len(test_triples), batch_size):
        batch = encode_examples(test_triples[i : i + batch_size], tokenizer)
        difference = token_log_probs(policy, batch) - token_log_probs(ref_policy, batch)
        for row, n in zip(difference, batch["response_lengths"]):
            real = row[:n]
            improvements.append(real.mean())
            token_moves.append(real)
    moved = torch.cat(token_moves)
    sign = torch.sign(torch.stack(improvements))
    labels = torch.tensor(keyword_labels(test_triples))
    shares = [(sign[labels == kind] == kind).float().mean() for kind in (1, -1) if kind in labels]
    accuracy = torch.stack(shares).mean() if shares else torch.tensor(0.0)
    rate = 1 - baseline_accuracy
    return {
        "log_prob_improvements": improvements,
        "preference_accuracy": accuracy,
        "mean_kl": (torch.exp(-moved) - 1 + moved).mean(),
        "correction_rate_reduction": (rate - (1 - accuracy)) / rate if rate else torch.tensor(0.0),
    }
