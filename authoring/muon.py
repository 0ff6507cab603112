"""Muon, an optimizer for matrices: the momentum is made orthogonal before the step.

After Keller Jordan's post of December 2024 (kellerjordan.github.io/posts/muon), with the five
Newton-Schulz steps and the coefficients given there. It differs from ``torch.optim.Muon`` in one
thing: the three matrices that attention keeps in one tensor are treated one by one.
"""

from collections.abc import Iterable
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrix: torch.Tensor, num_steps: int = 5) -> torch.Tensor:
    """Bring all singular values of a matrix near 1 and keep its singular vectors."""
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-7)
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    for _ in range(num_steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if is_tall else x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for two-dimensional parameters."""

    def __init__(
        self, matrices: Iterable[torch.Tensor], lr: float = 0.02, momentum: float = 0.95,
        weight_decay: float = 0.01,
    ):  # fmt: skip
        """Take the matrices; one with three times as many rows as columns is three of them."""
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step for every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                memory = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                memory.lerp_(matrix.grad, 1 - group["momentum"])
                update = matrix.grad.lerp(memory, group["momentum"])
                rows, columns = matrix.shape
                parts = update.chunk(3) if rows == 3 * columns else (update,)
                scale = max(1, rows / columns) ** 0.5 if len(parts) == 1 else 1.0
                update = torch.cat([orthogonalize(part) for part in parts])
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-group["lr"] * scale)
