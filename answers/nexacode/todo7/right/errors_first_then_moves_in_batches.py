def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    """First all complaints, then one pass over the errors in batches of 16."""
    chosen = test_triples[:num_samples]
    found = []
    for triple, label in zip(chosen, keyword_labels(chosen), strict=True):
        tokens = words(triple["feedback"])
        kind = "correct"
        if label < 1:
            for name in ERROR_WORDS:
                if any(token in ERROR_WORDS[name] for token in tokens):
                    kind = name
                    break
            else:
                kind = "preference_ignored" if label == -1 else "correct"
        found.append(kind)
    errors = [i for i, kind in enumerate(found) if kind != "correct"]
    if ref_policy is not None:
        device = next(policy.parameters()).device
        for start in range(0, len(errors), 16):
            part = errors[start : start + 16]
            batch = encode_examples([chosen[i] for i in part], tokenizer, device=device)
            with torch.no_grad():
                gap = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            means = gap.double().sum(1) / batch["response_lengths"]
            for i, mean in zip(part, means.tolist()):
                if mean < 0:
                    found[i] = "correct"
    result = {name: 0 for name in ERROR_WORDS} | {"correct": 0}
    for kind in found:
        result[kind] += 1
    return result
