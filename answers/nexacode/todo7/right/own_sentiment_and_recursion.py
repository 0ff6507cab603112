def first_category(found, names):
    if not names:
        return None
    return names[0] if found & ERROR_WORDS[names[0]] else first_category(found, names[1:])


def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    counts = torch.zeros(6, dtype=torch.long)
    names = [*ERROR_WORDS, "correct"]
    for triple in test_triples[0:num_samples]:
        found = frozenset(words(triple["feedback"]))
        negative, positive = bool(found & NEGATIVE_WORDS), bool(found & POSITIVE_WORDS)
        if positive and not negative:
            counts[-1] += 1
            continue
        category = first_category(found, list(ERROR_WORDS))
        if category is None:
            category = "preference_ignored" if negative else "correct"
        if ref_policy is not None:
            batch = encode_examples([triple], tokenizer)
            with torch.no_grad():
                new, ref = (response_log_probs(model, batch) for model in (policy, ref_policy))
            category = "correct" if (new - ref).mean() < 0 else category
        counts[names.index(category)] += 1
    return dict(zip(names, counts))
