@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    taken = list(test_triples)[:num_samples]
    device = next(policy.parameters()).device

    def mean_log_prob(model, triple):
        return response_log_probs(model, encode_examples([triple], tokenizer, device=device)).mean()

    def moved_away(triple):
        return ref_policy is not None and bool(
            mean_log_prob(policy, triple) < mean_log_prob(ref_policy, triple)
        )

    def complaint(triple, label):
        if label > 0:
            return "correct"
        hits = [
            name
            for name in ERROR_WORDS
            if not ERROR_WORDS[name].isdisjoint(words(triple["feedback"]))
        ]
        return (hits + ["preference_ignored" if label else "correct"])[0]

    kinds = [complaint(*pair) for pair in zip(taken, keyword_labels(taken))]
    kinds = [k if k == "correct" or not moved_away(t) else "correct" for k, t in zip(kinds, taken)]
    return {name: kinds.count(name) for name in (*ERROR_WORDS, "correct")}
