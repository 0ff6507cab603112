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
    # PRM and keywords never change, so all triples are scored once; shaping in float64.
    if len(train_triples) == 0:
        raise ValueError("no triples")
    prm.eval()
    ref_policy.eval()
    scores, labels = [], np.array(keyword_labels(train_triples))
    for start in range(0, len(train_triples), 64):
        chunk = encode_feedback(train_triples[start : start + 64], tokenizer)
        scores.extend(prm.majority_vote(chunk["input_ids"], chunk["attention_mask"])[0].tolist())
    scores = np.array(scores)
    optimizer = torch.optim.AdamW(
        list(policy.parameters()), lr=lr, betas=(0.9, 0.999), weight_decay=0.01
    )
    logs = np.zeros((num_steps, 4))
    with tqdm(total=num_steps, desc="GRPO-TCR") as bar:
        for step in range(num_steps):
            index = np.random.randint(
                0, len(train_triples), size=min(batch_size, len(train_triples))
            )
            batch = encode_examples([train_triples[i] for i in index], tokenizer)
            penalty = np.array([overlong_reward(int(n)) for n in batch["response_lengths"]])
            shaped = scores[index] + penalty
            spread = shaped.std(ddof=1)
            advantages = torch.tensor((shaped - shaped.mean()) / (spread + 1e-6))
            with torch.no_grad():
                reference = response_log_probs(ref_policy, batch)
            current = response_log_probs(policy, batch)
            loss, info = grpo_tcr_loss(
                current,
                reference,
                advantages,
                batch["response_lengths"],
                beta_kl=beta_kl,
                L_max=512,
                L_cache=100,
            )
            for parameter in policy.parameters():
                parameter.grad = None
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0, norm_type=2)
            optimizer.step()
            agree = np.mean(scores[index] == labels[index])
            logs[step] = loss.item(), info["mean_kl"], scores[index].mean(), agree
            bar.set_postfix(loss=f"{loss.item():.3f}", kl=f"{float(info['mean_kl']):.4f}")
            bar.update()
    names = "losses kl_divs mean_rewards prm_accuracies".split()
    return {name: list(column) for name, column in zip(names, logs.T)}
