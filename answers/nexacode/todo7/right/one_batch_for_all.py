@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    triples = list(test_triples)[:num_samples]
    names = list(ERROR_WORDS) + ["correct"]
    hits = np.array(
        [
            [bool(ERROR_WORDS[name] & set(words(t["feedback"]))) for name in ERROR_WORDS]
            for t in triples
        ]
    ).reshape(len(triples), len(ERROR_WORDS))
    labels = np.array(keyword_labels(triples), dtype=int)
    kind = np.where(hits.any(axis=1), hits.argmax(axis=1), np.where(labels < 0, 4, 5))
    kind[labels > 0] = 5
    if ref_policy is not None and len(triples):
        batch = encode_examples(triples, tokenizer, device=next(policy.parameters()).device)
        real = batch["response_lengths"].clamp(min=1)
        means = [response_log_probs(m, batch).sum(1) / real for m in (policy, ref_policy)]
        kind[(means[0] < means[1]).cpu().numpy()] = 5
    totals = np.bincount(kind, minlength=6)
    return {name: totals[i] for i, name in enumerate(names)}
