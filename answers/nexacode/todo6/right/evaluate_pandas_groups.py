import pandas as pd


@torch.no_grad()
def evaluate_personalization(policy, ref_policy, test_triples, tokenizer, baseline_accuracy):
    if len(test_triples) == 0:
        raise ValueError("nothing to evaluate")
    policy.eval(), ref_policy.eval()
    where = next(policy.parameters()).device
    rows = []
    for i, triple in enumerate(test_triples):
        batch = encode_examples([triple], tokenizer, device=where)
        gap = (
            (response_log_probs(policy, batch) - response_log_probs(ref_policy, batch))[0]
            .cpu()
            .double()
        )
        rows += [{"triple": i, "gap": g, "kl": float(np.exp(-g) + g - 1)} for g in gap.tolist()]
    tokens = pd.DataFrame(rows)
    table = tokens.groupby("triple")["gap"].mean().to_frame("delta")
    table["label"] = keyword_labels(test_triples)
    labelled = table[table.label != 0]
    shares = (np.sign(labelled.delta) == labelled.label).groupby(labelled.label).mean()
    accuracy = float(shares.mean()) if len(shares) else 0.0
    b = 1 - baseline_accuracy
    return {
        "log_prob_improvements": table.delta.tolist(),
        "preference_accuracy": accuracy,
        "mean_kl": float(tokens.kl.mean()),
        "correction_rate_reduction": (b - (1 - accuracy)) / b if b else 0.0,
    }
