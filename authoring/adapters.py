"""Train the ready-made adapters of the assignment real_model, and measure them: ``make adapters``.

    python -m authoring.adapters                     all runs; goes on where it was stopped
    python -m authoring.adapters --only ada          one of them
    python -m authoring.adapters --measure           no training: answer and compare

There are three kinds of runs: one adapter per developer, which students get; Ada's with one of the
two signals left out; and the notebook's own short training with three seeds. The state after each
update (adapter, optimizer, curve) is kept in ``build/adapters/<run>/``, and so are the answers of
each run. What students get goes to ``source/real_model/ready_made/``, its hashes into the module
that checks them. ``benchmarks.adapters`` makes the figures of it.
"""

import argparse
import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

from authoring.assignment import REAL_MODEL, ROOT
from nexa_helpers import adapter_evaluation
from nexa_helpers.adapter_evaluation import judge_answers, mean_log_probs
from nexa_helpers.adapter_training import (
    TrainingSettings,
    answer_requests,
    load_adapter,
    make_optimizer,
    new_adapter,
    save_adapter,
    train_adapter,
)
from nexa_helpers.chat import encode_chat, sample_answers
from nexa_helpers.code_answers import DEVELOPERS
from nexa_helpers.coding_requests import code_request, goals_of, plain_requests
from nexa_helpers.model_sources import load_model
from nexa_helpers.paired_comparison import paired_comparison

STATE = ROOT / "build" / "adapters"
SETTINGS = TrainingSettings(updates=16, requests=4, group_size=4, max_tokens=96, seed=42)
SEED = 42  # of the answers that are compared
LIVE_UPDATES = 8  # of the notebook's profile "full"


@dataclass(frozen=True)
class Plan:
    """One run: whose wishes, and which settings."""

    developer: str
    settings: TrainingSettings


PLANS = {
    **{name: Plan(name, SETTINGS) for name in DEVELOPERS},
    "ada, hints alone": Plan("ada", replace(SETTINGS, weight_reward=0.0)),
    "ada, rewards alone": Plan("ada", replace(SETTINGS, weight_hint=0.0, weight_reward=1.0)),
    **{
        f"ada, live, seed {seed}": Plan("ada", replace(SETTINGS, updates=LIVE_UPDATES, seed=seed))
        for seed in (42, 43, 44)
    },
}


class Run:
    """The training of one adapter, on disk after each update."""

    def __init__(self, model: Any, name: str, plan: Plan, folder: Path):
        """Make a new adapter, or take up the one that was stopped."""
        settings = plan.settings
        self.folder, self.name, self.plan, self.settings = folder / name, name, plan, settings
        self.model = new_adapter(model, settings.rank, settings.seed)
        self.optimizer = make_optimizer(self.model, settings)
        self.curve: list[dict[str, float]] = []
        self.weights = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        if (self.folder / "state.json").exists():
            self.restore()

    def restore(self) -> None:
        """Read the last state.

        Raises:
            ValueError: It belongs to other settings.
        """
        state = json.loads((self.folder / "state.json").read_text())
        if state["settings"] != asdict(self.settings):
            raise ValueError(f"{self.folder}: made with other settings; remove it, or use those")
        self.curve = state["curve"]
        tensors = load_file(self.folder / f"state-{len(self.curve)}.safetensors")
        for name, weights in self.weights.items():
            weights.data.copy_(tensors[name])
            moments = {key: tensors[f"{name}/{key}"] for key in ("exp_avg", "exp_avg_sq")}
            step = torch.tensor(float(len(self.curve)))
            self.optimizer.state[weights] = {"step": step, **moments}
        print(f"{self.name}: {len(self.curve)} of {self.settings.updates} updates were done")

    def keep(self, number: int, row: dict[str, float]) -> None:
        """Write the state after an update; first the tensors, then what names them."""
        self.curve.append(row)
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for name, weights in self.weights.items():
            tensors[name] = weights.data.contiguous()
            for key in ("exp_avg", "exp_avg_sq"):
                tensors[f"{name}/{key}"] = self.optimizer.state[weights][key].contiguous()
        save_file(tensors, self.folder / f"state-{len(self.curve)}.safetensors")
        state = {"settings": asdict(self.settings), "curve": self.curve}
        part = self.folder / "state.part"
        part.write_text(json.dumps(state))
        part.rename(self.folder / "state.json")
        (self.folder / f"state-{number}.safetensors").unlink(missing_ok=True)
        (self.folder / "answers.json").unlink(missing_ok=True)  # they were another state's

    def train(self, tokenizer: Any) -> None:
        """Train to the end; the bar shows the time that is left."""
        started, had = time.perf_counter(), len(self.curve)

        def keep(number: int, row: dict[str, float]) -> None:
            done = len(self.curve) + 1 - had
            seconds = (time.perf_counter() - started) / done
            self.keep(number, row | {"seconds": round(seconds, 2)})

        wishes = DEVELOPERS[self.plan.developer]
        train_adapter(
            self.model, tokenizer, wishes, self.settings, self.optimizer,
            first=had, after_update=keep,
        )  # fmt: skip


def train_all(names: list[str], device: str) -> None:
    """Run some plans, one after the other; what belongs to a developer is saved for students."""
    model, tokenizer, _ = load_model(device=device)
    for name in names:
        run = Run(model, name, PLANS[name], STATE)
        run.train(tokenizer)
        size = save_adapter(run.model, STATE / name / "adapter")
        print(f"{name}: {size / 1e6:.2f} MB")
        if name in DEVELOPERS:
            save_adapter(run.model, REAL_MODEL.ready_made / name)
        model = run.model.unload()


def answer_once(file: str, model: Any, tokenizer: Any, asked: list[Any]) -> list[str]:
    """Keep the answers of a model in ``build/adapters/``; answer anew only where there are none."""
    path = STATE / file
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = answer_requests(model, tokenizer, asked, SEED, SETTINGS.max_tokens)
        path.write_text(json.dumps(texts))
    return [str(text) for text in json.loads(path.read_text())]


def measure(names: list[str], device: str) -> dict[str, Any]:
    """Let base, hinted base and every adapter answer the same unseen requests.

    Returns:
        Outcomes per model, paired comparisons with the base, log-probs lost on plain requests,
        curves and settings.
    """
    model, tokenizer, source = load_model(device=device)
    goals = goals_of("test")
    plain = [code_request(goal) for goal in goals]
    texts = {"base": answer_once("base.json", model, tokenizer, plain)}
    for developer in DEVELOPERS:
        hinted = [code_request(goal, DEVELOPERS[developer]) for goal in goals]
        file = f"hinted-{developer}.json"
        texts[f"hinted for {developer}"] = answer_once(file, model, tokenizer, hinted)
    asked = [[{"role": "user", "content": text}] for text in plain_requests()]
    spoken, _ = sample_answers(model, tokenizer, encode_chat(asked, tokenizer), 48, temperature=0.0)
    before, forgotten = mean_log_probs(model, spoken), {}
    for name in names:
        adapted = load_adapter(model, STATE / name / "adapter")
        label = f"{name}, ready-made" if name in DEVELOPERS else name
        texts[label] = answer_once(f"{name}/answers.json", adapted, tokenizer, plain)
        if name in DEVELOPERS:
            forgotten[name] = np.subtract(before, mean_log_probs(adapted, spoken)).tolist()
        model = adapted.unload()
    states = {name: json.loads((STATE / name / "state.json").read_text()) for name in names}
    outcomes = {name: judge_answers(rows) for name, rows in texts.items()}
    paired = {
        name: {
            column: paired_comparison(outcomes["base"][column], found[column])
            for column in (re.split(r", |hinted for ", name)[name.startswith("hinted")], "function")
        }
        for name, found in outcomes.items() if name != "base"
    }  # fmt: skip
    return {
        "outcomes": outcomes,
        "paired": paired,
        "forgotten": forgotten,
        "curves": {name: state["curve"] for name, state in states.items()},
        "settings": asdict(SETTINGS),
        "source": source,
        "versions": {lib.__name__: lib.__version__ for lib in (torch, transformers, peft)},
    }


def pin_files(folder: Path) -> None:
    """Write the SHA-256 of what students get into the module that checks it."""
    pins = Path(adapter_evaluation.__file__)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [
        f'    "{path.relative_to(folder).as_posix()}": (\n'
        f'        "{hashlib.sha256(path.read_bytes()).hexdigest()}"\n    ),\n'
        for path in files
    ]
    code = re.sub(
        r"ADAPTER_FILES: dict\[str, str\] = \{.*?\}",
        lambda _: f"ADAPTER_FILES: dict[str, str] = {{\n{''.join(rows)}}}",
        pins.read_text(), count=1, flags=re.DOTALL,
    )  # fmt: skip
    pins.write_text(code)


def publish(results: dict[str, Any]) -> None:
    """Write the results for students, and pin all files."""
    (REAL_MODEL.ready_made / "results.json").write_text(json.dumps(results))
    pin_files(REAL_MODEL.ready_made)


def main() -> None:
    """Train what is missing, measure all that is there, and write everything down."""
    parser = argparse.ArgumentParser(description="Train and measure the ready-made adapters.")
    parser.add_argument("--only", choices=PLANS, action="append", help="one run")
    parser.add_argument("--measure", action="store_true", help="train nothing")
    parser.add_argument("--train", action="store_true", help="measure nothing")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    if not options.measure:
        train_all(options.only or list(PLANS), options.device)
    if not options.train:
        there = [name for name in PLANS if (STATE / name / "adapter").is_dir()]
        publish(measure(there, options.device))


if __name__ == "__main__":
    main()
