"""Section 5: warm start, training on logged turns, rollouts and on-policy training.

Logged turns were written by somebody else and cannot be sampled again. Rollouts are sampled
from the policy itself, and a simulated developer replies to them.
"""

import copy
import random
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from nexa_helpers.batches import one_cycle, take_step
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

    The result is the deployed model: the reference that personalization starts from. A batch
    contains conversations of like length, and each is read once for all of its assistant turns.

    Args:
        policy: The model; it is changed.
        rows: Rows with the key ``chosen``.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Conversations per update.
        lr: Highest learning rate of AdamW; it rises for a tenth of the steps, then falls to 0.
        seed: Seed of the draws.

    Returns:
        The mean negative log-prob of a response token (nats) at each step.

    Raises:
        ValueError: No row contains an assistant's turn.
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
    schedule = one_cycle(optimizer, lr, num_steps)
    losses = []
    for _ in tqdm(range(num_steps), desc="warm start"):
        batch = pad_conversations(rng.choice(batches), tokenizer, device)
        hidden = policy.features(batch["input_ids"], batch["attention_mask"])
        scored = batch["target_ids"] != IGNORED
        loss = F.cross_entropy(policy.head(hidden[scored]), batch["target_ids"][scored])
        take_step(optimizer, policy, loss)
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

    Each step draws a batch, lets the PRM vote, shapes the rewards, and steps with AdamW
    (weight decay 0.01, gradient norm up to 1). The batch stands in for the group.

    Args:
        policy: The model that is trained; nothing else changes.
        ref_policy: The frozen model that the policy started from.
        prm: Scores (response, feedback) by majority vote.
        train_triples: With ``context``, ``response``, ``feedback``; not changed.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Triples per update; fewer where there are not so many.
        lr: Learning rate.
        beta_kl: Weight of the KL penalty.

    Returns:
        Lists with one number per step: ``losses``, ``kl_divs`` (k3, nats per token),
        ``mean_rewards`` (before shaping), ``prm_accuracies`` (against keyword labels).

    Raises:
        ValueError: ``train_triples`` is empty.
    """
    if not train_triples:
        raise ValueError("train_triples: expected at least one triple, got none")
    device = next(policy.parameters()).device
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01, fused=True)
    policy.eval()  # no dropout: equal weights must give equal log-probs
    steps = []
    for _ in tqdm(range(num_steps), desc="GRPO-TCR"):
        triples = random.sample(train_triples, min(batch_size, len(train_triples)))
        labels = torch.tensor(keyword_labels(triples), device=device)
        batch = encode_examples(triples, tokenizer, device=device)
        lengths = batch["response_lengths"]
        rewards, _ = prm.majority_vote(**encode_feedback(triples, tokenizer, device=device))
        shaping = torch.tensor([overlong_reward(n) for n in lengths.tolist()], device=device)
        advantages = compute_grpo_advantages(rewards + shaping)
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, batch)
        numbers = (response_log_probs(policy, batch), log_probs_ref, advantages, lengths)
        loss, metrics = grpo_tcr_loss(*numbers, beta_kl=beta_kl)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        means = rewards.mean().item(), (rewards == labels).float().mean().item()
        steps.append((loss.item(), float(metrics["mean_kl"]), *means))
    names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
    return {name: [step[i] for step in steps] for i, name in enumerate(names)}


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
    context (a group), and the developer replies to each one. The session goes on from
    the first response of the group. Where the developer leaves without a reply, the
    group has no next state and the session ends.

    Args:
        policy: Samples the responses.
        developer: Asks for tasks and replies.
        tokenizer: The tokenizer of the policy.
        num_sessions: Different sessions, each with requests of its own.
        turns_per_session: Most turns of a session.
        group_size: Responses per request (G).
        max_new_tokens: Most tokens of a response.
        seed: Seed of the developer; the policy samples from torch's global generator.

    Returns:
        One dict per response, the responses of a group standing together: ``session``,
        ``turn`` (int), ``context`` (turns), ``response`` (text), ``feedback`` (the next
        state: text, or None where the developer left), ``response_ids`` (list of int),
        ``log_probs_old`` (list of float, nats, under the policy that sampled) and
        ``loss_mask`` (1.0, or 0.0 where there is no next state).
    """
    rng = random.Random(seed)
    sessions = [LiveSession(developer, rng) for _ in range(num_sessions)]
    records: list[dict[str, Any]] = []
    for turn in range(turns_per_session):
        active = [number for number, session in enumerate(sessions) if not session.ended]
        if not active:
            break
        contexts = [sessions[number].context for number in active for _ in range(group_size)]
        samples = sample_responses(policy, contexts, tokenizer, max_new_tokens)
        for i, number in enumerate(active):
            group = samples[i * group_size : (i + 1) * group_size]
            context = sessions[number].context
            replies = sessions[number].answer([sample["response"] for sample in group])
            records += [
                {
                    "session": number, "turn": turn, "context": context,
                    "response": sample["response"], "feedback": feedback,
                    "response_ids": sample["response_ids"], "log_probs_old": sample["log_probs"],
                    "loss_mask": 0.0 if feedback is None else 1.0,
                }
                for sample, feedback in zip(group, replies, strict=True)
            ]  # fmt: skip
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
    rows = [torch.tensor(record["log_probs_old"]) for record in records]
    return batch, pad_sequence(rows, batch_first=True).to(device)


def rollout_rewards(
    prm: nn.Module, records: list[dict[str, Any]], tokenizer: Any, num_votes: int = 5
) -> torch.Tensor:
    """Let the PRM vote on rollouts with a reply.

    Args:
        prm: Scores (response, feedback).
        records: Rollouts; those without a next state get 0.
        tokenizer: The tokenizer of the PRM.
        num_votes: Votes per response.

    Returns:
        (batch,) rewards in {-1, 0, 1}.
    """
    device = next(prm.parameters()).device
    rewards = torch.zeros(len(records), device=device)
    replied = [row for row, record in enumerate(records) if record["loss_mask"]]
    if replied:
        batch = encode_feedback([records[row] for row in replied], tokenizer, device=device)
        rewards[replied], _ = prm.majority_vote(**batch, num_votes=num_votes)
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
        group_size: Responses per group (G).
        L_max: Most tokens of a response.
        L_cache: See ``overlong_reward``.

    Returns:
        Advantages (batch,), and the share of constant groups: nothing to compare,
        advantage 0.

    Raises:
        ValueError: There is no whole number of groups, or a reward is not finite.
    """
    count = len(rewards)
    if count == 0 or group_size < 1 or count % group_size:
        raise ValueError(f"rewards: expected groups of {group_size}, got {count}")
    groups = rewards.view(-1, group_size)
    if not groups.is_floating_point():
        groups = groups.float()  # shaping is no integer
    has_opinion = groups != 0
    num_opinions = has_opinion.sum(dim=1, keepdim=True).clamp(min=1)
    opinion = groups.sum(dim=1, keepdim=True) / num_opinions
    shaping = [overlong_reward(length, L_max, L_cache) for length in lengths.tolist()]
    shaped = groups.where(has_opinion, opinion)
    shaped = shaped + groups.new_tensor(shaping).view_as(groups)
    advantages = compute_grpo_advantages(shaped)
    constant = (advantages == 0).all(dim=1).float().mean().item()
    return advantages.flatten(), constant


class Round(NamedTuple):
    """One round of rollouts, ready for the loss."""

    batch: dict[str, torch.Tensor]  # as ``encode_examples`` makes it
    log_probs_old: torch.Tensor  # (batch, response time), nats, of the policy that sampled
    rewards: torch.Tensor  # (batch,) of the PRM, before shaping; 0 where nobody replied
    advantages: torch.Tensor  # (batch,)
    has_reply: torch.Tensor  # (batch,) 1.0 or 0.0
    labels: torch.Tensor  # (replies,) keyword labels of the feedback
    constant_groups: float  # share of groups with nothing to compare

    @property
    def learned_lengths(self) -> torch.Tensor:
        """Give the lengths (batch,) that the loss sees: a turn without a next state has 0."""
        return self.batch["response_lengths"] * self.has_reply.long()


def score_rollouts(
    prm: nn.Module, records: list[dict[str, Any]], tokenizer: Any, group_size: int,
    num_votes: int = 5, L_max: int = 96, L_cache: int = 32,
) -> Round:  # fmt: skip
    """Turn rollouts into rewards, advantages and one batch.

    Args:
        prm: Scores (response, feedback).
        records: What ``collect_rollouts`` returns.
        tokenizer: Turns text into ids.
        group_size: Responses per request.
        num_votes: Votes of the PRM on each response.
        L_max: Most tokens of a response.
        L_cache: See ``overlong_reward``.

    Returns:
        The round.
    """
    device = next(prm.parameters()).device
    rewards = rollout_rewards(prm, records, tokenizer, num_votes)
    batch, log_probs_old = encode_rollouts(records, tokenizer, device)
    lengths = batch["response_lengths"]
    advantages, constant = group_advantages(rewards, lengths, group_size, L_max, L_cache)
    has_reply = torch.tensor([record["loss_mask"] for record in records], device=device)
    replied = [record for record in records if record["loss_mask"]]
    labels = torch.tensor(keyword_labels(replied), device=device)
    return Round(batch, log_probs_old, rewards, advantages, has_reply, labels, constant)


def clipped_share(
    played: Round, log_probs_new: torch.Tensor, eps_low: float, eps_high: float
) -> float:
    """Share of the tokens of a round whose ratio has left the clip range.

    Args:
        played: The round.
        log_probs_new: (batch, response time) log-probs under the policy, nats.
        eps_low: The range begins at 1 - eps_low.
        eps_high: The range ends at 1 + eps_high.
    """
    columns = torch.arange(log_probs_new.shape[1], device=log_probs_new.device)
    mask = columns < played.learned_lengths.unsqueeze(1)
    ratio = torch.exp(log_probs_new.detach() - played.log_probs_old)
    is_outside = (ratio < 1 - eps_low) | (ratio > 1 + eps_high)
    return ((is_outside & mask).sum() / mask.sum().clamp(min=1)).item()


def describe_round(
    played: Round, loss: torch.Tensor, mean_kl: float, clip_fraction: float
) -> dict[str, float]:
    """Sum up a round: a number for each list that ``train_on_policy`` returns.

    Args:
        played: The round.
        loss: The loss of its last update.
        mean_kl: As the loss says, nats per token.
        clip_fraction: See ``clipped_share``.
    """
    lengths = played.batch["response_lengths"]
    num_replies = played.has_reply.sum().clamp(min=1)
    agrees = played.rewards[played.has_reply > 0] == played.labels
    return {
        "losses": loss.item(),
        "kl_divs": mean_kl,
        "mean_rewards": (played.rewards.sum() / num_replies).item(),
        "prm_accuracies": (agrees.sum() / num_replies).item(),
        "mean_lengths": lengths.float().mean().item(),
        # E[-log p] over the policy's own samples is its entropy.
        "entropies": (-played.log_probs_old.sum() / lengths.sum()).item(),
        "clip_fractions": clip_fraction,
        "constant_groups": played.constant_groups,
    }


@dataclass(frozen=True)
class OnPolicySettings:
    """Settings of ``train_on_policy``."""

    num_iterations: int = 40  # rounds of rollouts, at least 1
    num_sessions: int = 4  # per round
    turns_per_session: int = 2  # at most
    group_size: int = 8  # responses per request
    num_epochs: int = 2  # updates on the same rollouts; from the second one on, clipping can act
    num_votes: int = 5  # of the PRM on each response
    lr: float = 1.2e-3  # first learning rate of AdamW; it falls in even steps towards a tenth
    eps_low: float = 0.2  # the ratio is clipped from below at 1 - eps_low
    eps_high: float = 0.28  # the ratio is clipped from above at 1 + eps_high
    beta_kl: float = 0.005  # weight of the KL penalty
    L_max: int = 96  # most tokens of a response
    L_cache: int = 32  # tokens before L_max in which the length is punished; 0: no punishment
    seed: int = 0  # of the developer's requests and replies

    def for_loss(self) -> dict[str, Any]:
        """Choose what the loss function takes."""
        names = ("eps_low", "eps_high", "beta_kl", "L_max", "L_cache")
        return {name: getattr(self, name) for name in names}


def play_round(
    policy: nn.Module,
    prm: nn.Module,
    developer: Developer,
    tokenizer: Any,
    settings: OnPolicySettings,
    number: int,
) -> Round:
    """Collect the rollouts of one round and score them."""
    records = collect_rollouts(
        policy, developer, tokenizer, settings.num_sessions, settings.turns_per_session,
        settings.group_size, settings.L_max, seed=settings.seed * 10_000 + number,
    )  # fmt: skip
    return score_rollouts(
        prm, records, tokenizer, settings.group_size, settings.num_votes,
        settings.L_max, settings.L_cache,
    )  # fmt: skip


def train_on_policy(
    policy: nn.Module,
    ref_policy: nn.Module,
    prm: nn.Module,
    developer: Developer,
    tokenizer: Any,
    *,
    loss_function: LossFunction | None = None,
    **settings: Any,
) -> dict[str, list[float]]:
    """Personalize a policy for one developer: sample, let them reply, learn, repeat.

    The rewards of a round are few and noisy. So the policy ends with the mean of its weights after
    each round of the second half (tail averaging: Jain et al. 2018, arXiv:1610.03774), which
    depends less on the last few replies.

    Args:
        policy: The model that is trained; nothing else changes.
        ref_policy: The frozen model that the policy started from.
        prm: Scores (response, feedback); the developer's true wishes are never read.
        developer: Who asks and replies.
        tokenizer: Turns text into ids.
        loss_function: A variant of ``grpo_tcr_loss``, called with its keywords. None means
            ``grpo_tcr_loss`` as it is defined when this function runs.
        settings: Fields of ``OnPolicySettings``.

    Returns:
        Lists with one float per round: ``losses``, ``kl_divs`` (k3, nats per token),
        ``mean_rewards`` (the PRM's, before shaping), ``prm_accuracies`` (the share of responses
        with a reply whose reward equals the keyword label), ``mean_lengths`` (tokens),
        ``entropies`` (nats per token, estimated from the sampled tokens), ``clip_fractions``
        (last epoch) and ``constant_groups`` (share; where the developer left, all rewards are 0
        before shaping).
    """
    chosen = OnPolicySettings(**settings)
    loss_function = loss_function or grpo_tcr_loss
    optimizer = torch.optim.AdamW(policy.parameters(), lr=chosen.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, chosen.num_iterations)
    averaged = torch.optim.swa_utils.AveragedModel(policy)  # a copy; its mean starts empty
    rounds = []
    for number in tqdm(range(chosen.num_iterations), desc=f"on-policy, {developer.name}"):
        played = play_round(policy, prm, developer, tokenizer, chosen, number)
        with torch.no_grad():
            log_probs_ref = response_log_probs(ref_policy, played.batch)
        for _ in range(chosen.num_epochs):
            new = response_log_probs(policy, played.batch)
            loss, metrics = loss_function(
                new, log_probs_ref, played.advantages, played.learned_lengths,
                log_probs_old=played.log_probs_old, **chosen.for_loss(),
            )  # fmt: skip
            take_step(optimizer, policy, loss)
        schedule.step()
        if number >= chosen.num_iterations // 2:
            averaged.update_parameters(policy)
        clip_fraction = clipped_share(played, new, chosen.eps_low, chosen.eps_high)
        rounds.append(describe_round(played, loss, float(metrics["mean_kl"]), clip_fraction))
    policy.load_state_dict(averaged.module.state_dict())
    return {name: [each[name] for each in rounds] for name in rounds[0]}
