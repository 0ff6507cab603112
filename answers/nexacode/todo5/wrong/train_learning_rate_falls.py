# The learning rate falls to 0 in even steps.
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
        raise ValueError("train_triples is empty")
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    fall = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, num_steps)
    metrics = {"losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": []}
    for step in tqdm(range(num_steps)):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        batch = encode_examples(triples, tokenizer)
        lengths = batch["response_lengths"]
        feedback = encode_feedback(triples, tokenizer)
        rewards, votes = prm.majority_vote(**feedback)
        shaping = torch.tensor([overlong_reward(n) for n in lengths.tolist()])
        advantages = compute_grpo_advantages(rewards + shaping)
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, batch)
        log_probs_new = response_log_probs(policy, batch)
        loss, info = grpo_tcr_loss(
            log_probs_new, log_probs_ref, advantages, lengths, beta_kl=beta_kl
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        fall.step()
        labels = torch.tensor(keyword_labels(triples))
        metrics["losses"].append(loss.item())
        metrics["kl_divs"].append(info["mean_kl"])
        metrics["mean_rewards"].append(rewards.mean().item())
        metrics["prm_accuracies"].append((rewards == labels).float().mean().item())
    return metrics
