class _Trainer:
    def __init__(self, policy, ref_policy, prm, tokenizer, lr, beta_kl):
        self.policy, self.ref, self.prm, self.tokenizer = policy, ref_policy, prm, tokenizer
        self.beta_kl = beta_kl
        self.device = next(policy.parameters()).device
        self.optimizer = torch.optim.AdamW(params=policy.parameters(), lr=lr, weight_decay=1e-2)

    def judge(self, triples):
        return self.prm.majority_vote(
            **encode_feedback(triples, self.tokenizer, device=self.device)
        )[0]

    def update(self, triples):
        batch = encode_examples(triples, self.tokenizer, device=self.device)
        raw = self.judge(triples)
        shaped = raw + raw.new_tensor(
            [overlong_reward(n) for n in batch["response_lengths"].tolist()]
        )
        self.policy.train(False)
        self.optimizer.zero_grad()
        loss, metrics = grpo_tcr_loss(
            response_log_probs(self.policy, batch),
            response_log_probs(self.ref, batch).detach(),
            compute_grpo_advantages(shaped),
            batch["response_lengths"],
            beta_kl=self.beta_kl,
        )
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), 1)
        self.optimizer.step()
        labels = keyword_labels(triples)
        agree = sum(int(a) == b for a, b in zip(raw.tolist(), labels)) / len(labels)
        return loss.item(), float(metrics["mean_kl"]), raw.mean().item(), agree


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
    if not len(train_triples):
        raise ValueError("no triples")
    trainer = _Trainer(policy, ref_policy, prm, tokenizer, lr, beta_kl)
    rows = []
    for _ in range(num_steps):
        order = torch.randperm(len(train_triples))[:batch_size]
        rows.append(trainer.update([train_triples[i] for i in order.tolist()]))
    columns = list(zip(*rows)) or [(), (), (), ()]
    return dict(zip(("losses", "kl_divs", "mean_rewards", "prm_accuracies"), map(list, columns)))
