"""Write the ready-made results that a stuck student can load, from an executed notebook.

``make solutions`` executes the solved notebook with one more cell, which calls ``save`` with the
notebook's variables. So the files contain what ``solutions/`` shows. Which results these are is
said by the assignment's own module (``Assignment.results``).
"""

import hashlib
import importlib
import json
import lzma
import re
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from authoring.assignment import Assignment


def half(model: nn.Module, part: str = "") -> dict[str, torch.Tensor]:
    """Collect a model's weights in half precision; weights that are shared are kept once."""
    prefix = f"{part}." if part else ""
    return {
        prefix + name: tensor.detach().cpu().half() for name, tensor in model.named_parameters()
    }


def save(assignment: Assignment, notebook: dict[str, Any]) -> None:
    """Write every ready-made file of an assignment.

    Args:
        assignment: Its module ``results`` says what is collected.
        notebook: The variables of an executed notebook, full profile.
    """
    models, tables = importlib.import_module(assignment.results).collect(notebook, assignment.seed)
    folder = assignment.ready_made
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in models.items():
        weights = {key: x for part, model in parts.items() for key, x in half(model, part).items()}
        save_file(weights, folder / name)
    for name, table in tables.items():
        content = json.dumps(table, ensure_ascii=False).encode()
        if name.endswith(".xz"):  # half as large as .gz: the tables repeat each other
            content = lzma.compress(content, preset=9)
        (folder / name).write_bytes(content)


def pin(assignment: Assignment) -> None:
    """Write the files' SHA-256 into the module that checks them."""
    pins = importlib.import_module(assignment.results).PINS
    code = pins.read_text()
    for path in sorted(assignment.ready_made.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        code = re.sub(rf'("{re.escape(path.name)}": )"[0-9a-f]*"', rf'\1"{digest}"', code)
    pins.write_text(code)
