class _Rule:
    def __init__(self, name, holds):
        self.name, self.holds = name, holds


RULES = [_Rule("correct", lambda found, label: label > 0)]
RULES += [
    _Rule(n, lambda found, label, n=n: any(w in ERROR_WORDS[n] for w in found)) for n in ERROR_WORDS
]
RULES += [
    _Rule("preference_ignored", lambda found, label: label < 0),
    _Rule("correct", lambda *_: True),
]


@torch.no_grad()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    counts = Counter({rule.name: 0 for rule in RULES})
    subset = test_triples[: min(num_samples, len(test_triples))]
    where = next(policy.parameters()).device
    for triple, label in zip(subset, keyword_labels(subset)):
        name = next(rule.name for rule in RULES if rule.holds(words(triple["feedback"]), label))
        if ref_policy and name != "correct":
            batch = encode_examples([triple], tokenizer, device=where)
            n = batch["response_lengths"].item()
            ours, theirs = (
                response_log_probs(m, batch)[0, :n].mean().item() for m in (policy, ref_policy)
            )
            name = "correct" if ours < theirs else name
        counts[name] += 1
    return dict(counts)
