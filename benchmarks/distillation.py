"""Corrections into weights, five seeds: who needs the fewest answers of a developer?

Every seed trains each contestant for each developer, with 400 answers. Each part is written to
``build/distillation/`` when it is done, and is not measured again: stop it and go on at any time.
``python -m benchmarks.distillation --seeds 0 1`` measures some seeds only.
"""

import argparse
import copy
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from authoring.assignment import DISTILLATION
from benchmarks.common import ROOT, Figure, load_deployed, save
from nexa_helpers.developers import ADA, DARA, Developer, write_preferences
from nexa_helpers.distillation_training import play_with_notes, train_from_feedback
from nexa_helpers.hint_judge import HINTS, HintJudge
from nexa_helpers.learning_speed import sessions_until_stable
from nexa_helpers.live_evaluation import satisfaction
from nexa_helpers.runtime import set_seed

PARTS = ROOT / "build" / "distillation"
NUM_REQUESTS = 200
ANSWERS = 400
TRAINED: dict[str, dict[str, Any]] = {
    "rewards alone": {"weight_distill": 0.0},
    "hints alone": {"weight_rl": 0.0},
    "combined": {},
}
FAILURES: dict[str, dict[str, Any]] = {
    "teacher in training": {"teacher": "live"},
    "averaged teacher": {"teacher": "averaged"},
    "10 % wrong hints": {"wrong_share": 0.1},
    "30 % wrong hints": {"wrong_share": 0.3},
    "50 % wrong hints": {"wrong_share": 0.5},
    "no clip": {"clip": None},
    "top 4, no tail bin": {"objective": "top-k"},
}
NOTES = "prompt injection"


class World:
    """The deployed model, its tokenizer and the judge."""

    def __init__(self) -> None:
        """Load the deployed model from the notebook's ready-made files."""
        self.deployed, self.tokenizer = load_deployed(DISTILLATION)

    def look(self, model: Any, developer: Developer, hints: list[str]) -> float:
        """Share of satisfied first responses on unseen requests."""
        prefix = f"\n\nHuman: {write_preferences(hints)}" if hints else ""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return satisfaction(model, developer, self.tokenizer, NUM_REQUESTS, prefix).value

    def measure(self, developer: Developer, name: str, seed: int) -> dict[str, Any]:
        """Train one contestant, or play with notes."""
        judge = HintJudge(seed)
        set_seed(seed)
        started = time.process_time()
        if name == NOTES:
            history = play_with_notes(
                self.deployed, judge, developer, self.tokenizer, seed=seed,
                look=lambda hints: self.look(self.deployed, developer, hints),
            )  # fmt: skip
        else:
            policy = copy.deepcopy(self.deployed).requires_grad_(True)
            failing = {"weight_rl": 0.0, **FAILURES.get(name, {})}
            settings = TRAINED.get(name, failing)
            history = train_from_feedback(
                policy, self.deployed, judge, developer, self.tokenizer, seed=seed,
                look=lambda model: self.look(model, developer, []), **settings,
            )  # fmt: skip
        return {**history, "seconds": time.process_time() - started}


def part_of(world: World, developer: Developer, name: str, seed: int) -> dict[str, Any]:
    """Read a part, or measure and write it."""
    path = PARTS / f"{developer.name}-{name.replace(' ', '-').replace('%', 'percent')}-{seed}.json"
    if not path.exists():
        part = world.measure(developer, name, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(part))
        print(f"{path.stem}: {part['looks'][-1]:.3f} in {part['seconds']:.0f} s", flush=True)
    return dict(json.loads(Path(path).read_text()))


def answers_to_reach(part: dict[str, Any], share: float) -> float:
    """Tell the answers consumed at the first look with a share; twice the budget for never."""
    pairs = zip(part["answers"], part["looks"], strict=True)
    return float(next((answers for answers, found in pairs if found >= share), 2 * ANSWERS))


def summarize(parts: dict[tuple[str, str], list[dict[str, Any]]], world: World) -> list[Figure]:
    """Turn the parts into figures: means over the seeds."""
    figures = []
    goals = {
        ("Dara", "rewards alone"): ("<= 0.3", lambda x: x <= 0.3),
        ("Dara", "hints alone"): (">= 0.8", lambda x: x >= 0.8),
        ("Dara", "combined"): (">= 0.95", lambda x: x >= 0.95),
    }
    for (who, name), found in parts.items():
        last = [part["looks"][-1] for part in found]
        goal, is_met = goals.get((who, name), ("", None))
        mean = statistics.mean(last)
        met = is_met(mean) if is_met else None
        figures.append(Figure(f"{who}, {name}: satisfied at the end", mean, "share", goal, met))
        spread = statistics.stdev(last) if len(last) > 1 else 0.0
        figures.append(Figure(f"{who}, {name}: its spread over seeds", spread, "share (std)"))
        stable = [sessions_until_stable(part["corrected"]) for part in found]
        number = statistics.median(n or len(found[0]["corrected"]) + 1 for n in stable)
        figures.append(Figure(f"{who}, {name}: sessions until stable", number, "sessions"))
        if name in TRAINED:
            most = max(part["seconds"] for part in found)
            figures.append(
                Figure(f"{who}, {name}: longest run", most, "s CPU", "<= 90", most <= 90)
            )
    reached = {
        name: statistics.mean(answers_to_reach(part, 0.9) for part in parts["Ada", name])
        for name in TRAINED
    }
    ratio = reached["combined"] / reached["rewards alone"]
    figures += [
        Figure(f"Ada, {name}: answers until .9", n, "answers") for name, n in reached.items()
    ]
    figures.append(Figure("Ada: combined / rewards alone", ratio, "ratio", "<= 0.5", ratio <= 0.5))
    for developer in (ADA, DARA):
        wishes = [HINTS[wish][2] for wish in developer.wishes.values()]
        ceiling = world.look(world.deployed, developer, wishes)
        figures.append(Figure(f"{developer.name}: hinted teacher, three notes", ceiling, "share"))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    world = World()
    plan = [(who, name) for who in (ADA, DARA) for name in (*TRAINED, NOTES)]
    plan += [(DARA, name) for name in FAILURES]
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seed in seeds:
        for who, name in plan:
            parts.setdefault((who.name, name), []).append(part_of(world, who, name, seed))
    note = f"seeds {seeds}; {NUM_REQUESTS} unseen requests per look; failures: hints alone"
    save("distillation", "From corrections to weights", summarize(parts, world), note)


if __name__ == "__main__":
    main()
