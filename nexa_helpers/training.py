"""Section 5: warm start, training on logged turns, rollouts and on-policy training.

Logged turns were written by somebody else and cannot be sampled again. Rollouts are sampled
from the policy itself, and a simulated developer answers them.
"""

import copy
import random
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from nexa_helpers.conversations import parse_conversation
from nexa_helpers.developers import Developer, LiveSession
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.grpo_tcr import (
    LossFunction,
    compute_grpo_advantages,
    grpo_tcr_loss,
    overlong_reward,
)
from nexa_helpers.policy import (
    IGNORED,
    encode_conversations,
    encode_examples,
    pad_conversations,
    response_log_probs,
    sample_responses,
)
from nexa_helpers.process_reward import encode_feedback


def warm_start(
    policy: nn.Module,
    rows: list[dict[str, Any]],
    tokenizer: Any,
    num_steps: int = 1000,
    batch_size: int = 16,
    lr: float = 6e-3,
    seed: int = 0,
) -> list[float]:
    """Train a policy to write the assistant's turns of logged conversations (supervised).

    The result is the deployed model: the reference that personalisation starts from. A batch
    holds conversations of like length, and each is read once for all of its assistant turns.

    Args:
        policy: The model; it is changed.
        rows: Rows with the key ``chosen``.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Conversations an update.
        lr: Highest learning rate of AdamW; it rises for a tenth of the steps, then falls to 0.
        seed: Seed of the draws.

    Returns:
        The mean negative log-prob of a response token (nats) at each step.

    Raises:
        ValueError: No row holds an assistant's turn.
    """
    rng = random.Random(seed)
    device = next(policy.parameters()).device
    encoded = encode_conversations([parse_conversation(row["chosen"]) for row in rows], tokenizer)
    encoded = [(ids, targets) for ids, targets in encoded if set(targets) - {IGNORED}]
    if not encoded:
        raise ValueError(f"rows: expected an assistant's turn, found none in {len(rows)} rows")
    encoded.sort(key=lambda ids_and_targets: len(ids_and_targets[0]))
    batches = [encoded[i : i + batch_size] for i in range(0, len(encoded), batch_size)]
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps, pct_start=0.1)
    losses = []
    for _ in tqdm(range(num_steps), desc="warm start"):
        batch = pad_conversations(rng.choice(batches), tokenizer, device)
        hidden = policy.features(batch["input_ids"], batch["attention_mask"])
        scored = batch["target_ids"] != IGNORED
        loss = F.cross_entropy(policy.head(hidden[scored]), batch["target_ids"][scored])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    policy.eval()
    return losses


def frozen_copy(policy: nn.Module) -> nn.Module:
    """Copy a policy and freeze the copy: eval mode, no gradients."""
    return copy.deepcopy(policy).eval().requires_grad_(False)


def train_grpo_tcr(
    policy: nn.Module,
    ref_policy: nn.Module,
    prm: nn.Module,
    train_triples: list[dict[str, Any]],
    tokenizer: Any,
    num_steps: int = 300,
    batch_size: int = 8,
    lr: float = 1e-4,
    beta_kl: float = 0.01,
) -> dict[str, list[float]]:
    """Train the policy on logged turns with the GRPO-TCR loss.

    Each step draws a batch of triples, lets the PRM vote on (response, feedback), adds
    the overlong shaping to the rewards, turns them into advantages, and takes one step
    of AdamW (weight decay 0.01, gradient norm at most 1.0). The batch stands in for the
    group: logged turns have one response a prompt.

    Args:
        policy: The model that is trained; nothing else changes.
        ref_policy: The frozen model that the policy started from.
        prm: Scores (response, feedback) by majority vote.
        train_triples: Triples with ``context``, ``response`` and ``feedback``; not
            changed.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Triples an update; fewer where there are not so many.
        lr: Learning rate.
        beta_kl: Weight of the KL penalty.

    Returns:
        Lists with one float a step: ``losses``, ``kl_divs`` (k3, nats a response
        token), ``mean_rewards`` (the PRM's, before shaping) and ``prm_accuracies`` (the
        share of rewards equal to the keyword label).

    Raises:
        ValueError: ``train_triples`` is empty.
    """
    if not train_triples:
        raise ValueError("train_triples: expected at least one triple, got none")
    device = next(policy.parameters()).device
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    policy.eval()  # no dropout: equal weights must give equal log-probs
    metrics: dict[str, list[float]] = {
        "losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": [],
    }  # fmt: skip
    for _ in tqdm(range(num_steps), desc="GRPO-TCR"):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        batch = encode_examples(triples, tokenizer, device=device)
        lengths = batch["response_lengths"]
        rewards, _ = prm.majority_vote(**encode_feedback(triples, tokenizer, device=device))
        shaping = torch.tensor([overlong_reward(n) for n in lengths.tolist()], device=device)
        advantages = compute_grpo_advantages(rewards + shaping)
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, batch)
        log_probs_new = response_log_probs(policy, batch)
        loss, step = grpo_tcr_loss(
            log_probs_new, log_probs_ref, advantages, lengths, beta_kl=beta_kl
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        labels = torch.tensor(keyword_labels(triples), device=device)
        metrics["losses"].append(loss.item())
        metrics["kl_divs"].append(float(step["mean_kl"]))
        metrics["mean_rewards"].append(rewards.mean().item())
        metrics["prm_accuracies"].append((rewards == labels).float().mean().item())
    return metrics


def collect_rollouts(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_sessions: int = 8,
    turns_per_session: int = 2,
    group_size: int = 4,
    max_new_tokens: int = 96,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Let the policy work with a simulated developer, and keep all that training needs.

    At each turn of a session the policy samples ``group_size`` responses to the same
    context (a group), and the developer answers each one. The session goes on from the
    first response of the group. Where the developer leaves without an answer, the group
    has no next state and the session ends.

    Args:
        policy: Samples the responses.
        developer: Asks for tasks and answers.
        tokenizer: The tokenizer of the policy.
        num_sessions: Different sessions, each with requests of its own.
        turns_per_session: Most turns of a session.
        group_size: Responses a request (G).
        max_new_tokens: Most tokens of a response.
        seed: Seed of the developer; the policy samples from torch's global generator.

    Returns:
        One dict a response, the responses of a group standing together: ``session``,
        ``turn`` (int), ``context`` (turns), ``response`` (text), ``feedback`` (the next
        state: text, or None where the developer left), ``response_ids`` (list of int),
        ``log_probs_old`` (list of float, nats, under the policy that sampled) and
        ``loss_mask`` (1.0, or 0.0 where there is no next state).
    """
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records = []
    for turn in range(turns_per_session):
        active = [number for number, session in enumerate(sessions) if not session.ended]
        if not active:
            break
        contexts = [sessions[number].context for number in active for _ in range(group_size)]
        samples = sample_responses(policy, contexts, tokenizer, max_new_tokens)
        for i, number in enumerate(active):
            group = samples[i * group_size : (i + 1) * group_size]
            context = sessions[number].context
            answers = sessions[number].answer([sample["response"] for sample in group])
            for sample, answer in zip(group, answers, strict=True):
                records.append(
                    {
                        "session": number,
                        "turn": turn,
                        "context": context,
                        "response": sample["response"],
                        "feedback": answer,
                        "response_ids": sample["response_ids"],
                        "log_probs_old": sample["log_probs"],
                        "loss_mask": 0.0 if answer is None else 1.0,
                    }
                )
    return records


def encode_rollouts(
    records: list[dict[str, Any]], tokenizer: Any, device: torch.device | str = "cpu"
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Turn rollouts into one batch, with the very tokens that were sampled.

    Args:
        records: What ``collect_rollouts`` returns.
        tokenizer: The tokenizer of the policy.
        device: Where the tensors go.

    Returns:
        A batch as ``encode_examples`` makes it, and log_probs_old (batch, response time), 0.0
        at padding.
    """
    sampled = [record["response_ids"] for record in records]
    longest = max(map(len, sampled), default=1)
    batch = encode_examples(
        records, tokenizer, max_response=longest, device=device, response_ids=sampled
    )
    log_probs_old = torch.zeros(batch["response_ids"].shape, device=device)
    for row, record in enumerate(records):
        values = record["log_probs_old"]
        log_probs_old[row, : len(values)] = torch.tensor(values)
    return batch, log_probs_old


def rollout_rewards(
    prm: nn.Module, records: list[dict[str, Any]], tokenizer: Any, num_votes: int = 5
) -> torch.Tensor:
    """Let the PRM vote on answered rollouts.

    Args:
        prm: Scores (response, feedback).
        records: Rollouts; those without a next state get 0.
        tokenizer: The tokenizer of the PRM.
        num_votes: Votes a response.

    Returns:
        (batch,) rewards in {-1, 0, 1}.
    """
    device = next(prm.parameters()).device
    rewards = torch.zeros(len(records), device=device)
    answered = [row for row, record in enumerate(records) if record["loss_mask"]]
    if answered:
        batch = encode_feedback([records[row] for row in answered], tokenizer, device=device)
        rewards[answered], _ = prm.majority_vote(**batch, num_votes=num_votes)
    return rewards


def group_advantages(
    rewards: torch.Tensor,
    lengths: torch.Tensor,
    group_size: int,
    L_max: int = 96,
    L_cache: int = 32,
) -> tuple[torch.Tensor, float]:
    """Shape the rewards of rollouts and compare them within their groups.

    A reward of 0 is "no opinion" and should teach nothing: it takes the mean of the
    opinions of its group first, and so its advantage is near 0 (OpenClaw-RL leaves such
    turns out).

    Args:
        rewards: (batch,) in {-1, 0, 1}; the responses of a group stand together.
        lengths: (batch,) tokens of each response.
        group_size: Responses a group (G).
        L_max: Most tokens of a response.
        L_cache: See ``overlong_reward``.

    Returns:
        Advantages (batch,), and the share of constant groups: nothing to compare,
        advantage 0.
    """
    groups = rewards.view(-1, group_size)
    has_opinion = groups != 0
    num_opinions = has_opinion.sum(dim=1, keepdim=True).clamp(min=1)
    opinion = groups.sum(dim=1, keepdim=True) / num_opinions
    shaping = [overlong_reward(length, L_max, L_cache) for length in lengths.tolist()]
    shaped = groups.where(has_opinion, opinion)
    shaped = shaped + groups.new_tensor(shaping).view_as(groups)
    advantages = compute_grpo_advantages(shaped)
    constant = (advantages == 0).all(dim=1).float().mean().item()
    return advantages.flatten(), constant


def train_on_policy(
    policy: nn.Module,
    ref_policy: nn.Module,
    prm: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_iterations: int = 40,
    num_sessions: int = 4,
    turns_per_session: int = 2,
    group_size: int = 8,
    num_epochs: int = 2,
    num_votes: int = 5,
    lr: float = 6e-4,
    eps_low: float = 0.2,
    eps_high: float = 0.28,
    beta_kl: float = 0.005,
    L_max: int = 96,
    L_cache: int = 32,
    seed: int = 0,
    loss_function: LossFunction | None = None,
) -> dict[str, list[float]]:
    """Personalise a policy for one developer: sample, let them answer, learn, repeat.

    The rewards of a round are few and noisy. So the policy ends with the mean of its weights after
    each round of the second half (tail averaging: Jain et al. 2018, arXiv:1610.03774), which
    depends less on the last few answers.

    Args:
        policy: The model that is trained; nothing else changes.
        ref_policy: The frozen model that the policy started from.
        prm: Scores (response, feedback); the developer's true wishes are never read.
        developer: Who asks and answers.
        tokenizer: Turns text into ids.
        num_iterations: Rounds of rollouts.
        num_sessions: Sessions a round.
        turns_per_session: Most turns of a session.
        group_size: Responses a request.
        num_epochs: Updates on the same rollouts; from the second one on, clipping can act.
        num_votes: Votes of the PRM on each response.
        lr: First learning rate of AdamW; it falls in even steps towards a tenth.
        eps_low: The ratio is clipped from below at 1 - eps_low.
        eps_high: The ratio is clipped from above at 1 + eps_high.
        beta_kl: Weight of the KL penalty.
        L_max: Most tokens of a response.
        L_cache: Tokens before ``L_max`` in which the length is punished; 0 for no punishment.
        seed: Seed of the developer's requests and answers.
        loss_function: A variant of ``grpo_tcr_loss``, called with ten positional arguments.
            None means ``grpo_tcr_loss`` as it is defined when this function runs.

    Returns:
        Lists with one float a round: ``losses``, ``kl_divs`` (k3, nats a token),
        ``mean_rewards`` (the PRM's, before shaping), ``prm_accuracies`` (the share of answered
        responses whose reward equals the keyword label), ``mean_lengths`` (tokens),
        ``entropies`` (nats a token, estimated from the sampled tokens), ``clip_fractions``
        (last epoch) and ``constant_groups`` (share; where the developer left, all rewards are 0
        before shaping).
    """
    device = next(policy.parameters()).device
    loss_function = loss_function or grpo_tcr_loss
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, num_iterations)
    averaged = torch.optim.swa_utils.AveragedModel(policy)  # a copy; its mean starts empty
    metrics: dict[str, list[float]] = {
        "losses": [], "kl_divs": [], "mean_rewards": [], "prm_accuracies": [],
        "mean_lengths": [], "entropies": [], "clip_fractions": [], "constant_groups": [],
    }  # fmt: skip
    for iteration in tqdm(range(num_iterations), desc=f"on-policy, {developer.name}"):
        records = collect_rollouts(
            policy, developer, tokenizer, num_sessions, turns_per_session, group_size, L_max,
            seed=seed * 10_000 + iteration,
        )  # fmt: skip
        rewards = rollout_rewards(prm, records, tokenizer, num_votes)
        batch, log_probs_old = encode_rollouts(records, tokenizer, device)
        lengths = batch["response_lengths"]
        advantages, constant = group_advantages(rewards, lengths, group_size, L_max, L_cache)
        # A turn without a next state teaches nothing: its length is set to 0, all padding.
        answered = torch.tensor([record["loss_mask"] for record in records], device=device)
        real_lengths = lengths * answered.long()
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, batch)
        for _ in range(num_epochs):
            loss, step = loss_function(
                response_log_probs(policy, batch), log_probs_ref, advantages, real_lengths,
                eps_low, eps_high, beta_kl, L_max, L_cache, log_probs_old,
            )  # fmt: skip
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
        schedule.step()
        if iteration >= num_iterations // 2:
            averaged.update_parameters(policy)
        num_answered = answered.sum().clamp(min=1)
        labels = keyword_labels([record for record in records if record["loss_mask"]])
        agrees = rewards[answered > 0] == torch.tensor(labels, device=device)
        metrics["losses"].append(loss.item())
        metrics["kl_divs"].append(float(step["mean_kl"]))
        metrics["mean_rewards"].append((rewards.sum() / num_answered).item())
        metrics["prm_accuracies"].append((agrees.sum() / num_answered).item())
        metrics["mean_lengths"].append(lengths.float().mean().item())
        # E[-log p] over the policy's own samples is its entropy.
        metrics["entropies"].append((-log_probs_old.sum() / lengths.sum()).item())
        metrics["clip_fractions"].append(float(step.get("clip_fraction", float("nan"))))
        metrics["constant_groups"].append(constant)
    policy.load_state_dict(averaged.module.state_dict())
    return metrics
