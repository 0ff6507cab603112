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
    """Train the policy with GRPO-TCR on logged turns."""
    # Sanity check
    if len(train_triples) == 0:
        raise ValueError("train_triples must not be empty")

    # Setup
    device = next(policy.parameters()).device
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    history = {"losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": []}
    policy.eval()  # disable dropout so that the ratio starts at exactly 1
    ref_policy.eval()

    # Training loop
    for step in tqdm(range(num_steps)):
        # 1. Sample a batch (without replacement)
        k = min(batch_size, len(train_triples))
        indices = np.random.choice(len(train_triples), size=k, replace=False)
        batch_triples = [train_triples[i] for i in indices]

        # 2. Score with the PRM (majority vote)
        prm_inputs = encode_feedback(batch_triples, tokenizer, device=device)
        with torch.no_grad():
            rewards, _ = prm.majority_vote(prm_inputs["input_ids"], prm_inputs["attention_mask"])
        rewards = rewards.to(device).float()

        # 3. Overlong reward shaping
        encoded = encode_examples(batch_triples, tokenizer, device=device)
        penalties = torch.tensor(
            [overlong_reward(int(length)) for length in encoded["response_lengths"]], device=device
        )

        # 4. Group-relative advantages
        advantages = compute_grpo_advantages(rewards + penalties)

        # 5. Log-probabilities
        new_log_probs = response_log_probs(policy, encoded)
        with torch.no_grad():
            ref_log_probs = response_log_probs(ref_policy, encoded)

        # 6. Loss and update
        loss, metrics = grpo_tcr_loss(
            new_log_probs, ref_log_probs, advantages, encoded["response_lengths"], beta_kl=beta_kl
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), max_norm=1.0)
        optimizer.step()

        # 7. Logging
        keyword = torch.tensor(keyword_labels(batch_triples), device=device)
        history["losses"].append(float(loss.detach()))
        history["kl_divs"].append(float(metrics["mean_kl"]))
        history["mean_rewards"].append(float(rewards.mean()))
        history["prm_accuracies"].append(float((rewards.round().long() == keyword).float().mean()))

    return history
