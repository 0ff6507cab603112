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
    # Batches in order, round and round; the reference is frozen, so no no_grad is needed.
    if not train_triples:
        raise ValueError("train_triples is empty")
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    history = {"losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": []}
    for step in tqdm(range(num_steps)):
        start = step * batch_size
        triples = [
            train_triples[(start + i) % len(train_triples)]
            for i in range(min(batch_size, len(train_triples)))
        ]
        batch = encode_examples(triples, tokenizer)
        rewards, _ = prm.majority_vote(**encode_feedback(triples, tokenizer))
        lengths = batch["response_lengths"]
        shaping = np.array([overlong_reward(n) for n in lengths.numpy()], dtype=np.float32)
        loss, metrics = grpo_tcr_loss(
            response_log_probs(policy, batch),
            response_log_probs(ref_policy, batch),
            compute_grpo_advantages(rewards + torch.from_numpy(shaping)),
            lengths,
            beta_kl=beta_kl,
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), max_norm=1.0)
        optimizer.step()
        history["losses"].append(loss.item())
        history["kl_divs"].append(metrics["mean_kl"])
        history["mean_rewards"].append(rewards.mean().item())
        history["prm_accuracies"].append(
            float(np.mean(rewards.numpy() == np.array(keyword_labels(triples))))
        )
    return history
