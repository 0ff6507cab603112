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
    # The seed's eight steps, word by word: responses alone, no shift, no shaping, no mask.
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    metrics = {"losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": []}
    for step in range(num_steps):
        batch = random.sample(train_triples, batch_size)
        responses = tokenizer([t["response"] for t in batch], padding=True, return_tensors="pt")
        pairs = [t["response"] + " " + t["feedback"] for t in batch]
        prm_input = tokenizer(pairs, padding=True, return_tensors="pt")
        rewards, _ = prm.majority_vote(prm_input["input_ids"], prm_input["attention_mask"])
        advantages = compute_grpo_advantages(rewards)
        ids = responses["input_ids"]
        log_probs_new = policy.get_log_probs(ids, ids)
        with torch.no_grad():
            log_probs_ref = ref_policy.get_log_probs(ids, ids)
        lengths = responses["attention_mask"].sum(dim=1)
        loss, info = grpo_tcr_loss(
            log_probs_new, log_probs_ref, advantages, lengths, beta_kl=beta_kl
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        metrics["losses"].append(loss.item())
        metrics["kl_divs"].append(info["mean_kl"])
        metrics["mean_rewards"].append(rewards.mean().item())
        labels = torch.tensor(keyword_labels(batch))
        metrics["prm_accuracies"].append((rewards == labels).float().mean().item())
    return metrics
