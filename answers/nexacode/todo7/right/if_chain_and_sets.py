def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    counts = {
        "style_mismatch": 0,
        "content_error": 0,
        "preference_ignored": 0,
        "too_verbose": 0,
        "too_brief": 0,
        "correct": 0,
    }
    for triple in test_triples[:num_samples]:
        label = keyword_labels([triple])[0]
        found = set(words(triple["feedback"]))
        if label == 1:
            name = "correct"
        elif found & ERROR_WORDS["content_error"]:
            name = "content_error"
        elif found & ERROR_WORDS["style_mismatch"]:
            name = "style_mismatch"
        elif found & ERROR_WORDS["too_verbose"]:
            name = "too_verbose"
        elif found & ERROR_WORDS["too_brief"]:
            name = "too_brief"
        elif found & ERROR_WORDS["preference_ignored"] or label == -1:
            name = "preference_ignored"
        else:
            name = "correct"
        if ref_policy is not None and name != "correct":
            batch = encode_examples([triple], tokenizer)
            with torch.no_grad():
                new = response_log_probs(policy, batch).mean().item()
                ref = response_log_probs(ref_policy, batch).mean().item()
            if new < ref:
                name = "correct"
        counts[name] += 1
    return counts
