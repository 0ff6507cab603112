"""What is specific to the ready-made results of the assignment on distillation.

``python -m authoring.distillation_results`` copies the deployed model and its tokenizer from the
first assignment's ready-made files: the notebook needs them before it can be executed.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from authoring.assignment import DISTILLATION, NEXACODE, Assignment
from authoring.write_ready_made import pin
from nexa_helpers.given import distillation_files
from nexa_helpers.learning_speed import informative_share, sessions_until_stable

PINS = Path(distillation_files.__file__)  # the module with the SHA-256 of each file


def results_of(notebook: dict[str, Any]) -> dict[str, Any]:
    """Collect the numbers that the notebook shows.

    Args:
        notebook: The variables of an executed notebook, full profile.
    """
    histories = {", ".join(key): value for key, value in notebook["histories"].items()}
    rates = np.linspace(0, 1, 201)
    return {
        "informative": {str(n): informative_share(rates, n).tolist() for n in (4, 8, 16)},
        "heat_map": [notebook["shown_tokens"], notebook["shown_advantages"]],
        "divergences": notebook["found_divergences"],
        "histories": histories,
        "stable": {key: sessions_until_stable(h["corrected"]) for key, h in histories.items()},
        "failures": notebook["failures"],
    }


def collect(
    notebook: dict[str, Any], seed: int
) -> tuple[dict[str, dict[str, nn.Module]], dict[str, Any]]:
    """Collect what a stuck student can load, beside what ``copy_deployed`` has copied.

    Args:
        notebook: The variables of an executed notebook, full profile, ``RUN_FAILURES`` on.
        seed: The notebook's seed.

    Returns:
        Models by file name and part ("" for the only one), and JSON data by file name.
    """
    return {}, {"results.json": results_of(notebook)}


def copy_deployed(source: Assignment, target: Assignment) -> None:
    """Copy the deployed model and its tokenizer from one assignment's files to another's."""
    target.ready_made.mkdir(parents=True, exist_ok=True)
    for name in ("deployed.safetensors", "tokenizer.json"):
        shutil.copy(source.ready_made / name, target.ready_made)
    results = target.ready_made / "results.json"
    if not results.exists():  # the first execution finds no results yet
        results.write_text(json.dumps({"failures": {}}))
    pin(target)


if __name__ == "__main__":
    copy_deployed(NEXACODE, DISTILLATION)
