@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    counts = dict.fromkeys([*ERROR_WORDS, "correct"], 0)
    taken = test_triples[:num_samples]
    for triple, label in zip(taken, keyword_labels(taken)):
        found = set(words(triple["feedback"]))
        category = "correct"
        if label <= 0:
            category = "preference_ignored" if label < 0 else "correct"
            for name in ERROR_WORDS:
                if found & ERROR_WORDS[name]:
                    category = name
                    break
        if ref_policy is not None:
            batch = encode_examples([triple], tokenizer)
            new = response_log_probs(policy, batch)
            ref = response_log_probs(ref_policy, batch)
            if new.mean() < ref.mean():
                category = "correct" if label <= 0 else "preference_ignored"
        counts[category] += 1
    return counts
