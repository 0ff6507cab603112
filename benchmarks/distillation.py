"""Corrections into weights, five seeds: who needs the fewest answers of a developer?

Every seed trains each contestant for each developer, with 400 answers. Each part is kept in
build/benchmarks/ when it is done: stop it and go on at any time. ``python -m
benchmarks.distillation --seeds 0 1`` measures these seeds, and writes no figures.
"""

import argparse
import copy
import functools
import time
from typing import Any

import torch

from authoring.assignment import DISTILLATION
from benchmarks.common import Figure, keep_part, load_deployed, save
from benchmarks.personalization import mean_interval
from nexa_helpers.developers import ADA, DARA, Developer, write_preferences
from nexa_helpers.distillation_training import play_with_notes, train_from_feedback
from nexa_helpers.hint_judge import HINTS, HintJudge
from nexa_helpers.learning_speed import sessions_until_stable
from nexa_helpers.live_evaluation import satisfaction
from nexa_helpers.runtime import set_seed

Parts = dict[tuple[str, str], list[dict[str, Any]]]  # of each seed, by developer and contestant
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
GOALS = {
    ("Dara", "rewards alone"): "<= 0.3",
    ("Dara", "hints alone"): ">= 0.8",
    ("Dara", "combined"): ">= 0.95",
}


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
    """Read a part, or measure and keep it."""
    label = f"{developer.name}-{name.replace(' ', '-').replace('%', 'percent')}-{seed}"
    measure = functools.partial(world.measure, developer, name, seed)
    part: dict[str, Any] = keep_part(f"distillation-{label}", measure)
    print(f"{label}: {part['looks'][-1]:.3f} in {part['seconds']:.0f} s", flush=True)
    return part


def answers_to_reach(part: dict[str, Any], share: float) -> float:
    """Tell the answers consumed at the first look with a share; twice the budget for never."""
    pairs = zip(part["answers"], part["looks"], strict=True)
    return float(next((answers for answers, found in pairs if found >= share), 2 * ANSWERS))


def values_of(parts: Parts) -> dict[str, tuple[list[float], str, str]]:
    """Collect by name the values of each seed, their unit, and the goal of their mean."""
    values: dict[str, tuple[list[float], str, str]] = {}
    for (who, name), found in parts.items():
        last = [part["looks"][-1] for part in found]
        values[f"{who}, {name}: satisfied at the end"] = (last, "share", GOALS.get((who, name), ""))
        stable = [sessions_until_stable(part["corrected"]) for part in found]
        never = len(found[0]["corrected"]) + 1
        sessions = [float(number or never) for number in stable]
        values[f"{who}, {name}: sessions until stable"] = (sessions, "sessions", "")
    for name in TRAINED:
        reached = [answers_to_reach(part, 0.9) for part in parts["Ada", name]]
        values[f"Ada, {name}: answers until .9"] = (reached, "answers", "")
    for other in ("rewards alone", "hints alone"):
        for who in ("Ada", "Dara"):
            pairs = zip(parts[who, "combined"], parts[who, other], strict=True)
            gains = [one["looks"][-1] - two["looks"][-1] for one, two in pairs]
            values[f"{who}, combined minus {other}: satisfied at the end"] = (gains, "gain", "")
    return values


def meets(mean: float, goal: str) -> bool | None:
    """Tell whether a mean meets a goal such as ">= 0.8"; None where there is no goal."""
    if not goal:
        return None
    sign, limit = goal.split()
    return mean >= float(limit) if sign == ">=" else mean <= float(limit)


def summarize(parts: Parts, world: World) -> tuple[list[Figure], dict[str, Any]]:
    """Turn the parts into figures, means over the seeds with intervals, and what prose cites."""
    figures, means = [], {}
    for name, (values, unit, goal) in values_of(parts).items():
        mean, low, high = means[f"distillation: {name}"] = mean_interval(values, unit)
        label = f"{name}: mean of {len(values)} seeds [{low:.3f}, {high:.3f}]"
        figures.append(Figure(label, mean, unit, goal, meets(mean, goal)))
    reached = [means[f"distillation: Ada, {name}: answers until .9"][0] for name in TRAINED]
    ratio = dict(zip(TRAINED, reached, strict=True))["combined"] / reached[0]
    name = "Ada: answers until .9, combined / rewards alone"
    figures.append(Figure(name, ratio, "ratio", "<= 0.5", ratio <= 0.5))
    trained = [part for (_, name), found in parts.items() if name in TRAINED for part in found]
    longest = max(part["seconds"] for part in trained)
    figures.append(Figure("the longest training run", longest, "s CPU", "<= 90", longest <= 90))
    for developer in (ADA, DARA):
        wishes = [HINTS[wish][2] for wish in developer.wishes.values()]
        ceiling = world.look(world.deployed, developer, wishes)
        figures.append(Figure(f"{developer.name}: hinted teacher, three notes", ceiling, "share"))
    return figures, means


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    world = World()
    plan = [(who, name) for who in (ADA, DARA) for name in (*TRAINED, NOTES)]
    plan += [(DARA, name) for name in FAILURES]
    parts: Parts = {}
    for seed in seeds:
        for who, name in plan:
            parts.setdefault((who.name, name), []).append(part_of(world, who, name, seed))
    if len(seeds) < 3:  # a share of the work; the figures need all of it
        return
    note = (
        f"Seeds {', '.join(map(str, seeds))}; {ANSWERS} answers of a developer, one thread; "
        f"{NUM_REQUESTS} unseen requests at each look; the failures are hints alone. A goal never "
        f"reached counts {2 * ANSWERS} answers."
    )
    figures, means = summarize(parts, world)
    save("distillation", "From corrections to weights", figures, note, means=means)


if __name__ == "__main__":
    main()
