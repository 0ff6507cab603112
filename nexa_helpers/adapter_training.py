"""Assignment real_model, sections 6 and 8: a LoRA adapter, trained with hints, rewards, or both."""

import json
import random
import struct
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn.utils import clip_grad_norm_
from tqdm import tqdm

from nexa_helpers.adapter_plans import LINEAR_LAYERS
from nexa_helpers.chat import (
    Batch,
    chunked_reverse_kl,
    encode_chat,
    response_states,
    rows_of,
    sample_answers,
    to_device,
)
from nexa_helpers.code_answers import developer_reward
from nexa_helpers.coding_requests import code_request, draw_goals


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one adapter's training.

    ``weight_hint`` and ``weight_reward`` of 0.0 leave a signal out. ``answers_at_once`` bounds the
    memory: gradients of that many answers are added up. The learning rate falls to a tenth. Without
    ``frozen_teacher`` the model in training is its own teacher, which is a trap.
    """

    updates: int = 16
    requests: int = 4
    group_size: int = 4
    max_tokens: int = 96
    temperature: float = 0.7
    learning_rate: float = 6e-4
    weight_hint: float = 1.0
    weight_reward: float = 0.1
    answers_at_once: int = 4
    rank: int = 4
    seed: int = 0
    frozen_teacher: bool = True


def new_adapter(model: Any, rank: int = 4, seed: int = 0) -> PeftModel:
    """Put a LoRA adapter on all linear layers; at first it changes nothing.

    Args:
        model: The frozen base; it is changed, ``unload()`` of the result gives it back.
        rank: Of the two matrices.
        seed: Of their start.

    Returns:
        PEFT's model; only the adapter's weights, in float32, ask for gradients.
    """
    torch.manual_seed(seed)
    config = LoraConfig(
        r=rank, lora_alpha=4 * rank, target_modules=list(LINEAR_LAYERS), task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT asks transformers for names that get old
        adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    return adapted


def read_adapter_shapes(path: Path) -> dict[str, list[int]]:
    """Read the shapes in a safetensors file from its header alone.

    Raises:
        ValueError: The file is missing, truncated, or not a safetensors file.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(size, 10_000_000)))
        return {name: row["shape"] for name, row in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ValueError(f"{path}: expected a safetensors file, got {error!r:.90}") from None


def load_adapter(model: Any, folder: Path) -> PeftModel:
    """Load an adapter that PEFT wrote, after a look at whether it fits the model.

    Args:
        model: The frozen base.
        folder: With ``adapter_config.json`` and ``adapter_model.safetensors``; pickled weights
            are never loaded.

    Returns:
        PEFT's model in eval mode.

    Raises:
        ValueError: A file is missing or broken, or the adapter was made for another model.
    """
    shapes = read_adapter_shapes(folder / "adapter_model.safetensors")
    layers = {name: module for name, module in model.named_modules() if hasattr(module, "weight")}
    for name, shape in shapes.items():
        part, _, kind = name.removeprefix("base_model.model.").rpartition(".lora_")
        wanted = layers[part].weight.shape[kind.startswith("A")] if part in layers else None
        if wanted != shape[1 if kind.startswith("A") else 0]:
            raise ValueError(
                f"{folder}: made for another model: {name} is {shape}, not of {wanted}"
            )
    if not (folder / "adapter_config.json").exists():
        raise ValueError(f"{folder}: expected adapter_config.json, found none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in new_adapter
        return PeftModel.from_pretrained(model, folder).eval()


def save_adapter(model: PeftModel, folder: Path) -> int:
    """Save an adapter in PEFT's own format, float16 safetensors.

    Returns:
        The bytes of the weights.
    """
    kept = {name: p.data for name, p in model.named_parameters() if "lora_" in name}
    for parameter in (p for name, p in model.named_parameters() if name in kept):
        parameter.data = parameter.data.half()
    model.save_pretrained(str(folder), save_embedding_layers=False)
    for name, parameter in model.named_parameters():
        if name in kept:
            parameter.data = kept[name]
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    return (folder / "adapter_model.safetensors").stat().st_size


def group_advantages(rewards: torch.Tensor, group_size: int) -> torch.Tensor:
    """Compare each reward with its group: minus the mean, over the standard deviation (GRPO)."""
    groups = rewards.view(-1, group_size)
    spread = groups.std(dim=1, keepdim=True) if group_size > 1 else torch.zeros(len(groups), 1)
    centered = groups - groups.mean(dim=1, keepdim=True)
    return (centered / (spread + 1e-4)).flatten()


def hinted_batch(goals: list[str], wishes: tuple[str, ...], batch: Batch, tokenizer: Any) -> Batch:
    """Put the same responses behind prompts that have the hints: what the teacher reads."""
    prompts = encode_chat([code_request(goal, wishes) for goal in goals], tokenizer)
    start = batch["prompt_width"]
    parts = ("input_ids", "attention_mask", "response_mask")
    joined = {name: torch.cat([prompts[name], batch[name][:, start:]], dim=1) for name in parts}
    return joined | {"prompt_width": prompts["prompt_width"]}


def token_advantages(advantages: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Repeat each response's advantage for each of its tokens, (N,) like ``response_states``."""
    return advantages.repeat_interleave(batch["response_mask"].sum(dim=1))


def adapter_loss(
    kl: torch.Tensor, log_probs: torch.Tensor, advantages: torch.Tensor,
    settings: TrainingSettings, tokens: int,
) -> torch.Tensor:  # fmt: skip
    """Weigh hint and reward, token by token.

    With one step per batch the policy is compared with itself: the ratio is 1, and the clipped
    surrogate is ``exp(log_prob - log_prob.detach()) * A``. Its value is A, its gradient that of
    ``A * log_prob``. (Answers are drawn at a lower temperature; no ratio corrects for that.)

    Args:
        kl: (N,) exact reverse KL to the hinted teacher.
        log_probs: (N,) of the sampled tokens.
        advantages: (N,) of their answers.
        settings: The two weights.
        tokens: Response tokens of the whole batch, of which these may be a part.
    """
    surrogate = torch.exp(log_probs - log_probs.detach()) * advantages
    return (settings.weight_hint * kl - settings.weight_reward * surrogate).sum() / tokens


def update_adapter(
    model: PeftModel, optimizer: torch.optim.Optimizer, tokenizer: Any, goals: list[str],
    wishes: tuple[str, ...], settings: TrainingSettings,
) -> dict[str, float]:  # fmt: skip
    """Do one update: sample, judge, compare with the hinted teacher, step.

    Returns:
        ``reward`` (mean), ``kl`` (mean per token), ``tokens`` and ``ended`` (share of answers that
        have their end token).
    """
    asked = [goal for goal in goals for _ in range(settings.group_size)]
    prompts = encode_chat([code_request(goal) for goal in asked], tokenizer)
    batch, texts = sample_answers(
        model, tokenizer, prompts, settings.max_tokens, settings.temperature
    )
    rewards = torch.tensor(developer_reward([""] * len(texts), texts, wishes=[wishes] * len(texts)))
    advantages = group_advantages(rewards, settings.group_size)
    teacher = hinted_batch(asked, wishes, batch, tokenizer)
    tokens, total_kl = int(batch["response_mask"].sum()), 0.0
    optimizer.zero_grad()
    for start in range(0, len(asked), settings.answers_at_once):
        rows = slice(start, start + settings.answers_at_once)
        part = to_device(rows_of(batch, rows), model.device)
        base = model.disable_adapter() if settings.frozen_teacher else nullcontext()
        with torch.no_grad(), base:
            states, _ = response_states(model, to_device(rows_of(teacher, rows), model.device))
        kl, log_probs = chunked_reverse_kl(model, part, states)
        weights = token_advantages(advantages[rows].to(model.device), part)
        adapter_loss(kl, log_probs, weights, settings, tokens).backward()
        total_kl += float(kl.detach().sum())
    clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()
    ends = (batch["input_ids"] == tokenizer.eos_token_id) & batch["response_mask"]
    return {
        "reward": float(rewards.mean()), "kl": total_kl / tokens, "tokens": float(tokens),
        "ended": float(ends.any(dim=1).float().mean()),
    }  # fmt: skip


def make_optimizer(model: PeftModel, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Make AdamW for the adapter's weights."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(wanted, lr=settings.learning_rate, weight_decay=0.0)


def train_adapter(
    model: PeftModel, tokenizer: Any, wishes: tuple[str, ...], settings: TrainingSettings,
    optimizer: torch.optim.Optimizer | None = None, first: int = 0,
    after_update: Callable[[int, dict[str, float]], None] | None = None,
) -> list[dict[str, float]]:  # fmt: skip
    """Train an adapter for one developer.

    Args:
        model: From ``new_adapter``; its adapter is changed.
        tokenizer: The model's.
        wishes: The developer's.
        settings: See there.
        optimizer: To go on with; None makes a new one.
        first: The update to begin with; each update has a seed of its own, so a run that is
            stopped and taken up again draws what it would have drawn.
        after_update: Called with the number of the update and its row.

    Returns:
        One row per update, see ``update_adapter``.
    """
    optimizer = optimizer or make_optimizer(model, settings)
    rows = []
    bar = tqdm(range(first, settings.updates), initial=first, total=settings.updates, desc="update")
    for number in bar:
        torch.manual_seed(settings.seed * 1000 + number)
        goals = draw_goals(settings.requests, random.Random(settings.seed * 1000 + number))
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - 0.9 * number / settings.updates)
        rows.append(update_adapter(model, optimizer, tokenizer, goals, wishes, settings))
        bar.set_postfix({name: f"{value:.2f}" for name, value in rows[-1].items()})
        if after_update:
            after_update(number, rows[-1])
    return rows


def answer_requests(
    model: Any, tokenizer: Any, requests: list[list[dict[str, str]]], seed: int = 0,
    max_tokens: int = 96, temperature: float = 0.7, at_once: int = 32,
) -> list[str]:  # fmt: skip
    """Let a model answer many requests, some at once; the same seed for every model."""
    texts: list[str] = []
    for start in tqdm(range(0, len(requests), at_once), desc="answers"):
        torch.manual_seed(seed + start)
        prompts = encode_chat(requests[start : start + at_once], tokenizer)
        texts += sample_answers(model, tokenizer, prompts, max_tokens, temperature)[1]
    return texts


def grpo_settings(settings: TrainingSettings) -> dict[str, Any]:
    """Say this course's settings in TRL's words: arguments of ``GRPOConfig``.

    The three letters of the first assignment's TCR: "bnpo" divides by the tokens of the batch
    (token-level loss, T); ``epsilon_high`` is the higher clip (C; with one step per batch the
    ratio is 1, and no clip acts); ``mask_truncated_completions`` and an overlong reward shape what
    is cut (R; off here, since most first answers are cut at ``max_tokens``).
    """
    return {
        "num_generations": settings.group_size,
        "per_device_train_batch_size": settings.requests * settings.group_size,
        "gradient_accumulation_steps": 1,
        "num_iterations": 1,
        "max_completion_length": settings.max_tokens,
        "temperature": settings.temperature,
        "top_k": 0,
        "loss_type": "bnpo",
        "epsilon": 0.2,
        "epsilon_high": 0.28,
        "beta": 0.0,
        "scale_rewards": "group",
        "mask_truncated_completions": False,
        "max_steps": settings.updates,
        "learning_rate": settings.learning_rate,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "bf16": False,
        "gradient_checkpointing": False,
        "seed": settings.seed,
    }
