# Accuracy over rows with a keyword alone.
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
    policy.eval()  # no dropout: equal weights must give equal log-probs
    steps = []
    for _ in tqdm(range(num_steps), desc="GRPO-TCR"):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        labels = torch.tensor(keyword_labels(triples), device=device)
        batch = encode_examples(triples, tokenizer, device=device)
        lengths = batch["response_lengths"]
        rewards, _ = prm.majority_vote(**encode_feedback(triples, tokenizer, device=device))
        shaping = torch.tensor([overlong_reward(n) for n in lengths.tolist()], device=device)
        advantages = compute_grpo_advantages(rewards + shaping)
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, batch)
        numbers = (response_log_probs(policy, batch), log_probs_ref, advantages, lengths)
        loss, metrics = grpo_tcr_loss(*numbers, beta_kl=beta_kl)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        means = (
            rewards.mean().item(),
            (rewards == labels)[labels != 0].float().sum().item()
            / max(1, int((labels != 0).sum())),
        )
        steps.append((loss.item(), float(metrics["mean_kl"]), *means))
    names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
    return {name: [step[i] for step in steps] for i, name in enumerate(names)}
