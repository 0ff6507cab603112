"""What all benchmarks share: figures, the machine, the result file, the printed table."""

import ast
import functools
import json
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerFast

from authoring.assignment import NEXACODE, Assignment
from nexa_helpers.data import make_tokenizer
from nexa_helpers.policy import SimplePolicy
from nexa_helpers.training import frozen_copy

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured number: what, how much, in which unit, and the goal where there is one."""

    name: str
    value: float
    unit: str
    goal: str = ""
    met: bool | None = None


def processor() -> str:
    """Name the processor, as the system does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")


def machine() -> dict[str, Any]:
    """Describe the machine and the versions that a figure depends on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory": f"{memory:.0f} GiB",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
    }


@functools.cache
def commit() -> str:
    """Name the commit that is measured; a ``+`` means that the tree has changes.

    It is the commit at the first call, also where somebody commits while a benchmark runs, and in
    child processes that get it as NEXA_COMMIT.
    """
    if "NEXA_COMMIT" in os.environ:
        return os.environ["NEXA_COMMIT"]
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", ":/", ":!/benchmarks/results", ":!/docs"],
        capture_output=True, text=True,
    )  # fmt: skip
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def keep_part(name: str, measure: Callable[[], Any]) -> Any:
    """Measure one part of a long benchmark, or read what was measured: a run can be cut.

    What another commit has measured is not taken for this one's, and a tree with changes has no
    name of its own, so there all is measured again. NEXA_COMMIT names what is measured where
    somebody knows better (a commit that changed a page, say).
    """
    path = ROOT / "build" / "benchmarks" / commit() / f"{name}.json"
    if commit().endswith("+") or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure(), indent=2))
    return json.loads(path.read_text())


@functools.cache
def profile_sizes(profile: str) -> dict[str, int]:
    """Read the sizes of a profile from the notebook, so that both measure the same thing."""
    notebook = nbformat.read(NEXACODE.source_notebook, as_version=4)
    [cell] = [cell for cell in notebook.cells if cell.id == "setup-profile"]
    [table] = [
        node.value
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROFILES"
    ]
    sizes: dict[str, int] = ast.literal_eval(table)[profile]
    return sizes


def load_deployed(assignment: Assignment) -> tuple[nn.Module, PreTrainedTokenizerFast]:
    """Load the deployed model, frozen, and its tokenizer from an assignment's ready-made files."""
    bpe = Tokenizer.from_file(str(assignment.ready_made / "tokenizer.json"))
    tokenizer = make_tokenizer(bpe)
    policy = SimplePolicy(len(tokenizer))
    with torch.no_grad():  # the file's weights are in half precision
        for name, weight in load_file(assignment.ready_made / "deployed.safetensors").items():
            policy.get_parameter(name).copy_(weight)
    return frozen_copy(policy), tokenizer


def save(
    name: str, title: str, figures: list[Figure], note: str = "", **cited: dict[str, Any]
) -> None:
    """Print the figures and write them to ``benchmarks/results/<name>.json``.

    Args:
        name: Of the file.
        title: Of the table.
        figures: The table.
        note: Circumstances that a reader should know.
        cited: ``ranges`` and ``means``: what prose cites, see ``authoring.cited_figures``.
    """
    RESULTS.mkdir(exist_ok=True)
    result = {
        "title": title,
        "note": note,
        "date": date.today().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "figures": [asdict(figure) for figure in figures],
        **cited,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(f"\n{title}")
    for figure in figures:
        verdict = {True: "met", False: "NOT met", None: ""}[figure.met]
        line = f"  {figure.name:58} {figure.value:10.2f} {figure.unit:14}"
        print(f"{line} {figure.goal:10} {verdict}".rstrip())
    print(f"  -> {path.relative_to(ROOT)}")
