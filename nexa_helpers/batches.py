"""Sections 4 and 5, given: rows of token ids become one tensor, and a model takes one step.

What is left out: templates and truncation, which belong to the two encoders (`encode_feedback` for
the PRM, `encode_examples` for the policy).
"""

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence


def pad_rows(
    rows: list[list[int]], padding: int, side: str = "right"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad rows of ids to the longest one.

    Args:
        rows: Token ids, at least one row.
        padding: The id that fills the padding.
        side: ``"right"`` or ``"left"``: where the padding stands.

    Returns:
        The ids, and a mask with 1 for real tokens and 0 for padding: integers (batch, time).
    """
    tensors = [torch.tensor(row, dtype=torch.long) for row in rows]
    real = [torch.ones_like(tensor) for tensor in tensors]
    ids = pad_sequence(tensors, batch_first=True, padding_value=padding, padding_side=side)
    return ids, pad_sequence(real, batch_first=True, padding_side=side)


def take_step(optimizer: torch.optim.Optimizer, model: nn.Module, loss: torch.Tensor) -> None:
    """Take one training step on a loss, with a gradient norm of at most 1.0.

    Args:
        optimizer: Of the model's parameters.
        model: The model that is trained.
        loss: A scalar that depends on the model.
    """
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def one_cycle(
    optimizer: torch.optim.Optimizer, lr: float, num_steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    """Let the learning rate rise for a tenth of the steps, then fall to 0.

    Args:
        optimizer: Of any parameters.
        lr: The highest learning rate.
        num_steps: All steps; the schedule steps once after each.
    """
    # torch divides by zero where the rise ends with the first step: at least one and a half
    rise = max(0.1, 1.5 / max(num_steps, 2))
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps, pct_start=rise)
