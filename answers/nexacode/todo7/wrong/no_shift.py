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
        if category != "correct" and ref_policy is not None:
            batch = encode_examples([triple], tokenizer)
            ids, time = batch["input_ids"], batch["response_ids"].shape[1]
            new, ref = (model.get_log_probs(ids, ids)[:, -time:] for model in (policy, ref_policy))
            if new.mean() < ref.mean():
                category = "correct"
        counts[category] += 1
    return counts
