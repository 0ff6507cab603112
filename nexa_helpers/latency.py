"""Section 8: how long one forward pass takes, at several lengths."""

import time
from typing import Any

import numpy as np
import torch
from torch import nn


def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],  # noqa: B006
) -> dict[str, dict[str, float]]:
    """Measure the latency of a forward pass with one row of random tokens.

    At least one pass at each length warms up first and is not counted. On a GPU the
    clock waits for the device before and after each pass. The model's mode is put back
    at the end.

    Args:
        model: The policy.
        tokenizer: Its length is the number of token ids.
        num_samples: Passes per length, at least 2.
        seq_lengths: Lengths in tokens.

    Returns:
        For each length (as a string) ``p50``, ``p95`` and ``p99`` in milliseconds,
        percentiles with linear interpolation.
    """
    if num_samples < 1:
        raise ValueError(f"num_samples: expected 1 or more, got {num_samples}")
    device = next(model.parameters()).device

    def wait_for_device() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    was_training = model.training
    model.eval()
    results = {}
    with torch.inference_mode():
        for length in seq_lengths:
            input_ids = torch.randint(len(tokenizer), (1, length), device=device)
            for _ in range(3):
                model(input_ids)
            milliseconds = []
            for _ in range(num_samples):
                wait_for_device()
                start = time.perf_counter()
                model(input_ids)
                wait_for_device()
                milliseconds.append((time.perf_counter() - start) * 1000)
            p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
            results[str(length)] = {"p50": float(p50), "p95": float(p95), "p99": float(p99)}
    model.train(was_training)
    return results
