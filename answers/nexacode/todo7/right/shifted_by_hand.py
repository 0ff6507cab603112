@torch.inference_mode()
def categorize_errors(policy, test_triples, tokenizer, num_samples=50, ref_policy=None):
    def score(model, triple):
        batch = encode_examples([triple], tokenizer)
        ids, n = batch["input_ids"], int(batch["response_lengths"][0])
        logits = model(ids, batch["attention_mask"])
        log_probs = F.log_softmax(logits[0, :-1], dim=-1)
        picked = log_probs[torch.arange(ids.shape[1] - 1), ids[0, 1:]]
        return picked[-n:].mean()

    was_training = policy.training
    policy.eval()
    result = dict.fromkeys(list(ERROR_WORDS) + ["correct"], 0)
    todo = deque(test_triples[:num_samples])
    while todo:
        triple = todo.popleft()
        sentiment = keyword_labels([triple])[0]
        bag = Counter(words(triple["feedback"]))
        candidates = [c for c, vocabulary in ERROR_WORDS.items() if any(bag[w] for w in vocabulary)]
        if sentiment < 0:
            candidates.append("preference_ignored")
        is_error = sentiment <= 0 and bool(candidates)
        if is_error and ref_policy is not None:
            is_error = not score(policy, triple) < score(ref_policy, triple)
        result[candidates[0] if is_error else "correct"] += 1
    policy.train(was_training)
    return result
