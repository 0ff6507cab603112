"""Notes in the prompt against learning in the weights: what each of them costs and can do.

One seed's world is measured by ``personalization``, which calls ``measure_injection`` with its
models. All shares are first responses that meet every wish, at temperature 0.7, on unseen tasks.
"""

import random
import statistics
import time
from typing import Any

import numpy as np
from torch import nn

from nexa_helpers.developers import Developer
from nexa_helpers.live_evaluation import (
    draw_caches,
    play_sessions,
    satisfaction,
    satisfaction_over_caches,
)
from nexa_helpers.policy import sample_responses
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.runtime import set_seed
from nexa_helpers.tasks import FEATURES, STYLES, TASKS, comply, write_response

# A developer with a wish for each of the six features.
EDDA = Developer("Edda", {feature: values[0] for feature, values in FEATURES.items()})
NUM_SESSIONS = 12  # how long a developer works with the assistant


def opposite_of(wish: str) -> str:
    """Name the other value of a wish's feature."""
    [values] = [set(values) for values in FEATURES.values() if wish in values]
    (other,) = values - {wish}
    return other


def write_note(rng: random.Random, wish: str, sentence_split: str) -> str:
    """Write a correction that names one wish, as a developer would say it."""
    [feature] = [feature for feature, values in FEATURES.items() if wish in values]
    asker = Developer("a note", {feature: wish})
    while True:
        task = rng.choice(TASKS["train"])
        wrong = write_response(task, comply(rng.choice(STYLES), opposite_of(wish)))
        reply = asker.reply(rng, task, wrong, sentence_split=sentence_split)
        if reply.complaint == wish:
            return reply.text


def write_caches(
    seed: int, wishes: list[str], sentence_split: str = "train", num_caches: int = 20
) -> list[PromptInjectionBaseline]:
    """Fill caches with one note for each wish, oldest first."""
    rng = random.Random(f"notes {seed}")
    caches = [PromptInjectionBaseline() for _ in range(num_caches)]
    for cache in caches:
        for wish in wishes:
            cache.add_correction(write_note(rng, wish, sentence_split))
    return caches


def corrections_until_stable(
    corrected: np.ndarray, window: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Count corrections up to the first sessions in a row whose first response needs none.

    Args:
        corrected: (sessions, turns, copies) of ``play_sessions``.
        window: How many sessions in a row.

    Returns:
        For each copy the corrections given before that window (all of them, where there is none),
        and whether there was one.
    """
    good = ~corrected[:, 0, :]
    runs = np.lib.stride_tricks.sliding_window_view(good, window, axis=0).all(axis=-1)
    is_stable = runs.any(axis=0)
    first = np.where(is_stable, runs.argmax(axis=0), len(corrected))
    given = np.concatenate([[np.zeros_like(first)], corrected.sum(axis=1).cumsum(axis=0)])
    return given[first, np.arange(len(first))], is_stable


def measure_cost(
    reference: nn.Module, developer: Developer, tokenizer: Any, cache: PromptInjectionBaseline
) -> dict[str, float]:
    """Measure tokens and seconds per request, with notes and without, in turn."""
    rng = random.Random(0)
    asked = [developer.ask(rng, rng.choice(TASKS["test"])) for _ in range(12)]
    prefixes = {"with notes": cache.prefix(), "without notes": ""}
    seconds: dict[str, list[float]] = {name: [] for name in prefixes}
    lengths: dict[str, list[int]] = {name: [] for name in prefixes}
    for text in asked:
        for name, prefix in prefixes.items():
            set_seed(0)
            started = time.perf_counter()
            request = [{"role": "user", "content": text}]
            [sample] = sample_responses(reference, [request], tokenizer, prefix=prefix)
            spent = time.perf_counter() - started
            seconds[name].append(1000 * spent / max(len(sample["response_ids"]), 1))
            lengths[name].append(len(tokenizer.encode(f"{prefix}\n\nHuman: {text}")))
    # The first requests warm up.
    costs = {f"ms per token, {name}": statistics.median(each[2:]) for name, each in seconds.items()}
    costs |= {f"prompt tokens, {name}": statistics.mean(each) for name, each in lengths.items()}
    return costs


def measure_notes(
    reference: nn.Module, developer: Developer, tokenizer: Any, seed: int
) -> dict[str, float]:
    """Measure what notes can do: one for each wish, in new words, contradicted by newer ones."""
    wishes = list(developer.wishes.values())
    outdated = [opposite_of(wish) for wish in wishes]
    kinds = {
        "a note per wish, known words": write_caches(seed, wishes),
        "a note per wish, new words": write_caches(seed, wishes, "test"),
        "older notes say the opposite": write_caches(seed, [*outdated, *wishes]),
    }
    shares = {}
    for name, caches in kinds.items():
        set_seed(seed)
        happy = satisfaction_over_caches(reference, developer, tokenizer, caches)
        shares[name] = float(happy.mean())
    return shares


def measure_sessions(
    reference: nn.Module, policy: nn.Module, developer: Developer, tokenizer: Any, seed: int
) -> dict[str, float]:
    """Measure corrections until satisfied, and satisfaction at once and five sessions later."""
    figures = {}
    contestants = {"prompt injection": (reference, 10), "personal policy": (policy, 0)}
    for name, (model, max_notes) in contestants.items():
        set_seed(seed)
        corrected = play_sessions(
            model, developer, tokenizer, NUM_SESSIONS, 2, 20, max_notes, seed=seed
        )
        given, is_stable = corrections_until_stable(corrected)
        figures[f"{name}: corrections until satisfied"] = float(np.median(given))
        figures[f"{name}: satisfied within {NUM_SESSIONS} sessions"] = float(is_stable.mean())
        for number in (1, 6):
            share = 1 - corrected[number - 1, 0].mean()
            figures[f"{name}: satisfied, session {number}"] = float(share)
    return figures


def measure_six_wishes(reference: nn.Module, policy: nn.Module, tokenizer: Any, seed: int) -> Any:
    """Measure a developer with six wishes: caches of ten notes, of four, and the weights."""
    set_seed(seed)
    caches = draw_caches(reference, EDDA, tokenizer, seed=seed)
    figures = {}
    for size in (10, 4):
        short = [PromptInjectionBaseline(size) for _ in caches]
        for cache, full in zip(short, caches, strict=True):
            cache.correction_cache.extend(full.correction_cache)
        set_seed(seed)
        happy = satisfaction_over_caches(reference, EDDA, tokenizer, short)
        figures[f"six wishes, {size} notes"] = float(happy.mean())
    set_seed(seed)
    figures["six wishes, personal policy"] = satisfaction(policy, EDDA, tokenizer).value
    return figures


def measure_injection(
    reference: nn.Module, policy: nn.Module, developer: Developer, tokenizer: Any, seed: int
) -> dict[str, float]:
    """Measure everything about one developer in one seed's world."""
    set_seed(seed)
    [cache] = draw_caches(reference, developer, tokenizer, num_caches=1, seed=seed)
    figures = measure_cost(reference, developer, tokenizer, cache)
    figures |= measure_notes(reference, developer, tokenizer, seed)
    return figures | measure_sessions(reference, policy, developer, tokenizer, seed)
