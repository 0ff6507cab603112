@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    names = list(ERROR_WORDS)
    taken = test_triples[:num_samples]
    labels = np.array(keyword_labels(taken), dtype=int)
    hits = np.array(
        [[bool(set(words(t["feedback"])) & ERROR_WORDS[n]) for n in names] for t in taken],
        dtype=bool,
    )
    hits = hits.reshape(len(taken), len(names))
    fallback = np.where(labels < 0, names.index("preference_ignored"), len(names))
    kind = np.where(hits.any(axis=1), hits.argmax(axis=1), fallback) if len(taken) else fallback
    kind = np.where(labels > 0, len(names), kind)
    if ref_policy is not None:
        device = next(policy.parameters()).device
        for i in np.flatnonzero(kind < len(names)):
            batch = encode_examples([taken[i]], tokenizer, device=device)
            if (
                response_log_probs(policy, batch).mean()
                < response_log_probs(ref_policy, batch).mean()
            ):
                kind[i] = len(names)
    counts = np.bincount(kind.astype(int), minlength=len(names) + 1)
    return dict(zip([*names, "correct"], counts.tolist()))
