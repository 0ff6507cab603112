"""Live developers, eight seeds: does it get personal, and how fast?

The deployed model is one and the same. Each seed makes its own conversations and trains its own
PRM; then a copy of the deployed model is trained for each of three developers, and everything is
measured on tasks that no training has seen, against the developers' true wishes. Each part of a
seed is kept in build/benchmarks/, so that a long run can be cut and goes on where it was.
"""

import argparse
import copy
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import balanced_accuracy_score
from torch import nn

from authoring.assignment import NEXACODE
from benchmarks.common import ROOT, Figure, commit, load_deployed, profile_sizes, save
from benchmarks.injection import EDDA, measure_injection, measure_six_wishes
from nexa_helpers.conversations import preference_pairs, triples_from_rows
from nexa_helpers.developers import ADA, BORIS, CHEN, Developer, simulate_conversations
from nexa_helpers.evaluation import pairwise_accuracy
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.live_evaluation import (
    cross_satisfaction,
    draw_caches,
    satisfaction,
    satisfaction_over_caches,
)
from nexa_helpers.process_reward import (
    ProcessRewardModel,
    predict_rewards,
    train_prm,
)
from nexa_helpers.runtime import set_seed
from nexa_helpers.training import frozen_copy, train_on_policy

SEEDS = range(8)
NUM_REQUESTS = 500
NUM_CACHES = 20
# glibc keeps freed batches of many sizes as holes in its heap. Large blocks from mmap go back.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "1048576"}
DEVELOPERS = (ADA, BORIS, CHEN)


class World:
    """The deployed model, and what one seed makes: conversations and a PRM."""

    def __init__(self, seed: int):
        """Make everything; ``figures`` holds what was measured on the way."""
        self.seed = seed
        rows, test_rows = (
            simulate_conversations(size, seed, split)
            for split, size in (("train", 5000), ("test", 500))
        )
        self.reference, self.tokenizer = load_deployed(NEXACODE)
        triples, _ = triples_from_rows(rows)
        set_seed(seed)
        self.prm: nn.Module = ProcessRewardModel(len(self.tokenizer))
        started = time.monotonic()
        train_prm(self.prm, triples, keyword_labels(triples), self.tokenizer, seed=seed)
        self.figures = {"PRM training": time.monotonic() - started}
        self.prm.requires_grad_(False)
        test_triples, _ = triples_from_rows(test_rows)
        truth = [verdict for row in test_rows for verdict in row["verdicts"]]
        judged = predict_rewards(self.prm, test_triples, self.tokenizer)
        self.figures["PRM"] = balanced_accuracy_score(truth, judged)
        self.figures["keywords"] = balanced_accuracy_score(truth, keyword_labels(test_triples))

    def train(self, developer: Developer, **options: Any) -> tuple[nn.Module, dict[str, Any]]:
        """Train a copy of the reference for one developer."""
        set_seed(self.seed)
        options = {"num_iterations": profile_sizes("full")["rounds"]} | options
        policy = copy.deepcopy(self.reference).requires_grad_(True)
        metrics = train_on_policy(
            policy, self.reference, self.prm, developer, self.tokenizer, seed=self.seed, **options
        )
        return frozen_copy(policy), metrics

    def share(
        self, policy: nn.Module, developer: Developer, prefix: str = "", **options: Any
    ) -> float:
        """Share of unseen requests whose first answer meets all wishes."""
        set_seed(self.seed)
        requests = (policy, developer, self.tokenizer, NUM_REQUESTS, prefix)
        return satisfaction(*requests, **options).value

    def injected(self, developer: Developer) -> tuple[np.ndarray, nn.Module]:
        """Draw caches of a developer's corrections.

        Returns:
            Which requests each cache satisfied, (caches, requests); and the reference with the
            first cache in front of its input.
        """
        set_seed(self.seed)
        caches = draw_caches(self.reference, developer, self.tokenizer, NUM_CACHES, seed=self.seed)
        set_seed(self.seed)
        happy = satisfaction_over_caches(
            self.reference, developer, self.tokenizer, caches, NUM_REQUESTS // NUM_CACHES
        )
        return happy, caches[0].inject_into(self.reference, self.tokenizer)


def measure_developer(world: World, developer: Developer) -> tuple[nn.Module, dict[str, float]]:
    """Train for one developer, and measure before, prompt injection and after."""
    happy, injected = world.injected(developer)
    figures = {
        "before": world.share(world.reference, developer),
        "prompt injection": float(happy.mean()),
        "prompt injection, worst cache": float(happy.mean(axis=1).min()),
        "prompt injection, best cache": float(happy.mean(axis=1).max()),
    }
    started = time.monotonic()
    policy, metrics = world.train(developer)
    figures["seconds"] = time.monotonic() - started
    figures["after"] = world.share(policy, developer)
    figures["after minus prompt injection"] = figures["after"] - figures["prompt injection"]
    figures["after, at temperature 1"] = world.share(policy, developer, temperature=1.0)
    figures["constant groups"] = statistics.mean(metrics["constant_groups"])
    rows = simulate_conversations(200, world.seed + 100, "test", [developer])
    pairs, _ = preference_pairs(rows)
    contestants = {"before": world.reference, "prompt injection": injected, "after": policy}
    for name, model in contestants.items():
        figures[f"pairs, {name}"] = pairwise_accuracy(model, pairs, world.tokenizer).value
    return policy, figures


def measure_seed(world: World) -> dict[str, Any]:
    """Measure everything for one seed."""
    result: dict[str, Any] = {"world": world.figures, "developers": {}}
    policies = {}
    for developer in DEVELOPERS:
        policies[developer.name], figures = measure_developer(world, developer)
        result["developers"][developer.name] = figures
    result["notes"] = measure_notes(world, policies)
    crossed = cross_satisfaction(policies, list(DEVELOPERS), world.tokenizer)
    result["cross"] = {
        f"{name}, asked by {who}": share.value for (name, who), share in crossed.items()
    }
    twice = [world.train(ADA, num_iterations=3)[1] for _ in range(2)]
    result["repeats"] = float(twice[0] == twice[1])
    result["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return result


def measure_notes(world: World, policies: dict[str, nn.Module]) -> dict[str, Any]:
    """Compare notes in the prompt with learning in the weights (see ``injection``)."""
    reference, tokenizer, seed = world.reference, world.tokenizer, world.seed
    found: dict[str, Any] = {
        developer.name: measure_injection(
            reference, policies[developer.name], developer, tokenizer, seed
        )
        for developer in DEVELOPERS
    }
    found["Edda"] = measure_six_wishes(reference, world.train(EDDA)[0], tokenizer, seed)
    return found


def result_path(seed: int) -> Path:
    """Name the file that a seed's measurements are kept in.

    What another commit has measured is not taken for this one's. A tree with changes has no name
    of its own, so there all is measured again.
    """
    return ROOT / "build" / "benchmarks" / commit() / f"personalization-{seed}.json"


def mean_interval(values: list[float], unit: str = "share") -> tuple[float, float, float]:
    """Mean over seeds and its 95 % interval (Student's t); of one or two, what they span.

    A share's interval keeps to [0, 1]; a difference of shares may be negative.
    """
    mean = statistics.mean(values)
    if len(values) < 3 or len(set(values)) == 1:
        return mean, min(values), max(values)
    low, high = stats.t.interval(0.95, len(values) - 1, mean, stats.sem(values))
    if unit == "share" and min(values) >= 0:
        low, high = max(low, 0.0), min(high, 1.0)
    return mean, float(low), float(high)


def mean_figure(name: str, values: list[float], unit: str, goal: str = "") -> list[Figure]:
    """Report the mean over seeds, with its 95 % interval (Student's t) from three seeds on.

    Where there is a goal, the worst seed has to meet it.
    """
    mean = statistics.mean(values)
    label = f"{name}: mean of {len(values)} seeds"
    if len(values) >= 3 and len(set(values)) > 1:
        _, low, high = mean_interval(values, unit)
        label += f" [{low:.3f}, {high:.3f}]"
    figures = [Figure(label, mean, unit)]
    if goal:
        sign, limit = goal.split()
        worst = min(values) if sign == ">=" else max(values)
        met = worst >= float(limit) if sign == ">=" else worst <= float(limit)
        figures.append(Figure(f"{name}: worst seed", worst, unit, goal, met))
    return figures


def differences(results: list[dict[str, Any]], developer: Developer) -> list[float]:
    """Personal policy minus prompt injection, of each seed."""
    return [
        result["developers"][developer.name]["after minus prompt injection"] for result in results
    ]


def notes_values(results: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Values of each seed of what ``injection`` measures: means over the three developers.

    Of milliseconds the ratio is kept, too: another machine has others, but much the same ratio.
    """
    values: dict[str, list[float]] = {}
    for result in results:
        found = [result["notes"][developer.name] for developer in DEVELOPERS]
        seed = {name: statistics.mean(each[name] for each in found) for name in found[0]}
        slower = (
            each["ms per token, with notes"] / each["ms per token, without notes"] for each in found
        )
        seed["time per token, with notes to without"] = statistics.median(slower)
        for name, value in (seed | result["notes"]["Edda"]).items():
            values.setdefault(name, []).append(value)
    return values


def unit_of(name: str) -> str:
    """Name the unit of a figure of ``notes_values``."""
    units = {"ms per": "ms", "prompt tokens": "tokens", "time per": "x"}
    units["prompt injection: corrections"] = units["personal policy: corrections"] = "corrections"
    return next((unit for start, unit in units.items() if name.startswith(start)), "share")


def means_of(results: list[dict[str, Any]]) -> dict[str, tuple[float, float, float]]:
    """Collect what the prose may cite: means over seeds, with their intervals."""
    means = {}
    for developer in DEVELOPERS:
        for name in ("before", "prompt injection", "after"):
            values = [result["developers"][developer.name][name] for result in results]
            means[f"{developer.name}, {name}"] = mean_interval(values)
        gains = differences(results, developer)
        means[f"{developer.name}, after minus prompt injection"] = mean_interval(gains, "gain")
    for name, values in notes_values(results).items():
        means[f"notes: {name}"] = mean_interval(values, unit_of(name))
    return means


def figures_of(results: list[dict[str, Any]]) -> list[Figure]:
    """Turn the seeds' results into figures."""
    figures: list[Figure] = []
    goals = {"before": "<= 0.2", "prompt injection": "", "after": ">= 0.95", "seconds": "<= 120"}
    goals |= {f"prompt injection, {which} cache": "" for which in ("worst", "best")}
    goals |= dict.fromkeys(("after, at temperature 1", "constant groups"), "")
    goals |= {f"pairs, {name}": "" for name in ("before", "prompt injection")}
    goals |= {"pairs, after": ">= 0.9"}
    for developer in DEVELOPERS:
        for name, goal in goals.items():
            values = [result["developers"][developer.name][name] for result in results]
            unit = "s" if name == "seconds" else "share"
            figures += mean_figure(f"{developer.name}, {name}", values, unit, goal)
        values = differences(results, developer)
        figures += mean_figure(f"{developer.name}, after minus prompt injection", values, "gain")
    for name, values in notes_values(results).items():
        figures += mean_figure(f"notes: {name}", values, unit_of(name))
    gains = [result["world"]["PRM"] - result["world"]["keywords"] for result in results]
    for name in ("keywords", "PRM"):
        values = [result["world"][name] for result in results]
        figures += mean_figure(f"{name}, balanced accuracy, unseen sentences", values, "share")
    figures += mean_figure("PRM minus keywords", gains, "share", ">= 0.05")
    for name in results[0]["cross"]:
        values = [result["cross"][name] for result in results]
        figures += mean_figure(f"policy of {name}", values, "share")
    values = [result["world"]["PRM training"] for result in results]
    figures += mean_figure("PRM training", values, "s")
    started = time.monotonic()
    for split, size in (("train", 5000), ("test", 500)):
        simulate_conversations(size, 0, split)
    figures.append(Figure("5,000 and 500 pairs made", time.monotonic() - started, "s"))
    memory = max(result["memory"] for result in results)
    figures.append(Figure("peak memory of the process", memory, "GB", "<= 2", memory <= 2))
    same = min(result["repeats"] for result in results)
    figures.append(Figure("the same seed gives the same numbers", same, "1 = yes", "1", same == 1))
    return figures


def main() -> None:
    """Measure the seeds that are missing in build/benchmarks/, then write the figures.

    Each seed has a process of its own, so that its peak memory is its own.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--note", default="", help="circumstances that a reader should know")
    parser.add_argument("--only-measure", action="store_true", help="write no table")
    options = parser.parse_args()
    for seed in options.seeds:
        path = result_path(seed)
        is_missing = commit().endswith("+") or not path.exists()
        if is_missing and not options.only_measure:
            print(f"seed {seed}", flush=True)
            command = [sys.executable, "-m", "benchmarks.personalization", "--only-measure"]
            environment = os.environ | ALLOCATOR | {"NEXA_COMMIT": commit()}
            subprocess.run([*command, str(seed)], env=environment, check=True)
        elif is_missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(measure_seed(World(seed)), indent=2))
    if options.only_measure:
        return
    note = (
        f"{profile_sizes('full')['rounds']} rounds of 64 rollouts a developer, as in the notebook "
        "(4 sessions, 2 turns, 8 responses), 2 updates each. "
        f"Shares of {NUM_REQUESTS} first answers to unseen tasks that meet all three wishes, "
        "sampled at temperature 0.7 where nothing else is said; "
        "cross-scores of 200; 200 held-out pairs a developer. "
        f"Prompt injection: {NUM_CACHES} caches, each of its own conversations, and an equal part "
        "of the requests for each. Notes: 200 requests of each kind, means of three developers. "
        "A process for each seed, with "
        f"{' and '.join(ALLOCATOR)} at 1 MiB. {options.note}"
    )
    results = [json.loads(result_path(seed).read_text()) for seed in options.seeds]
    figures, means = figures_of(results), means_of(results)
    save("personalization", "Live developers: personalization", figures, note.strip(), means=means)


if __name__ == "__main__":
    main()
