"""Distillation, section 6, given: train on a developer's answers with rewards, hints, or both.

One round: the policy writes responses, the developer answers each of them, the judge reads the
answers, the teacher reads the hints and scores the very tokens that were sampled, and the policy
takes a few steps. Every answer of the developer is counted.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from nexa_helpers.batches import take_step
from nexa_helpers.developers import Developer, write_preferences
from nexa_helpers.distillation import (
    combined_advantages,
    distillation_advantages,
    distillation_loss,
)
from nexa_helpers.hint_judge import HINTS, HintJudge
from nexa_helpers.hints import hinted_context, select_hint
from nexa_helpers.policy import (
    encode_examples,
    response_log_probs,
    response_mask,
    sample_responses,
)
from nexa_helpers.tasks import FEATURE_OF_WISH, TASKS
from nexa_helpers.training import encode_rollouts
from nexa_helpers.wordings import OPPOSITES

Record = dict[str, Any]
WISH_OF_HINT = {hint: wish for wish, hints in HINTS.items() for hint in hints}


@dataclass(frozen=True)
class FeedbackSettings:
    """Settings of ``train_from_feedback``."""

    num_rounds: int = 50
    num_requests: int = 2  # per round: few, so that each answer is learnt from soon
    group_size: int = 4  # responses per request (G); the developer answers each of them
    num_epochs: int = 2  # updates on the same responses
    lr: float = 6e-4  # first learning rate of AdamW; it falls in even steps towards a tenth
    weight_rl: float = 1.0  # 0: hints alone
    weight_distill: float = 1.0  # 0: rewards alone
    clip: float | None = 1.0  # limit of a token's advantage
    num_notes: int = 6  # earlier hints that the teacher also reads, each wish once
    teacher: str = "frozen"  # or "live" (the policy in training), or "averaged"
    objective: str = "tokens"  # or "top-k": KL over the student's top k, without a tail bin
    top_k: int = 4  # for that objective
    wrong_share: float = 0.0  # share of the hints that say the opposite
    max_new_tokens: int = 96  # of a response
    seed: int = 0  # of the requests, of the answers and of the wrong hints


def collect_answers(
    policy: nn.Module, developer: Developer, tokenizer: Any, settings: FeedbackSettings,
    rng: random.Random, prefix: str = "",
) -> list[Record]:  # fmt: skip
    """Let the policy respond to some requests, and the developer answer each response.

    Args:
        policy: Samples the responses, at temperature 1.
        developer: Who asks and answers.
        tokenizer: Of the policy.
        settings: How many requests and responses.
        rng: The developer's chance.
        prefix: Text in front of every conversation: notes.

    Returns:
        One dict per response, those of a group together: ``context`` (turns), ``response``,
        ``feedback`` (text), ``response_ids``, ``log_probs_old`` (lists), and for figures only
        ``is_corrected`` (the truth: did the developer have a complaint?).
    """
    tasks = [rng.choice(TASKS["train"]) for _ in range(settings.num_requests)]
    requests = [[{"role": "user", "content": developer.ask(rng, task)}] for task in tasks]
    pairs = [pair for pair in zip(tasks, requests, strict=True) for _ in range(settings.group_size)]
    contexts = [context for _, context in pairs]
    samples = sample_responses(policy, contexts, tokenizer, settings.max_new_tokens, prefix)
    return [
        {
            "context": context,
            "response": sample["response"],
            "feedback": developer.reply(rng, task, sample["response"]).text,
            "response_ids": sample["response_ids"],
            "log_probs_old": sample["log_probs"],
            "is_corrected": developer.complaint(task, sample["response"]) is not None,
        }
        for (task, context), sample in zip(pairs, samples, strict=True)
    ]


def spoil_hint(rng: random.Random, hint: str | None, wrong_share: float) -> str | None:
    """Let a hint say the opposite of what the developer meant, with some probability."""
    wish = WISH_OF_HINT.get(hint or "")
    if hint is None or wish is None or rng.random() >= wrong_share:
        return hint
    return HINTS[OPPOSITES[wish]][HINTS[wish].index(hint)]


def teacher_context(context: list[dict[str, str]], hint: str, earlier: list[str]) -> Any:
    """Write earlier hints and then the hint of this turn in front of a context.

    Args:
        context: Turns before the response.
        hint: The hint of this turn.
        earlier: Hints of earlier turns, oldest first.
    """
    for note in [*earlier, hint]:
        context = hinted_context(context, note)
    return context


class HintMemory:
    """The newest hint about each feature, oldest first: what was learnt about a developer."""

    def __init__(self, size: int):
        """Remember at most ``size`` hints."""
        self.size = size
        self.hints: dict[str, str] = {}

    def before(self, hint: str) -> list[str]:
        """List what is known besides a hint: nothing about its own feature."""
        feature = self.feature_of(hint)
        others = [text for about, text in self.hints.items() if about != feature]
        return others[-self.size :] if self.size else []

    def add(self, hint: str) -> None:
        """Remember a hint in the place of an older one about the same feature."""
        feature = self.feature_of(hint)
        self.hints.pop(feature, None)
        self.hints[feature] = hint

    @property
    def notes(self) -> list[str]:
        """List the hints, oldest first."""
        return list(self.hints.values())[-self.size :]

    def prefix(self) -> str:
        """Write the hints as a turn in front of a conversation, "" where there are none."""
        return f"\n\nHuman: {write_preferences(self.notes)}" if self.hints else ""

    @staticmethod
    def feature_of(hint: str) -> str:
        """Tell what a hint is about; a hint of unknown words is about itself."""
        return FEATURE_OF_WISH.get(WISH_OF_HINT.get(hint, ""), hint)


def encode_hinted(
    records: list[Record], hints: list[str | None], memory: HintMemory, tokenizer: Any,
    max_positions: int, device: torch.device,
) -> dict[str, torch.Tensor]:  # fmt: skip
    """Turn responses into one batch in which the contexts contain the hints.

    Args:
        records: What ``collect_answers`` returns.
        hints: One per record; None leaves the context as it is.
        memory: Earlier hints.
        tokenizer: Of the policy.
        max_positions: Of the teacher.
        device: Where the tensors go.

    Returns:
        A batch as ``encode_examples`` makes it. The responses are the very tokens of the
        records, in the same columns.

    Raises:
        ValueError: A hint with its context has more tokens than the teacher can read: cutting
            the context would cut the hint, which stands at its start.
    """
    sampled = [record["response_ids"] for record in records]
    longest = max(map(len, sampled), default=1)
    triples = [
        record if hint is None else
        {**record, "context": teacher_context(record["context"], hint, memory.before(hint))}
        for record, hint in zip(records, hints, strict=True)
    ]  # fmt: skip
    batch = encode_examples(
        triples, tokenizer, max_context=10**9, max_response=longest, device=device,
        response_ids=sampled,
    )  # fmt: skip
    if batch["input_ids"].shape[1] > max_positions:
        raise ValueError(
            f"hint: expected at most {max_positions} tokens with context and response, "
            f"got {batch['input_ids'].shape[1]}"
        )
    return batch


@dataclass(frozen=True)
class FeedbackRound:
    """One round, ready for the loss."""

    batch: dict[str, torch.Tensor]  # what the student read and wrote
    hinted: dict[str, torch.Tensor]  # what the teacher read; the same responses
    log_probs_old: torch.Tensor  # (batch, time)
    rewards: torch.Tensor  # (batch,) in {-1, 0, 1}; 0 is no opinion
    has_hint: torch.Tensor  # (batch,) 0 or 1, integers
    corrected: list[bool]  # the truth about the first response to each request

    @property
    def learned_lengths(self) -> torch.Tensor:
        """Give the lengths (batch,) that the loss sees: no hint and no opinion, no tokens."""
        has_signal = self.has_hint.bool() | (self.rewards != 0)
        return self.batch["response_lengths"] * has_signal.long()


def play_feedback_round(
    policy: nn.Module, judge: HintJudge, developer: Developer, tokenizer: Any,
    settings: FeedbackSettings, rng: random.Random, memory: HintMemory,
) -> FeedbackRound:  # fmt: skip
    """Collect answers, and let the judge read them."""
    device = next(policy.parameters()).device
    records = collect_answers(policy, developer, tokenizer, settings, rng)
    judgments = judge.judge([record["feedback"] for record in records])
    hints = [
        spoil_hint(rng, select_hint(judgment.votes), settings.wrong_share) for judgment in judgments
    ]
    batch, log_probs_old = encode_rollouts(records, tokenizer, device)
    positions = int(policy.max_positions)  # type: ignore[arg-type]
    hinted = encode_hinted(records, hints, memory, tokenizer, positions, device)
    for hint in hints:
        if hint is not None:
            memory.add(hint)
    rewards = torch.tensor([judgment.reward for judgment in judgments], device=device)
    has_hint = torch.tensor([int(hint is not None) for hint in hints], device=device)
    firsts = records[:: settings.group_size]
    corrected = [bool(record["is_corrected"]) for record in firsts]
    return FeedbackRound(batch, hinted, log_probs_old, rewards, has_hint, corrected)


def feedback_advantages(
    played: FeedbackRound, teacher: nn.Module, settings: FeedbackSettings
) -> torch.Tensor:
    """Join what the teacher and the rewards say of a round: (batch, time)."""
    with torch.no_grad():
        log_probs_teacher = response_log_probs(teacher, played.hinted)
    hinted_lengths = played.batch["response_lengths"] * played.has_hint
    tokens = distillation_advantages(
        log_probs_teacher, played.log_probs_old, hinted_lengths, settings.clip
    )
    weights = settings.weight_rl, settings.weight_distill
    return combined_advantages(tokens, played.rewards, settings.group_size, *weights)


def response_logits(policy: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits (batch, response time, vocab) that predict the tokens of the responses."""
    time = batch["response_ids"].shape[1]
    hidden = policy.features(batch["input_ids"], batch["attention_mask"])
    return policy.head(hidden[:, -time - 1 : -1])


def top_k_loss_without_tail(
    policy: nn.Module, teacher: nn.Module, played: FeedbackRound, top_k: int
) -> torch.Tensor:
    """Sum p log(p / q) over the student's top k alone: no divergence, shown because it fails."""
    student = response_logits(policy, played.batch).log_softmax(dim=-1)
    with torch.no_grad():
        goal = response_logits(teacher, played.hinted).log_softmax(dim=-1)
    top, places = student.topk(top_k, dim=-1)
    sums = (top.exp() * (top - goal.gather(-1, places))).sum(dim=-1)
    lengths = played.batch["response_lengths"] * played.has_hint
    mask = response_mask(lengths, sums.shape[1])
    return (sums * mask).sum() / mask.sum().clamp(min=1)


def learn_round(
    policy: nn.Module, teacher: nn.Module, optimizer: torch.optim.Optimizer,
    played: FeedbackRound, settings: FeedbackSettings,
) -> None:  # fmt: skip
    """Take the steps of one round."""
    advantages = feedback_advantages(played, teacher, settings)
    for _ in range(settings.num_epochs):
        if settings.objective == "top-k":
            loss = top_k_loss_without_tail(policy, teacher, played, settings.top_k)
        else:
            loss = distillation_loss(
                response_log_probs(policy, played.batch), played.log_probs_old, advantages,
                played.learned_lengths,
            )  # fmt: skip
        take_step(optimizer, policy, loss)


def choose_teacher(
    name: str, policy: nn.Module, reference: nn.Module, averaged: nn.Module
) -> nn.Module:
    """Choose who reads the hints.

    Raises:
        ValueError: The name is unknown.
    """
    teachers = {"frozen": reference, "live": policy, "averaged": averaged}
    if name not in teachers:
        raise ValueError(f"teacher: expected one of {list(teachers)}, got {name!r}")
    return teachers[name]


def train_from_feedback(
    policy: nn.Module,
    reference: nn.Module,
    judge: HintJudge,
    developer: Developer,
    tokenizer: Any,
    *,
    look: Callable[[nn.Module], float] | None = None,
    look_every: int = 5,
    **settings: Any,
) -> dict[str, list[Any]]:
    """Train a policy for one developer on what they answer, and count the answers.

    The policy ends with a running mean of its weights (each round 0.2 of the new ones), which
    depends less on the last few answers; ``look`` sees that mean, too.

    Args:
        policy: The model that is trained; nothing else changes.
        reference: The deployed model, frozen: the teacher, once it has read a hint.
        judge: Reads the answers.
        developer: Who asks and answers; the judge does not know the wishes.
        tokenizer: Of the policy.
        look: Measures the averaged policy, such as a share of satisfied requests; None: no look.
        look_every: Rounds between two looks.
        settings: Fields of ``FeedbackSettings``.

    Returns:
        ``answers`` and ``looks`` (the developer's answers consumed before each look, and what it
        returned); ``corrected`` (one boolean per request, in order: did its first response need a
        correction, in truth?); per round ``hint_share`` and ``mean_rewards`` (of the responses).
    """
    chosen = FeedbackSettings(**settings)
    rng, memory = random.Random(f"feedback {chosen.seed}"), HintMemory(chosen.num_notes)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=chosen.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, chosen.num_rounds)
    averaged = copy.deepcopy(policy).eval().requires_grad_(False)
    teacher = choose_teacher(chosen.teacher, policy, reference, averaged)
    history: dict[str, list[Any]] = {
        name: [] for name in ("answers", "looks", "corrected", "hint_share", "mean_rewards")
    }
    for number in tqdm(range(chosen.num_rounds), desc=f"feedback, {developer.name}"):
        if look and number % look_every == 0:
            history["answers"].append(number * chosen.num_requests * chosen.group_size)
            history["looks"].append(look(averaged))
        played = play_feedback_round(policy, judge, developer, tokenizer, chosen, rng, memory)
        learn_round(policy, teacher, optimizer, played, chosen)
        schedule.step()
        with torch.no_grad():
            for mean, new in zip(averaged.parameters(), policy.parameters(), strict=True):
                mean.lerp_(new, 0.2)
        history["corrected"] += played.corrected
        history["hint_share"].append(played.has_hint.float().mean().item())
        history["mean_rewards"].append(played.rewards.mean().item())
    policy.load_state_dict(averaged.state_dict())
    policy.eval()
    if look:
        history["answers"].append(chosen.num_rounds * chosen.num_requests * chosen.group_size)
        history["looks"].append(look(policy))
    return history


def play_with_notes(
    reference: nn.Module,
    judge: HintJudge,
    developer: Developer,
    tokenizer: Any,
    num_sessions: int = 40,
    look: Callable[[list[str]], float] | None = None,
    seed: int = 0,
) -> dict[str, list[Any]]:
    """Train nothing, and keep the hints as notes in front of each request: prompt injection.

    Args:
        reference: The deployed model.
        judge: Reads the answers.
        developer: Asks once per session, and answers the one response.
        tokenizer: Of the model.
        num_sessions: Sessions, one after another.
        look: Measures the model with the notes so far; it is called after 0, 1, 2, 4, 8, ...
            sessions and after the last one.
        seed: Seed of the requests and answers.

    Returns:
        ``answers``, ``looks`` and ``corrected`` as ``train_from_feedback`` has them, and ``notes``,
        the notes after the last session.
    """
    rng, memory = random.Random(f"feedback {seed}"), HintMemory(10)
    settings = FeedbackSettings(num_requests=1, group_size=1)
    history: dict[str, list[Any]] = {
        name: [] for name in ("answers", "looks", "corrected", "notes")
    }
    for number in range(num_sessions + 1):
        if look and (number == num_sessions or number & (number - 1) == 0):
            history["answers"].append(number)
            history["looks"].append(look(memory.notes))
        if number < num_sessions:
            prefix = memory.prefix()
            (record,) = collect_answers(reference, developer, tokenizer, settings, rng, prefix)
            (judgment,) = judge.judge([record["feedback"]])
            if hint := select_hint(judgment.votes):
                memory.add(hint)
            history["corrected"].append(bool(record["is_corrected"]))
    history["notes"] = memory.notes
    return history
