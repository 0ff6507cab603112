from collections import defaultdict
from itertools import islice

from torch.utils.data import DataLoader


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
    loader = DataLoader(
        train_triples, batch_size=batch_size, shuffle=True, collate_fn=list, drop_last=False
    )

    def endless():
        while True:
            yield from loader

    params = [p for p in policy.parameters() if p.requires_grad]
    matrices = [p for p in params if p.dim() > 1]
    vectors = [p for p in params if p.dim() < 2]  # biases and norms are often left without decay
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}],
        lr=lr,
    )
    history = defaultdict(list)
    for triples in tqdm(islice(endless(), num_steps), total=num_steps):
        batch = encode_examples(triples, tokenizer)
        rewards, votes = prm.majority_vote(**encode_feedback(triples, tokenizer))
        penalty = torch.tensor(list(map(overlong_reward, batch["response_lengths"].tolist())))
        with torch.inference_mode():
            ref = response_log_probs(ref_policy, batch)
        loss, metrics = grpo_tcr_loss(
            response_log_probs(policy, batch),
            ref.clone(),
            compute_grpo_advantages((rewards + penalty).unsqueeze(0)).squeeze(0),
            batch["response_lengths"],
            0.2,
            0.28,
            beta_kl,
        )
        policy.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        history["losses"].append(float(loss))
        history["kl_divs"].append(float(metrics["mean_kl"]))
        history["mean_rewards"].append(np.mean(rewards.tolist()))
        history["prm_accuracies"].append(
            np.mean([int(r) == label for r, label in zip(rewards, keyword_labels(triples))])
        )
        history["penalties"].append(penalty.mean().item())
    return history
