def train_grpo_tcr(
    policy: nn.Module,
    ref_policy: nn.Module,
    prm: nn.Module,
    train_triples: list[dict[str, Any]],
    tokenizer: Any,
    num_steps: int = 300,
    batch_size: int = 8,
    lr: float = 1e-4,
    beta_kl: float = 0.01,
) -> dict[str, list[float]]:
    if not train_triples:
        raise ValueError("train_triples: expected at least one triple, got none")
    device = next(policy.parameters()).device
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    history = {"losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": []}
    for _ in tqdm(range(num_steps)):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        batch = encode_examples(triples, tokenizer, device=device)
        lengths = batch["response_lengths"]
        rewards, _votes = prm.majority_vote(**encode_feedback(triples, tokenizer, device=device))
        labels = torch.tensor(keyword_labels(triples), device=device)
        accuracy = (rewards == labels).float().mean().item()
        shaping = [overlong_reward(n) for n in lengths.tolist()]
        rewards = rewards + torch.tensor(shaping, device=device)
        advantages = compute_grpo_advantages(rewards)

        new = response_log_probs(policy, batch)
        with torch.no_grad():
            ref = response_log_probs(ref_policy, batch)
        loss, metrics = grpo_tcr_loss(new, ref, advantages, lengths, beta_kl=beta_kl)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()

        history["losses"].append(loss.item())
        history["kl_divs"].append(metrics["mean_kl"])
        history["mean_rewards"].append(rewards.mean().item())
        history["prm_accuracies"].append(accuracy)
    return history
