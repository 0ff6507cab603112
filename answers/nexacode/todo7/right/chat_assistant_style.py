def categorize_errors(
    policy: nn.Module,
    test_triples: list[dict[str, Any]],
    tokenizer: Any,
    num_samples: int = 50,
    ref_policy: nn.Module | None = None,
) -> dict[str, int]:
    """Categorize errors by keywords."""
    # Initialize the counters
    error_counts: dict[str, int] = {category: 0 for category in ERROR_WORDS}
    error_counts["correct"] = 0

    # Limit the number of samples
    samples = test_triples[:num_samples]
    labels = keyword_labels(samples)
    device = next(policy.parameters()).device

    for triple, label in zip(samples, labels):
        # Positive feedback means that the response was fine
        if label == 1:
            error_counts["correct"] += 1
            continue

        # Find the first matching category
        tokens = set(words(triple["feedback"]))
        category = None
        for name, keywords in ERROR_WORDS.items():
            if tokens.intersection(keywords):
                category = name
                break
        if category is None:
            category = "preference_ignored" if label == -1 else "correct"

        # Did the policy move away from this error?
        if ref_policy is not None and category != "correct":
            batch = encode_examples([triple], tokenizer, device=device)
            with torch.no_grad():
                new = response_log_probs(policy, batch).sum() / batch["response_lengths"].sum()
                old = response_log_probs(ref_policy, batch).sum() / batch["response_lengths"].sum()
            if new.item() < old.item():
                category = "correct"

        error_counts[category] += 1

    return error_counts
