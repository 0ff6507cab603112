from torch.optim import AdamW


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
    device = next(policy.parameters()).device
    optimizer = AdamW(policy.parameters(), lr)  # weight decay 0.01 is its default
    losses, kl_divs, mean_rewards, prm_accuracies = [], [], [], []

    def log_probs_of(model, batch):
        ids, mask = batch["input_ids"], batch["attention_mask"]
        scored = model.get_log_probs(ids[:, :-1], ids[:, 1:], mask[:, :-1])
        time = batch["response_ids"].size(1)
        return scored[:, -time:] * response_mask(batch["response_lengths"], time)

    policy.train()
    for _ in tqdm(range(num_steps), leave=False):
        triples = random.choices(train_triples, k=min(batch_size, len(train_triples)))
        batch = encode_examples(triples, tokenizer, device=device)
        with torch.no_grad():
            rewards, _ = prm.majority_vote(
                **encode_feedback(triples, tokenizer, device=device), num_votes=7
            )
            ref = log_probs_of(ref_policy, batch)
        shaped = rewards.clone()
        for row, length in enumerate(batch["response_lengths"]):
            shaped[row] += overlong_reward(int(length))
        new = log_probs_of(policy, batch)
        loss, info = grpo_tcr_loss(
            log_probs_new=new,
            log_probs_ref=ref,
            advantages=compute_grpo_advantages(shaped),
            response_lengths=batch["response_lengths"],
            beta_kl=beta_kl,
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.detach())
        kl = info["mean_kl"]
        kl_divs.append(kl.item() if hasattr(kl, "item") else kl)
        mean_rewards.append(rewards.mean())
        labels = torch.tensor(keyword_labels(triples), device=device)
        prm_accuracies.append(rewards.eq(labels).double().mean())
    policy.eval()
    return {
        "losses": losses,
        "kl_divs": kl_divs,
        "mean_rewards": mean_rewards,
        "prm_accuracies": prm_accuracies,
    }
