"""Section 6: did it work? One metric for policy and baseline, each with an interval.

Intervals come from scipy. Simulated developers know what they like, so the last functions
measure true satisfaction, not what the PRM believes.
"""

import random
from collections import deque
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from scipy import stats
from torch import nn

from nexa_helpers.developers import Developer, LiveSession, write_preferences
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.policy import encode_examples, response_log_probs, response_mask, sample_responses
from nexa_helpers.tasks import TASKS


@torch.no_grad()
def evaluate_personalization(
    policy: nn.Module,
    ref_policy: nn.Module,
    test_triples: list[dict[str, Any]],
    tokenizer: Any,
    baseline_accuracy: float,
) -> dict[str, Any]:
    """Compare a policy with its reference on held-out turns.

    Args:
        policy: The trained policy.
        ref_policy: The frozen reference.
        test_triples: Triples with ``context``, ``response`` and ``feedback``.
        tokenizer: Turns text into ids.
        baseline_accuracy: The preference accuracy of the baseline on the same rows.

    Returns:
        A dict with

        - ``log_prob_improvements``: for each triple the mean log-prob of its response
          given its context (nats a response token, end-of-text included, as
          ``encode_examples`` counts) under the policy minus that under the reference;
        - ``preference_accuracy``: the mean of two shares, praised responses that moved
          up and corrected ones that moved down (the one share, if the other kind is
          missing; 0.0 with neither kind). No move is wrong;
        - ``mean_kl``: k3 against the reference, mean over all response tokens, nats;
        - ``correction_rate_reduction``: how far 1 - accuracy fell against the
          baseline's, as a share of the baseline's; 0.0 where the baseline has none.

    Raises:
        ValueError: ``test_triples`` is empty.
    """
    if not test_triples:
        raise ValueError("test_triples: expected at least one triple, got none")
    policy.eval()
    ref_policy.eval()
    device = next(policy.parameters()).device
    improvements: list[float] = []
    kl_sum, num_tokens = 0.0, 0
    for start in range(0, len(test_triples), 32):
        batch = encode_examples(test_triples[start : start + 32], tokenizer, device=device)
        lengths = batch["response_lengths"]
        moved = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
        improvements += (moved.sum(dim=1) / lengths).tolist()
        kl_sum += (torch.exp(-moved) + moved - 1).sum().item()  # k3; padding adds exp(0) - 1 = 0
        num_tokens += int(lengths.sum())
    labels = keyword_labels(test_triples)
    praised = [x > 0 for x, label in zip(improvements, labels, strict=True) if label > 0]
    corrected = [x < 0 for x, label in zip(improvements, labels, strict=True) if label < 0]
    shares = [sum(moves) / len(moves) for moves in (praised, corrected) if moves]
    accuracy = sum(shares) / len(shares) if shares else 0.0
    baseline_rate = 1 - baseline_accuracy
    reduction = (baseline_rate - (1 - accuracy)) / baseline_rate if baseline_rate > 0 else 0.0
    return {
        "preference_accuracy": accuracy,
        "mean_kl": kl_sum / num_tokens,
        "correction_rate_reduction": reduction,
        "log_prob_improvements": improvements,
    }


def plot_comparison(
    baseline_accuracy: float,
    policy_accuracy: float,
    baseline_interval: tuple[float, float] | None = None,
    policy_interval: tuple[float, float] | None = None,
) -> Figure:
    """Draw the preference accuracy of the baseline and of the policy as two bars.

    Args:
        baseline_accuracy: In [0, 1].
        policy_accuracy: In [0, 1].
        baseline_interval: Its 95 % interval (low, high), drawn as a whisker if given.
        policy_interval: The same for the policy.

    Returns:
        A figure with one axis that runs from 0 to 1, with an x label, a y label and a
        title.
    """
    figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
    heights = [baseline_accuracy, policy_accuracy]
    bars = axis.bar(["prompt injection", "GRPO-TCR"], heights, color=["grey", "tab:blue"])
    axis.bar_label(bars, fmt="%.2f", label_type="center", color="white")
    for x, interval in enumerate((baseline_interval, policy_interval)):
        if interval is not None:
            axis.vlines(x, *interval, color="black", linewidth=2)
    axis.axhline(0.5, color="black", linestyle="--", linewidth=1, label="no skill (0.5)")
    axis.set(xlabel="method", ylabel="preference accuracy", ylim=(0, 1))
    axis.set_title("Preference Accuracy on Held-out Turns")
    axis.legend()
    return figure


def proportion_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion.

    Args:
        successes: How often it happened.
        trials: How often it could have happened, at least 1.

    Returns:
        (low, high), each in [0, 1].
    """
    interval = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def preference_interval(
    improvements: list[float], labels: list[int], seed: int = 0
) -> tuple[float, float]:
    """Bootstrap the 95 % interval of the preference accuracy (percentile method).

    Praised and corrected rows are drawn again separately: the accuracy is a mean of two shares.

    Args:
        improvements: ``log_prob_improvements``.
        labels: Keyword labels of the same rows: -1, 0 or +1.
        seed: Seed of the draws.

    Returns:
        (low, high), or (nan, nan) where there are fewer than two rows of either kind.
    """
    moves = np.array(improvements)
    kinds = np.array(labels)
    praised, corrected = moves[kinds > 0] > 0, moves[kinds < 0] < 0
    if min(len(praised), len(corrected)) < 2:
        return float("nan"), float("nan")
    result = stats.bootstrap(
        (praised.astype(float), corrected.astype(float)),
        lambda up, down, axis: (up.mean(axis=axis) + down.mean(axis=axis)) / 2,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


@torch.no_grad()
def pairwise_accuracy(
    policy: nn.Module, pairs: list[dict[str, Any]], tokenizer: Any
) -> tuple[float, tuple[float, float]]:
    """Share of pairs in which the policy finds the chosen ending likelier than the rejected one.

    Likelier means a higher mean log-prob a token, so that length alone does not decide.

    Args:
        policy: A ``SimplePolicy``.
        pairs: What ``preference_pairs`` returns.
        tokenizer: Turns text into ids.

    Returns:
        The share, and its 95 % interval.

    Raises:
        ValueError: ``pairs`` is empty.
    """
    if not pairs:
        raise ValueError("pairs: expected at least one pair, got none")
    device = next(policy.parameters()).device
    wins = 0
    for start in range(0, len(pairs), 32):
        part = pairs[start : start + 32]
        means = []
        for ending in ("chosen", "rejected"):
            examples = [{"context": pair["context"], "response": pair[ending]} for pair in part]
            batch = encode_examples(examples, tokenizer, device=device)
            means.append(response_log_probs(policy, batch).sum(dim=1) / batch["response_lengths"])
        wins += int((means[0] > means[1]).sum())
    return wins / len(pairs), proportion_interval(wins, len(pairs))


@torch.no_grad()
def exact_kl(policy: nn.Module, ref_policy: nn.Module, batch: dict[str, torch.Tensor]) -> float:
    """KL(policy || reference) over the whole vocabulary, mean over response tokens.

    Args:
        policy: The trained policy.
        ref_policy: The reference.
        batch: What ``encode_examples`` returns.

    Returns:
        Nats a token. No sampling: every token of the vocabulary is counted.
    """
    time = batch["response_ids"].shape[1]
    mask = response_mask(batch["response_lengths"], time)
    log_probs = []
    for model in (policy, ref_policy):
        hidden = model.features(batch["input_ids"], batch["attention_mask"])[:, -time - 1 : -1]
        log_probs.append(F.log_softmax(model.head(hidden[mask]), dim=-1))
    return F.kl_div(log_probs[1], log_probs[0], log_target=True, reduction="batchmean").item()


def satisfaction(
    policy: nn.Module,
    developer: Developer,
    tokenizer: Any,
    num_requests: int = 200,
    prefix: str = "",
    seed: int = 1,
    temperature: float = 0.7,
) -> tuple[float, tuple[float, float]]:
    """Share of first responses that a developer truly has no complaint about.

    This is measured against the developer's known wishes, not with the PRM. The tasks are those
    of the test split, which no training has seen.

    Args:
        policy: Samples one response a request.
        developer: Who asks.
        tokenizer: The tokenizer of the policy.
        num_requests: How many requests.
        prefix: Text in front of every conversation (the baseline's corrections).
        seed: Seed of the requests; the policy samples from torch's global generator.
        temperature: Of the samples. Assistants answer below 1, where slips are rare.

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
    return happy / num_requests, proportion_interval(happy, num_requests)


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
        developer: Who asks and answers.
        tokenizer: The tokenizer of the policy.
        num_sessions: Sessions of each copy.
        turns_per_session: Responses a session.
        num_copies: Copies of the developer.
        max_notes: Most corrections in front of a session; 0 for none.
        seed: Seed of the requests and answers; the policy samples from torch's generator.
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
                (answer,) = session.answer([sample["response"]])
                if keyword_labels([{"response": "", "feedback": answer or ""}]) == [-1]:
                    notes[copy].append(" ".join(str(answer).split())[:100])
    return corrected


def cross_satisfaction(
    policies: dict[str, nn.Module],
    developers: list[Developer],
    tokenizer: Any,
    num_requests: int = 200,
    seed: int = 1,
) -> dict[tuple[str, str], tuple[float, tuple[float, float]]]:
    """Score each policy with each developer, on the same requests.

    Args:
        policies: Policies by name.
        developers: Who asks.
        tokenizer: The tokenizer of the policies.
        num_requests: Requests a pair.
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


def centred_mean(values: list[float], window: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth a curve without shifting it.

    Args:
        values: One number a step.
        window: Steps to average over; shortened where there are fewer values.

    Returns:
        The step in the middle of each window, and the mean of the window.
    """
    window = max(1, min(window, len(values)))
    means = np.convolve(values, np.ones(window) / window, mode="valid")
    return np.arange(len(means)) + (window - 1) / 2, means


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
        intervals = [proportion_interval(int(row.sum()), len(row)) for row in first]
        whiskers = np.abs(np.array(intervals).T - rates)
        sessions = np.arange(1, len(first) + 1)
        axis.errorbar(sessions, rates, whiskers, color=color, marker=marker, capsize=3, label=name)
    axis.set_xticks(range(1, len(first) + 1))
    axis.set(xlabel="session", ylabel="corrected first responses (share)", ylim=(0, 1.02))
    axis.set_title("Correction Rate by Session, 95 % Intervals")
    axis.legend(loc="center", bbox_to_anchor=(0.5, 0.3))  # between the lines
    return figure


def plot_cross_satisfaction(
    results: dict[tuple[str, str], tuple[float, tuple[float, float]]],
) -> Figure:
    """Draw how often each policy satisfies each developer, as a table with shades.

    Args:
        results: What ``cross_satisfaction`` returns.

    Returns:
        A figure with one axis and a colour bar.
    """
    policies = list(dict.fromkeys(name for name, _ in results))
    developers = list(dict.fromkeys(who for _, who in results))
    shares = np.array([[results[name, who][0] for who in developers] for name in policies])
    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        low, high = results[policies[row], developers[column]][1]
        color = "black" if share > 0.5 else "white"
        text = f"{share:.2f}\n[{low:.2f}, {high:.2f}]"
        axis.text(column, row, text, ha="center", va="center", color=color)
    axis.set_xticks(range(len(developers)), developers)
    axis.set_yticks(range(len(policies)), policies)
    axis.set(xlabel="developer who asks", ylabel="policy", title="Satisfied First Requests")
    figure.colorbar(image, label="share of requests")
    return figure
