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
    # Votes triple by triple, z-scores and the gradient norm by hand, the old log-probs written out.
    if not train_triples:
        raise ValueError("train_triples is empty")
    optimizer = torch.optim.Adam(
        policy.parameters(), lr=lr, weight_decay=0.01, decoupled_weight_decay=True
    )
    history = {}
    for _ in tqdm(range(num_steps)):
        chosen = np.random.choice(len(train_triples), size=min(batch_size, len(train_triples)))
        triples = [train_triples[i] for i in chosen]
        batch = encode_examples(triples, tokenizer)
        rewards = []
        for triple in triples:
            vote, _ = prm.majority_vote(encode_feedback([triple], tokenizer)["input_ids"])
            rewards.append(vote.item())
        shaped = torch.tensor(
            [r + overlong_reward(int(n)) for r, n in zip(rewards, batch["response_lengths"])]
        )
        advantages = (shaped - shaped.mean()) / (shaped.std() + 1e-8)
        with torch.no_grad():
            ref = response_log_probs(ref_policy, batch)
        loss, step = grpo_tcr_loss(
            response_log_probs(policy, batch),
            ref,
            advantages,
            batch["response_lengths"],
            beta_kl=beta_kl,
            log_probs_old=ref,
        )
        loss.backward()
        norm = math_norm([p.grad for p in policy.parameters() if p.grad is not None])
        if norm > 1.0:
            for p in policy.parameters():
                if p.grad is not None:
                    p.grad /= norm
        optimizer.step()
        optimizer.zero_grad()
        labels = keyword_labels(triples)
        row = {
            "losses": loss.item(),
            "kl_divs": step["mean_kl"],
            "mean_rewards": sum(rewards) / len(rewards),
            "prm_accuracies": sum(r == k for r, k in zip(rewards, labels)) / len(rewards),
        }
        for name, value in row.items():
            history.setdefault(name, []).append(float(value))
    return history


def math_norm(gradients):
    return sum(float((g**2).sum()) for g in gradients) ** 0.5
