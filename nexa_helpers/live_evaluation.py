"""Section 6.2: is a live developer satisfied? True wishes, not what the PRM believes.

Simulated developers know what they like. Their requests are those of the test split, which no
training has seen.
"""

import random
from collections import Counter, deque
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from scipy import stats
from torch import nn

from nexa_helpers.developers import Developer, LiveSession, write_preferences
from nexa_helpers.evaluation import Share, share_of
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.policy import sample_responses
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.tasks import TASKS, Task, find_slips, read_response
from nexa_helpers.training import collect_rollouts

MOST_TOKENS = 544  # of a context with notes in front: all that fits beside a response


def satisfaction(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_requests: int = 200,
    prefix: str = "",
    seed: int = 1,
    temperature: float = 0.7,
) -> Share:
    """Share of first responses that a developer truly has no complaint about.

    This is measured against the developer's known wishes, not with the PRM. The tasks are those
    of the test split, which no training has seen.

    Args:
        policy: Samples one response per request.
        developer: Who asks.
        tokenizer: The tokenizer of the policy.
        num_requests: How many requests.
        prefix: Text in front of every conversation (the baseline's corrections).
        seed: Seed of the requests; the policy samples from torch's global generator.
        temperature: Of the samples. Assistants respond below 1, where slips are rare.

    Returns:
        The share, and its 95 % interval.
    """
    rng = random.Random(seed)
    tasks = [rng.choice(TASKS["test"]) for _ in range(num_requests)]
    contexts = [[{"role": "user", "content": developer.ask(rng, task)}] for task in tasks]
    samples = []
    for start in range(0, num_requests, 200):  # in parts, to bound the memory
        part = contexts[start : start + 200]
        samples += sample_responses(policy, part, tokenizer, prefix=prefix, temperature=temperature)
    happy = sum(
        developer.complaint(task, sample["response"]) is None
        for task, sample in zip(tasks, samples, strict=True)
    )
    return share_of(happy, num_requests)


def count_slips(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_requests: int = 200,
    seed: int = 1,
    temperature: float = 0.7,
) -> dict[str, tuple[int, int]]:
    """Count first responses with a test that is not true, or words about another task.

    Args:
        policy: Samples one response per request.
        developer: Who asks; the wishes do not matter.
        tokenizer: The tokenizer of the policy.
        num_requests: How many requests, the same as those of ``satisfaction``.
        seed: Seed of the requests; the policy samples from torch's global generator.
        temperature: Of the samples.

    Returns:
        For "false test", "foreign docstring" and "foreign explanation": how many responses have
        it, and how many have a test, a docstring or an explanation at all. A response that cannot
        be read has none of them.
    """
    tasks, responses = answer_requests(
        policy, developer, tokenizer, num_requests, seed=seed, temperature=temperature
    )
    slips: Counter[str] = Counter()
    present: Counter[str] = Counter()
    for task, response in zip(tasks, responses, strict=True):
        parsed = read_response(response)
        if parsed is None:
            continue
        slips.update(find_slips(task, parsed))
        parts = {"tests": parsed.tests, "docs": parsed.docstring, "length": parsed.explanation}
        present.update(feature for feature, part in parts.items() if part)
    kinds = {"false test": "tests", "foreign docstring": "docs", "foreign explanation": "length"}
    return {kind: (slips[feature], present[feature]) for kind, feature in kinds.items()}


def play_sessions(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_sessions: int = 5,
    turns_per_session: int = 2,
    num_copies: int = 40,
    max_notes: int = 0,
    seed: int = 1,
    temperature: float = 0.7,
) -> np.ndarray:
    """Play sessions one after another, and record which responses needed a correction.

    Several copies of the developer work side by side, each with requests of their own. With
    ``max_notes``, each copy keeps the last replies with a negative keyword, and they stand in
    front of its next sessions: prompt injection, from an empty cache on.

    Args:
        policy: Writes the responses; it does not change.
        developer: Who asks and replies.
        tokenizer: The tokenizer of the policy.
        num_sessions: Sessions of each copy.
        turns_per_session: Responses per session.
        num_copies: Copies of the developer.
        max_notes: Most corrections in front of a session; 0 for none.
        seed: Seed of the requests and replies; the policy samples from torch's generator.
        temperature: Of the samples, as in ``satisfaction``.

    Returns:
        Booleans (sessions, turns, copies): True where the developer truly had a complaint.
    """
    notes: list[deque[str]] = [deque(maxlen=max_notes) for _ in range(num_copies)]
    corrected = np.zeros((num_sessions, turns_per_session, num_copies), dtype=bool)
    for number in range(num_sessions):
        sessions = [
            LiveSession(developer, random.Random(f"{seed} {number} {copy}"), 0.0, tasks="test")
            for copy in range(num_copies)
        ]
        for session, corrections in zip(sessions, notes, strict=True):
            if corrections:
                text = write_preferences(corrections)
                session.context.insert(0, {"role": "user", "content": text})
        for turn in range(turns_per_session):
            contexts = [session.context for session in sessions]
            samples = sample_responses(policy, contexts, tokenizer, temperature=temperature)
            for copy, (session, sample) in enumerate(zip(sessions, samples, strict=True)):
                complaint = developer.complaint(session.task, sample["response"])
                corrected[number, turn, copy] = complaint is not None
                (feedback,) = session.answer([sample["response"]])
                if keyword_labels([{"response": "", "feedback": feedback or ""}]) == [-1]:
                    notes[copy].append(" ".join(str(feedback).split())[:100])
    return corrected


def draw_caches(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_caches: int = 20,
    num_sessions: int = 16,
    turns_per_session: int = 2,
    seed: int = 0,
) -> list[PromptInjectionBaseline]:
    """Let a policy work with a developer, and cache the corrections: several times over.

    Which corrections a cache happens to contain is chance. Each draw has conversations of its own.

    Args:
        policy: The deployed model.
        developer: Who asks and replies.
        tokenizer: The tokenizer of the policy.
        num_caches: How many caches to draw.
        num_sessions: Sessions per cache.
        turns_per_session: Most turns of a session.
        seed: Seed of the developer; the policy samples from torch's global generator.

    Returns:
        One baseline per draw, with the last corrections of its own sessions.
    """
    sizes = {"num_sessions": num_caches * num_sessions, "turns_per_session": turns_per_session}
    records = collect_rollouts(policy, developer, tokenizer, group_size=1, seed=seed, **sizes)
    caches = [PromptInjectionBaseline() for _ in range(num_caches)]
    for number, cache in enumerate(caches):
        cache.learn(
            [
                record
                for record in records
                if record["session"] // num_sessions == number and record["feedback"] is not None
            ]
        )
    return caches


def answer_requests(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_requests: int = 200,
    caches: list[PromptInjectionBaseline] | None = None,
    seed: int = 1,
    temperature: float = 0.7,
) -> tuple[list[Task], list[str]]:
    """Let a policy respond to requests for tasks that no training has seen.

    Args:
        policy: Samples one response per request.
        developer: Who asks.
        tokenizer: The tokenizer of the policy.
        num_requests: How many requests.
        caches: Corrections to put in front; each cache serves an equal part of the requests, the
            first one the first part. None puts nothing in front.
        seed: Seed of the requests; the policy samples from torch's global generator.
        temperature: Of the samples.

    Returns:
        The tasks, and the response to each.
    """
    rng = random.Random(seed)
    tasks = [rng.choice(TASKS["test"]) for _ in range(num_requests)]
    contexts = []
    for number, task in enumerate(tasks):
        turns = [{"role": "user", "content": developer.ask(rng, task)}]
        cache = caches[number * len(caches) // num_requests].correction_cache if caches else ()
        if cache:
            turns.insert(0, {"role": "user", "content": write_preferences(cache)})
        contexts.append(turns)
    responses = []
    for start in range(0, num_requests, 200):  # in parts, to bound the memory
        part = contexts[start : start + 200]
        samples = sample_responses(
            policy, part, tokenizer, max_context=MOST_TOKENS, temperature=temperature
        )
        responses += [sample["response"] for sample in samples]
    return tasks, responses


def satisfaction_over_caches(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    caches: list[PromptInjectionBaseline],
    requests_per_cache: int = 10,
    seed: int = 1,
    temperature: float = 0.7,
) -> np.ndarray:
    """Ask a few requests of each cache: which first responses meet all wishes?

    Args:
        policy: The deployed model.
        developer: Who asks, and judges by the true wishes.
        tokenizer: The tokenizer of the policy.
        caches: What ``draw_caches`` returns.
        requests_per_cache: Requests per cache, each cache its own.
        seed: Seed of the requests; the policy samples from torch's global generator.
        temperature: Of the samples.

    Returns:
        Booleans (caches, requests): True where the developer truly has no complaint. The mean of
        a row is the share of one draw.
    """
    tasks, responses = answer_requests(
        policy, developer, tokenizer, len(caches) * requests_per_cache, caches, seed, temperature
    )
    happy = [
        developer.complaint(task, response) is None
        for task, response in zip(tasks, responses, strict=True)
    ]
    return np.array(happy, dtype=bool).reshape(len(caches), requests_per_cache)


def share_over_draws(happy: np.ndarray, seed: int = 0) -> Share:
    """Compute a share with a 95 % interval that covers the draws and the requests.

    A cluster bootstrap (percentile method): whole draws are drawn again, each with the requests
    that it was asked, so both kinds of chance are in it. Requests of one draw share their luck,
    which an interval that counts all requests together does not see. Where all draws are alike the
    bootstrap has nothing to vary; so the interval is never narrower than Wilson's.

    Args:
        happy: (draws, requests) booleans, at least two draws.
        seed: Seed of the bootstrap.

    Returns:
        The share, and its 95 % interval.

    Raises:
        ValueError: There are fewer than two draws, or no request.
    """
    if happy.ndim != 2 or happy.shape[0] < 2 or not happy.shape[1]:
        raise ValueError(f"happy: expected (draws, requests), two draws or more, got {happy.shape}")
    rates = happy.mean(axis=1)
    counted = share_of(int(happy.sum()), happy.size)
    if np.ptp(rates) == 0:
        return counted
    interval = stats.bootstrap(
        (rates,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    low, high = min(float(interval.low), counted.low), max(float(interval.high), counted.high)
    return Share(float(rates.mean()), low, high)


def cross_satisfaction(
    policies: dict[str, nn.Module],
    developers: list[Developer],
    tokenizer: Any,
    num_requests: int = 200,
    seed: int = 1,
) -> dict[tuple[str, str], Share]:
    """Score each policy with each developer, on the same requests.

    Args:
        policies: Policies by name.
        developers: Who asks.
        tokenizer: The tokenizer of the policies.
        num_requests: Requests per pair.
        seed: Seed of the requests and of the samples.

    Returns:
        For each (policy, developer) what ``satisfaction`` returns.
    """
    results = {}
    for name, policy in policies.items():
        for developer in developers:
            torch.manual_seed(seed)
            results[name, developer.name] = satisfaction(
                policy, developer, tokenizer, num_requests, seed=seed
            )
    return results


def plot_correction_rates(corrected: dict[str, np.ndarray]) -> Figure:
    """Draw the correction rate of the first response of each session, with 95 % intervals.

    Args:
        corrected: For each contestant what ``play_sessions`` returns.

    Returns:
        A figure with one axis.
    """
    looks = zip(("grey", "tab:orange", "tab:blue"), ("s", "^", "o"), strict=True)
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for (name, flags), (color, marker) in zip(corrected.items(), looks, strict=False):
        first = flags[:, 0, :]  # later responses follow a correction of the same session
        rates = first.mean(axis=1)
        shares = [share_of(int(row.sum()), len(row)) for row in first]
        whiskers = np.abs([[share.low, share.high] for share in shares] - rates[:, None]).T
        sessions = np.arange(1, len(first) + 1)
        axis.errorbar(sessions, rates, whiskers, color=color, marker=marker, capsize=3, label=name)
    axis.set_xticks(range(1, len(first) + 1))
    axis.set(xlabel="session", ylabel="corrected first responses (share)", ylim=(0, 1.02))
    axis.set_title("Correction Rate by Session, 95 % Intervals")
    axis.legend(loc="center", bbox_to_anchor=(0.5, 0.3))  # between the lines
    return figure


def plot_cross_satisfaction(
    results: dict[tuple[str, str], Share],
) -> Figure:
    """Draw how often each policy satisfies each developer, as a table with shades.

    Args:
        results: What ``cross_satisfaction`` returns.

    Returns:
        A figure with one axis and a color bar.
    """
    policies = list(dict.fromkeys(name for name, _ in results))
    developers = list(dict.fromkeys(who for _, who in results))
    shares = np.array([[results[name, who].value for who in developers] for name in policies])
    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        found = results[policies[row], developers[column]]
        color = "black" if share > 0.5 else "white"
        text = f"{share:.2f}\n[{found.low:.2f}, {found.high:.2f}]"
        axis.text(column, row, text, ha="center", va="center", color=color)
    axis.set_xticks(range(len(developers)), developers)
    axis.set_yticks(range(len(policies)), policies)
    axis.set(xlabel="developer who asks", ylabel="policy", title="Satisfied First Requests")
    figure.colorbar(image, label="share of requests")
    return figure
