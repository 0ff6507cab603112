from collections import defaultdict


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
    size = min(batch_size, len(train_triples))
    if size == 0:
        raise ValueError("expected some triples")
    rng = np.random.default_rng(0)
    dev = next(policy.parameters()).device
    opt = torch.optim.AdamW(list(policy.parameters()), lr=lr, weight_decay=0.01)
    log = defaultdict(list)
    policy.eval()
    step = 0
    while step < num_steps:
        step += 1
        chosen = [train_triples[int(j)] for j in rng.permutation(len(train_triples))[:size]]
        feedback, examples = (
            encode_feedback(chosen, tokenizer, device=dev),
            encode_examples(chosen, tokenizer, device=dev),
        )
        reward = prm.majority_vote(**feedback)[0].float()
        extra = np.array(
            [overlong_reward(int(n)) for n in examples["response_lengths"]], dtype=np.float32
        )
        adv = compute_grpo_advantages(reward + torch.from_numpy(extra).to(dev))
        now = response_log_probs(policy, examples)
        then = response_log_probs(ref_policy, examples).detach()
        loss, info = grpo_tcr_loss(now, then, adv, examples["response_lengths"], beta_kl=beta_kl)
        for p in policy.parameters():
            p.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
        log["losses"] += [loss.item()]
        log["kl_divs"] += [float(info["mean_kl"])]
        log["mean_rewards"] += [reward.mean().item()]
        log["prm_accuracies"] += [
            float(np.mean(reward.cpu().numpy() == np.array(keyword_labels(chosen))))
        ]
    return {name: log[name] for name in ("losses", "kl_divs", "mean_rewards", "prm_accuracies")}
