"""Train the deployed model: the one that writes the logged responses, and follows notes.

The notebook loads its weights and its tokenizer from ``ready_made/``; ``make deployed-model``
writes them, in about forty minutes on one core. Following a note takes far more steps than writing
code: the loss hardly shows it, and one wish after the other is understood.
"""

import argparse
import random
import time
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from tqdm import tqdm

from authoring.assignment import NEXACODE
from authoring.muon import Muon
from authoring.write_ready_made import half, pin
from nexa_helpers.conversations import parse_conversation
from nexa_helpers.data import train_tokenizer
from nexa_helpers.developers import NOTES_HEADER, simulate_conversations
from nexa_helpers.policy import IGNORED, SimplePolicy, encode_conversations, pad_conversations
from nexa_helpers.runtime import set_seed

BATCH_SIZE, MAX_TOKENS = 16, 224
SHORT = 0.8  # of the sessions with notes end after one response: more notes are read per second


def shorten(rng: random.Random, turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """Keep of most sessions with notes only the notes, the first request and its response."""
    has_notes = turns[0]["content"].startswith(NOTES_HEADER)
    return turns[:3] if has_notes and rng.random() < SHORT else turns


def make_batches(rows: list[dict[str, Any]], tokenizer: Any) -> list[list[tuple[Any, Any]]]:
    """Encode the conversations, and put those of like length into one batch."""
    rng = random.Random(7)
    turns = [shorten(rng, parse_conversation(row["chosen"])) for row in rows]
    encoded = [
        pair
        for pair in encode_conversations(turns, tokenizer, MAX_TOKENS)
        if set(pair[1]) - {IGNORED}
    ]
    encoded.sort(key=lambda pair: len(pair[0]))
    return [encoded[i : i + BATCH_SIZE] for i in range(0, len(encoded), BATCH_SIZE)]


class Phase(NamedTuple):
    """A part of the training, with optimizers of its own."""

    num_steps: int
    lr: float  # of AdamW; Muon's is set beside it
    lr_muon: float
    rise: float  # share of the steps in which the rate rises
    fall: float  # share of the steps in which it falls, at the end
    seed: int  # of the draws


# Notes are hardly followed until the rate falls; the second phase does most of the work.
PHASES = (
    Phase(9000, lr=6e-3, lr_muon=0.02, rise=0.05, fall=0.5, seed=42),
    Phase(3000, lr=3e-3, lr_muon=0.01, rise=0.02, fall=1.0, seed=43),
)


def make_optimizers(policy: nn.Module, phase: Phase) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for everything else."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in policy.named_parameters():
        is_matrix = parameter.ndim == 2 and "blocks" in name
        (matrices if is_matrix else others).append(parameter)
    adam = torch.optim.AdamW(others, lr=phase.lr, betas=(0.9, 0.98), weight_decay=0.01)
    return [Muon(matrices, lr=phase.lr_muon), adam]


def rate_at(step: int, phase: Phase) -> float:
    """The learning rate's factor: it rises, stays at 1, and falls in a line to almost 0."""
    rise = phase.rise * phase.num_steps
    if step < rise:
        return max(min(1.0, (step + 1) / rise), 0.002)
    return max(min(1.0, (1 - step / phase.num_steps) / phase.fall), 0.002)


def train(policy: SimplePolicy, batches: list[Any], tokenizer: Any, phase: Phase) -> float:
    """Train the model for one phase to write the assistant's turns.

    Returns:
        The mean loss of the last hundred steps, in nats per token.
    """
    rng, losses = random.Random(phase.seed), []
    optimizers = make_optimizers(policy, phase)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda step: rate_at(step, phase))
        for one in optimizers
    ]
    for _ in tqdm(range(phase.num_steps), desc="deployed model"):
        batch = pad_conversations(rng.choice(batches), tokenizer)
        hidden = policy.features(batch["input_ids"], batch["attention_mask"])
        scored = batch["target_ids"] != IGNORED
        loss = F.cross_entropy(policy.head(hidden[scored]), batch["target_ids"][scored])
        policy.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        losses.append(loss.item())
    return sum(losses[-100:]) / len(losses[-100:])


def main() -> None:
    """Train, and write the weights and the tokenizer into ``ready_made/``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=40_000)
    options = parser.parse_args()
    torch.set_num_threads(1)  # the last digits depend on it
    started, seed = time.monotonic(), NEXACODE.seed
    rows = simulate_conversations(options.rows, seed)
    tokenizer = train_tokenizer([row["chosen"] for row in rows[:5000]])
    set_seed(seed)
    policy = SimplePolicy(len(tokenizer))
    batches = make_batches(rows, tokenizer)
    loss = [train(policy, batches, tokenizer, phase) for phase in PHASES][-1]
    folder = NEXACODE.ready_made
    save_file(half(policy), folder / "deployed.safetensors")
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    pin(NEXACODE)
    print(f"{folder}: {loss:.4f} nats per token, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
