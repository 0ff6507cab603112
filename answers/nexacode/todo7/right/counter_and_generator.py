def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    def category(triple, sentiment):
        if sentiment == "positive":
            return "correct"
        text = words(triple["feedback"])
        for name, keywords in ERROR_WORDS.items():
            if not keywords.isdisjoint(text):
                return name
        return "preference_ignored" if sentiment == "negative" else "correct"

    def moved_away(triple):
        batch = encode_examples([triple], tokenizer)
        new, ref = (response_log_probs(model, batch).sum() for model in (policy, ref_policy))
        return bool(new < ref)  # the same tokens: sums compare as means do

    taken = test_triples[: min(num_samples, len(test_triples))]
    sentiments = analyze_feedback_signals(taken)["sentiments"]
    names = [category(*pair) for pair in zip(taken, sentiments)]
    if ref_policy is not None:
        names = [
            "correct" if name != "correct" and moved_away(triple) else name
            for triple, name in zip(taken, names)
        ]
    counts = Counter({name: 0 for name in [*ERROR_WORDS, "correct"]})
    counts.update(names)
    return counts
