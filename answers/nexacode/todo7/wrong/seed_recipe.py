def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    # The seed's keywords, as substrings, in its own order; it never looks at the policy.
    counts = dict.fromkeys(
        [
            "style_mismatch",
            "content_error",
            "preference_ignored",
            "too_verbose",
            "too_brief",
            "correct",
        ],
        0,
    )
    for triple in test_triples[:num_samples]:
        feedback = triple["feedback"].lower()
        if "wrong" in feedback or "incorrect" in feedback:
            counts["content_error"] += 1
        elif "verbose" in feedback or "long" in feedback:
            counts["too_verbose"] += 1
        elif "short" in feedback or "more" in feedback:
            counts["too_brief"] += 1
        elif "style" in feedback or "format" in feedback:
            counts["style_mismatch"] += 1
        elif "prefer" in feedback or "want" in feedback:
            counts["preference_ignored"] += 1
        else:
            counts["correct"] += 1
    return counts
