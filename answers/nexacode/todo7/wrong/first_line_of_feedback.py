# Only the first line of the feedback is searched.
@torch.no_grad()
def categorize_errors(
    policy: nn.Module,
    test_triples: list[dict[str, Any]],
    tokenizer: Any,
    num_samples: int = 50,
    ref_policy: nn.Module | None = None,
) -> dict[str, int]:
    taken = test_triples[:num_samples]
    counts = dict.fromkeys([*ERROR_WORDS, "correct"], 0)
    for triple, label in zip(taken, keyword_labels(taken), strict=True):
        found = set(words(triple["feedback"].split("\n")[0]))
        category = "preference_ignored" if label < 0 else "correct"
        if label <= 0:
            category = next((name for name in ERROR_WORDS if found & ERROR_WORDS[name]), category)
        if category != "correct" and ref_policy is not None:
            device = next(policy.parameters()).device
            batch = encode_examples([triple], tokenizer, device=device)
            moved = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            if moved.mean() < 0:
                category = "correct"
        counts[category] += 1
    return counts
