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
