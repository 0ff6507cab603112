"""Setup: seeds, the device, and the versions that a report should name."""

import platform
import random

import matplotlib
import numpy as np
import torch
import transformers


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and torch's global generators (all devices)."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device(name: str = "auto") -> torch.device:
    """Choose where the models run.

    Args:
        name: ``"auto"`` (an NVIDIA GPU if there is one), ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns:
        The device.

    Raises:
        ValueError: The name is unknown, or a GPU is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda", "mps"):
        raise ValueError(f"DEVICE: expected 'auto', 'cpu', 'cuda' or 'mps', got {name!r}")
    is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not is_there.get(name, True):
        raise ValueError(f"DEVICE: {name!r} was asked for, but torch sees no GPU here")
    return torch.device(name)


def describe_runtime(device: torch.device) -> str:
    """Name the device and the versions that the numbers below depend on."""
    lines = [
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}, matplotlib {matplotlib.__version__}",
        f"Device: {device}",
    ]
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        lines.append(f"GPU: {gpu.name}, {gpu.total_memory / 1e9:.1f} GB")
    return "\n".join(lines)
