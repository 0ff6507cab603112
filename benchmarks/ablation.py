"""T, C and R in the live world, five seeds: left out as they are, and where they have work to do.

First the notebook's own training for Ada, with one part left out at a time. There responses have
much the same length, no wish is rare, and the judge does not look at length. So each letter also
gets a variant that has what it is for, and is compared with itself left out, seed by seed (same
PRM, same requests and replies):

- T: a log that rambles. The deployed model is trained further on responses whose code ends in
  comments that say nothing, any number of them. Nobody praises or corrects them.
- C: a rare wish (Dara wants a guard against empty lists) and eight updates per batch.
- R: a PRM that also likes length, and responses that end at 96 tokens.

Each seed's part stays in build/benchmarks/, so that a long run can be cut and goes on.
"""

import argparse
import copy
import functools
import math
import random
import re
import statistics
from typing import Any

import torch
from scipy import stats
from torch import nn
from torch.nn.utils import parameters_to_vector

from benchmarks.common import Figure, commit, keep_part, profile_sizes, save
from benchmarks.personalization import World
from nexa_helpers.developers import ADA, DARA, Developer, simulate_conversations
from nexa_helpers.grpo_tcr import per_response_loss
from nexa_helpers.live_evaluation import answer_requests, satisfaction
from nexa_helpers.policy import sample_responses
from nexa_helpers.runtime import set_seed
from nexa_helpers.tasks import TASKS, read_response
from nexa_helpers.training import frozen_copy, warm_start

SEEDS = range(5)
NUM_REQUESTS = 300
PYTHON_CODE = re.compile(r"(```python\n.*?)(?=\n```)", re.DOTALL)
VARIANTS: dict[str, dict[str, Any]] = {
    "GRPO-TCR": {},
    "without T (mean of a response first)": {"loss_function": per_response_loss},
    "without C (no clipping)": {"eps_low": 1.0, "eps_high": math.inf},
    "symmetric clip range (.2 / .2)": {"eps_high": 0.2},
    "without R (no shaping)": {"L_cache": 0},
    "without KL penalty": {"beta_kl": 0.0},
}
CLIP_RANGES = {
    "clip-higher, .2 / .28": {"eps_high": 0.28},
    "symmetric, .2 / .2": {"eps_high": 0.2},
    "no clipping": {"eps_low": 1.0, "eps_high": math.inf},
}
LENGTH_LIMIT = 160  # of the rambling responses, so that R has nothing to do there


def ramble(text: str, rng: random.Random) -> str:
    """Let the Python code of a conversation end in comments that say nothing, four on average."""

    def with_comments(match: re.Match[str]) -> str:
        count = min(int(math.log(1 - rng.random()) / math.log(0.8)), 16)
        return match[1] + "\n# and so on" * count

    return PYTHON_CODE.sub(with_comments, text)


class LengthLover(nn.Module):
    """A PRM that also likes length: one more point per 96 tokens of response and feedback."""

    def __init__(self, prm: Any):
        """Wrap a trained ``ProcessRewardModel``."""
        super().__init__()
        self.prm = prm

    def majority_vote(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, num_votes: int = 5
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vote as the PRM does; the rewards grow with the length."""
        rewards, ballots = self.prm.majority_vote(input_ids, attention_mask, num_votes=num_votes)
        return rewards + 2 * attention_mask.sum(dim=1) / 96, ballots


def measure_plain(world: World) -> dict[str, Any]:
    """Train for Ada with one part left out at a time; at temperature 1, where more is missed."""
    return {
        name: {"satisfied": world.share(world.train(ADA, **options)[0], ADA, temperature=1.0)}
        for name, options in VARIANTS.items()
    }


def measure_lengths(world: World, policy: nn.Module, limit: int) -> dict[str, float]:
    """Sample for Ada at temperature 1: lengths of right and other responses, and two shares."""
    rng = random.Random(1)
    tasks = [rng.choice(TASKS["test"]) for _ in range(NUM_REQUESTS)]
    asked = [[{"role": "user", "content": ADA.ask(rng, task)}] for task in tasks]
    set_seed(world.seed)
    samples = sample_responses(policy, asked, world.tokenizer, limit)
    lengths: dict[bool, list[int]] = {True: [], False: []}
    for task, sample in zip(tasks, samples, strict=True):
        is_right = ADA.complaint(task, sample["response"]) is None
        lengths[is_right].append(len(sample["response_ids"]))
    cut = [world.tokenizer.eos_token_id not in sample["response_ids"] for sample in samples]
    return {
        "tokens, right": statistics.mean(lengths[True] or [math.nan]),
        "tokens, others": statistics.mean(lengths[False] or [math.nan]),
        "right": len(lengths[True]) / NUM_REQUESTS,
        "cut": statistics.mean(map(float, cut)),
    }


def measure_token_level(world: World) -> dict[str, Any]:
    """T: train on from a log that rambles, with the token-level mean and without."""
    rng = random.Random(f"ramble {world.seed}")
    rows = simulate_conversations(2000, world.seed)
    rows = [row | {"chosen": ramble(row["chosen"], rng)} for row in rows]
    set_seed(world.seed)
    rambling = copy.deepcopy(world.reference).requires_grad_(True)
    warm_start(rambling, rows, world.tokenizer, 200, lr=2e-3, seed=world.seed)
    world.reference = frozen_copy(rambling)
    found = {"before": measure_lengths(world, world.reference, LENGTH_LIMIT)}
    for name, options in (("with T", {}), ("without T", {"loss_function": per_response_loss})):
        policy, _ = world.train(ADA, L_max=LENGTH_LIMIT, L_cache=0, **options)
        found[name] = measure_lengths(world, policy, LENGTH_LIMIT)
    return found


def share_guarded(world: World, policy: nn.Module, developer: Developer) -> float:
    """Share of first responses at temperature 1 that have a guard."""
    set_seed(world.seed)
    _, responses = answer_requests(
        policy, developer, world.tokenizer, NUM_REQUESTS, temperature=1.0
    )
    read = [read_response(response) for response in responses]
    return statistics.mean(float(r is not None and r.style["guard"] == "guarded") for r in read)


def measure_clipping(world: World) -> dict[str, Any]:
    """C: a rare wish and eight updates per batch, with three clip ranges."""
    found: dict[str, Any] = {"before": {"guarded": share_guarded(world, world.reference, DARA)}}
    for name, options in CLIP_RANGES.items():
        policy, metrics = world.train(DARA, num_epochs=8, **options)
        set_seed(world.seed)
        satisfied = satisfaction(policy, DARA, world.tokenizer, NUM_REQUESTS)
        found[name] = {
            "guarded": share_guarded(world, policy, DARA),
            "all wishes": satisfied.value,
            "clipped": statistics.mean(metrics["clip_fractions"]),
        }
    return found


def measure_shaping(world: World) -> dict[str, Any]:
    """R: a PRM that likes length, with overlong shaping and without."""
    world.prm = LengthLover(world.prm)
    found = {"before": measure_lengths(world, world.reference, 96)}
    for name, options in (("with R", {}), ("without R", {"L_cache": 0})):
        policy, _ = world.train(ADA, **options)
        found[name] = measure_lengths(world, policy, 96)
    return found


def one_update_is_equal(world: World) -> float:
    """Check that the clip range changes nothing where a batch has one update."""
    trained = [
        parameters_to_vector(
            world.train(ADA, num_epochs=1, num_iterations=2, **options)[0].parameters()
        )
        for options in CLIP_RANGES.values()
    ]
    return float(all(torch.equal(trained[0], other) for other in trained[1:]))


PARTS = {
    "plain": measure_plain,
    "T": measure_token_level,
    "C": measure_clipping,
    "R": measure_shaping,
}


@functools.lru_cache(maxsize=1)
def world_of(seed: int) -> World:
    """Make the world of one seed once for all letters."""
    return World(seed)


def measure_part(letter: str, seed: int) -> dict[str, Any]:
    """Measure one letter's variant in the world of one seed."""
    return PARTS[letter](copy.copy(world_of(seed)))


def paired(
    parts: list[dict[str, Any]], variants: tuple[str, str], key: str
) -> tuple[list[tuple[float, float]], tuple[float, float, float]]:
    """Pair two variants by seed.

    Returns:
        The pairs of values, without seeds where one has none; and the mean difference, first minus
        second, with Student's 95 % interval over seeds.
    """
    first, second = ([part[variant][key] for part in parts] for variant in variants)
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if not math.isnan(a + b)]
    changes = [a - b for a, b in pairs]
    mean, error = statistics.mean(changes), float(stats.sem(changes))
    margin = float(stats.t.ppf(0.975, len(changes) - 1)) * error
    return pairs, (mean, mean - margin, mean + margin)


def comparisons(
    found: dict[str, list[dict[str, Any]]],
) -> list[tuple[str, list[dict[str, Any]], tuple[str, str], str, str]]:
    """List what is compared: name, parts, the two variants, key, unit."""
    full, *others = VARIANTS
    higher, symmetric, none = CLIP_RANGES
    plain = [
        ("the notebook's world", found["plain"], (other, full), "satisfied", "share")
        for other in others
    ]
    rambling = [
        ("T, a log that rambles", found["T"], ("with T", "without T"), key, unit)
        for key, unit in (
            ("tokens, right", "tokens"), ("tokens, others", "tokens"), ("right", "share"),
        )
    ]  # fmt: skip
    rare = [
        ("C, a rare wish", found["C"], (higher, other), key, "share")
        for key in ("guarded", "all wishes", "clipped")
        for other in (symmetric, none)
    ]
    long = [
        ("R, a judge that likes length", found["R"], ("with R", "without R"), key, unit)
        for key, unit in (("cut", "share"), ("right", "share"), ("tokens, right", "tokens"))
    ]
    return plain + rambling + rare + long


def figures_of(found: dict[str, list[dict[str, Any]]], is_equal: float) -> list[Figure]:
    """Turn what the seeds gave into figures: both means, and the paired difference."""
    figures = []
    for name, parts, variants, key, unit in comparisons(found):
        pairs, (mean, low, high) = paired(parts, variants, key)
        for variant, values in zip(variants, zip(*pairs, strict=True), strict=True):
            figures.append(Figure(f"{name}, {key}: {variant}", statistics.mean(values), unit))
        label = f"{name}, {key}: {variants[0]} minus {variants[1]} [{low:.3f}, {high:.3f}]"
        figures.append(Figure(label, mean, unit))
    name = "C, one update per batch: three clip ranges give the same weights"
    return [*figures, Figure(name, is_equal, "1 = yes", "1", is_equal == 1)]


def means_of(
    found: dict[str, list[dict[str, Any]]],
) -> dict[str, tuple[float, float, float]]:
    """Collect what the prose may cite: the paired differences, with their intervals."""
    means = {}
    for name, parts, variants, key, _ in comparisons(found):
        _, difference = paired(parts, variants, key)
        means[f"ablation: {name}, {key}, {variants[0]} minus {variants[1]}"] = difference
    return means


def main() -> None:
    """Measure the seeds that are missing in build/benchmarks/, then write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--letters", nargs="*", default=list(PARTS), choices=list(PARTS))
    options = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {letter: [] for letter in options.letters}
    for seed in options.seeds:
        for letter in options.letters:
            print(f"seed {seed}, {letter}, commit {commit()}", flush=True)
            name = f"ablation-{letter}-{seed}"
            found[letter].append(keep_part(name, functools.partial(measure_part, letter, seed)))
            print(found[letter][-1], flush=True)
    if set(options.letters) != set(PARTS) or len(options.seeds) < 2:
        return
    is_equal = keep_part("ablation-one-update", lambda: one_update_is_equal(world_of(0)))
    note = (
        f"Seeds {', '.join(map(str, options.seeds))}; {profile_sizes('full')['rounds']} rounds as "
        "in the notebook; "
        f"{NUM_REQUESTS} requests per policy, temperature 1 (all wishes: 0.7). Differences are "
        "paired by seed, with Student's 95 % interval over seeds."
    )
    title, figures = "T, C and R in the live world", figures_of(found, is_equal)
    save("ablation", title, figures, note, means=means_of(found))


if __name__ == "__main__":
    main()
