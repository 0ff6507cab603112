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
    if not train_triples:
        raise ValueError("train_triples: empty")

    def batches():
        while True:
            pool = list(train_triples)
            random.shuffle(pool)
            for start in range(0, len(pool), batch_size):
                yield pool[start : start + batch_size]

    device = next(policy.parameters()).device
    stream = batches()
    optimizer = torch.optim.AdamW(policy.parameters(), lr, weight_decay=0.01)
    losses, kl_divs, mean_rewards, prm_accuracies = [], [], [], []
    policy.eval()
    for _ in range(num_steps):
        triples = []
        while len(triples) < min(batch_size, len(train_triples)):
            triples += next(stream)
        triples = triples[:batch_size]
        batch = encode_examples(triples, tokenizer, device=device)
        n = batch["response_lengths"]
        votes, _ = prm.majority_vote(**encode_feedback(triples, tokenizer, device=device))
        advantages = compute_grpo_advantages(
            votes
            + torch.tensor([overlong_reward(int(x)) for x in n], dtype=votes.dtype, device=device)
        )
        with torch.no_grad():
            reference = response_log_probs(ref_policy, batch)
        loss, metrics = grpo_tcr_loss(
            response_log_probs(policy, batch), reference, advantages, n, beta_kl=beta_kl
        )
        policy.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(list(policy.parameters()), 1.0)
        optimizer.step()
        losses.append(loss.item())
        kl_divs.append(float(metrics["mean_kl"]))
        mean_rewards.append(votes.mean().item())
        truth = torch.tensor(keyword_labels(triples), dtype=votes.dtype, device=device)
        prm_accuracies.append(votes.eq(truth).float().mean().item())
    return {
        "losses": losses,
        "kl_divs": kl_divs,
        "mean_rewards": mean_rewards,
        "prm_accuracies": prm_accuracies,
    }
