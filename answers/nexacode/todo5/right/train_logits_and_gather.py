import torch.optim as optim


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
    # Logits, log_softmax and gather; the padding of the log-probs is left as it comes.
    if not train_triples:
        raise ValueError("train_triples is empty")
    sentiment_value = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}
    optimizer = optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    rows = []
    order = []
    for step in tqdm(range(num_steps), desc="training"):
        size = min(batch_size, len(train_triples))
        while len(order) < size:
            order += torch.randperm(len(train_triples)).tolist()
        picked, order = order[:size], order[size:]
        triples = [train_triples[i] for i in picked]
        batch = encode_examples(triples, tokenizer)
        start = batch["input_ids"].shape[1] - batch["response_ids"].shape[1]

        def score(model):
            logits = model(batch["input_ids"], batch["attention_mask"])[:, start - 1 : -1]
            every = torch.log_softmax(logits, dim=-1)
            return every.gather(-1, batch["response_ids"].unsqueeze(-1)).squeeze(-1)

        optimizer.zero_grad()
        feedback = encode_feedback(triples, tokenizer)
        rewards, _ = prm.majority_vote(feedback["input_ids"], feedback["attention_mask"], 3)
        penalties = [overlong_reward(n.item()) for n in batch["response_lengths"]]
        advantages = compute_grpo_advantages(rewards + torch.tensor(penalties)).detach()
        loss, metrics = grpo_tcr_loss(
            score(policy),
            score(ref_policy).detach(),
            advantages,
            batch["response_lengths"],
            beta_kl=beta_kl,
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0, error_if_nonfinite=False)
        optimizer.step()
        sentiments = analyze_feedback_signals(triples)["sentiments"]
        labels = torch.tensor([sentiment_value[name] for name in sentiments])
        rows.append(
            (
                loss.item(),
                metrics["mean_kl"],
                rewards.mean().item(),
                torch.isclose(rewards, labels).float().mean().item(),
            )
        )
    losses, kl_divs, mean_rewards, accuracies = (list(column) for column in zip(*rows))
    return dict(
        losses=losses, kl_divs=kl_divs, mean_rewards=mean_rewards, prm_accuracies=accuracies
    )
