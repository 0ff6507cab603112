def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    order = ["content_error", "style_mismatch", "too_verbose", "too_brief", "preference_ignored"]
    patterns = {
        name: re.compile(r"\b(" + "|".join(sorted(ERROR_WORDS[name])) + r")\b", re.IGNORECASE)
        for name in order
    }
    counts = {name: 0 for name in order}
    counts["correct"] = 0
    for i, triple in enumerate(test_triples):
        if i == num_samples:
            break
        (label,) = keyword_labels([triple])
        category = None
        if label < 1:
            matching = [name for name in order if patterns[name].search(triple["feedback"])]
            category = matching[0] if matching else ("preference_ignored" if label else None)
        if category and ref_policy:
            batch = encode_examples([triple], tokenizer)
            lengths = batch["response_lengths"]
            with torch.inference_mode():
                gap = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            if (gap.sum(dim=1) / lengths).item() < 0:
                category = None
        counts[category or "correct"] += 1
    return counts
