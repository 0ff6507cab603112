"""Assignment real_model, section 8: what an adapter learned, and what it lost."""

import hashlib
import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel

from nexa_helpers.adapter_training import load_adapter
from nexa_helpers.chat import Batch, chunked_log_probs, rows_of, to_device
from nexa_helpers.code_answers import DEVELOPERS, WISHES, read_answer

Outcomes = dict[str, list[bool]]


def judge_answers(texts: list[str]) -> Outcomes:
    """Read answers, and tell for each wish which of them meet it.

    Returns:
        A list of booleans for each wish, for ``"function"`` (there is one that parses), and for
        each developer (all wishes met).
    """
    read = [read_answer(text) for text in texts]
    found: Outcomes = {wish: [met(seen) for seen in read] for wish, met in WISHES.items()}
    found["function"] = [bool(seen["function"]) for seen in read]
    for name, wishes in DEVELOPERS.items():
        columns = [found[wish] for wish in wishes]
        found[name] = [all(row) for row in zip(*columns, strict=True)]
    return found


def mean_log_probs(model: Any, batch: Batch, at_once: int = 8) -> list[float]:
    """Score each response: its mean log-prob per token, without gradients."""
    means: list[float] = []
    for start in range(0, len(batch["input_ids"]), at_once):
        part = to_device(rows_of(batch, slice(start, start + at_once)), model.device)
        with torch.no_grad():
            sums = chunked_log_probs(model, part).sum(dim=1)
        means += (sums / part["response_mask"].sum(dim=1)).tolist()
    return means


def shares_table(outcomes: dict[str, Outcomes]) -> str:
    """Write the share of answers that meet each wish, a row per model."""
    columns = ("function", *WISHES, *DEVELOPERS)
    lines = [f"{'':22}" + "".join(f"{name:>12}" for name in columns)]
    for model, found in outcomes.items():
        lines.append(f"{model:22}" + "".join(f"{np.mean(found[name]):12.2f}" for name in columns))
    return "\n".join(lines)


READY_MADE_URL = ""  # the address of the folder ready_made/, where your course publishes one
ADAPTER_FILES: dict[str, str] = {
    "ada/adapter_config.json": ("a2b152ab7f301ff631663a70fbc47399c4622938853c7f92cd52e856dbf3f575"),
    "ada/adapter_model.safetensors": (
        "dce477d853335da859590ba29fc105b8d6212a2f732461be1af1fc7673a5ef45"
    ),
    "boris/adapter_config.json": (
        "ea2fa875030d9b1d1f69a8e93eef91f3e52f1d01ce35f3b756075d059aab8b79"
    ),
    "boris/adapter_model.safetensors": (
        "a3cf0113c892d0b17a0bcdafaf388dbd3d6066d00a1917615043aea7b339c1ad"
    ),
    "chen/adapter_config.json": (
        "865aff5b69b71bf9c6c12710ea5b7d669ad1de04a76fbdf448404f320b4b3001"
    ),
    "chen/adapter_model.safetensors": (
        "591056752dc0edfe2ccd4822e50d347df6c8fd1c766b019f980b0a28613dabe7"
    ),
    "results.json": ("298d29423d5326c284771c10c7587370dfe376f7c66a38c66e5b5dda2c7d98fb"),
}


def find_adapter_file(name: str, folder: Path = Path("ready_made")) -> Path:
    """Find a ready-made file beside the notebook, else download it.

    Args:
        name: One of ``ADAPTER_FILES``, for example ``"ada/adapter_model.safetensors"``.
        folder: Where the files are, or go.

    Returns:
        The path of a file with the expected SHA-256.

    Raises:
        FileNotFoundError: There is no file, and no address is known or it gives none.
        ValueError: The file is not the expected one.
    """
    path = folder / name
    url = os.environ.get("NEXA_READY_MADE_URL") or READY_MADE_URL
    if path.exists():
        content = path.read_bytes()
    elif not url or name not in ADAPTER_FILES:
        raise FileNotFoundError(f"{path}: put your course's folder {folder}/ beside this notebook")
    else:
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/{name}", timeout=30) as response:
                content = response.read()
        except (OSError, ValueError) as error:
            raise FileNotFoundError(f"{path} is missing, and {url}: {error}") from error
    expected, found = ADAPTER_FILES.get(name, ""), hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ValueError(f"{name}: expected SHA-256 {expected[:12]}..., got {found[:12]}...")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def find_adapter(developer: str) -> Path | None:
    """Find the folder of a developer's ready-made adapter; None where the course has none."""
    try:
        for file in ("adapter_config.json", "adapter_model.safetensors"):
            path = find_adapter_file(f"{developer}/{file}")
    except FileNotFoundError as error:
        print(error)
        return None
    return path.parent


@contextmanager
def ready_made_adapter(model: Any, developer: str) -> Iterator[PeftModel | None]:
    """Put a developer's ready-made adapter on a model, and take it off again.

    Args:
        model: The frozen base.
        developer: One of ``DEVELOPERS``.

    Yields:
        PEFT's model; None, with a message, where there is no such adapter or it does not fit.
    """
    folder, adapted = find_adapter(developer), None
    try:
        adapted = load_adapter(model, folder) if folder else None
    except ValueError as error:
        print(f"Left out. {error}")
    try:
        yield adapted
    finally:
        if adapted is not None:
            adapted.unload()


def load_results() -> dict[str, Any]:
    """Read what was measured when the ready-made adapters were trained; {} where there is none."""
    try:
        return dict(json.loads(find_adapter_file("results.json").read_text()))
    except FileNotFoundError as error:
        print(error)
        return {}
