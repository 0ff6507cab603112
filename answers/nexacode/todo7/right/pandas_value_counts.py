import pandas as pd


@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    names = [*ERROR_WORDS, "correct"]
    taken = test_triples[:num_samples]
    labels = keyword_labels(taken)
    kinds = []
    for triple, label in zip(taken, labels):
        bag = set(words(triple["feedback"]))
        options = [name for name in ERROR_WORDS if bag & ERROR_WORDS[name]] if label <= 0 else []
        kinds.append(options[0] if options else {-1: "preference_ignored"}.get(label, "correct"))
    series = pd.Series(kinds, dtype=object)
    if ref_policy is not None:
        device = next(policy.parameters()).device
        for i in series.index[series != "correct"]:
            batch = encode_examples([taken[i]], tokenizer, device=device)
            if (
                response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            ).mean() < 0:
                series[i] = "correct"
    return {k: int(v) for k, v in series.value_counts().reindex(names, fill_value=0).items()}
