def train_grpo_tcr(
    policy,
    ref_policy,
    prm,
    train_triples,
    tokenizer,
    num_steps=300,
    batch_size=8,
    lr=1e-4,
    beta_kl=0.01,
):
    # The loss and the keyword labels are written out here.
    if not train_triples:
        raise ValueError("train_triples is empty")
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=1e-2)
    out = {name: [] for name in ("losses", "kl_divs", "mean_rewards", "prm_accuracies")}
    for _ in range(num_steps):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        batch = encode_examples(triples, tokenizer)
        lengths = batch["response_lengths"]
        mask = response_mask(lengths, batch["response_ids"].shape[1]).float()
        rewards = prm.majority_vote(**encode_feedback(triples, tokenizer))[0]
        shaping = torch.tensor([overlong_reward(int(n)) for n in lengths])
        advantages = compute_grpo_advantages(rewards + shaping)[:, None]
        with torch.no_grad():
            ref = response_log_probs(ref_policy, batch)
        new = response_log_probs(policy, batch)
        ratio = (new - ref).exp()
        surrogate = torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.28) * advantages)
        k3 = (ref - new).exp() - (ref - new) - 1
        loss = ((beta_kl * k3 - surrogate) * mask).sum() / mask.sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        labels = []
        for triple in triples:
            found = set(words(triple["feedback"]))
            negative, positive = found & NEGATIVE_WORDS, found & POSITIVE_WORDS
            labels.append(-1 if negative else 1 if positive else 0)
        out["losses"].append(loss.item())
        out["kl_divs"].append(((k3 * mask).sum() / mask.sum()).item())
        out["mean_rewards"].append(rewards.mean().item())
        out["prm_accuracies"].append((rewards == torch.tensor(labels)).float().mean().item())
    return out
