"""Section 6: did it work? One metric for policy and baseline, each with an interval.

Intervals come from scipy. What live developers say is in `live_evaluation`.
"""

import math
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from scipy import stats
from torch import nn

from nexa_helpers.feedback import keyword_labels
from nexa_helpers.policy import encode_examples, response_log_probs, response_mask


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
        test_triples: Triples with ``context``, ``response`` and ``feedback``; none is
            an error.
        tokenizer: Turns text into ids.
        baseline_accuracy: The preference accuracy of the baseline on the same rows.

    Returns:
        A dict with

        - ``log_prob_improvements``: for each triple the mean log-prob of its response
          given its context (nats per response token, end-of-text included, as
          ``encode_examples`` counts) under the policy minus that under the reference;
        - ``preference_accuracy``: the mean of two shares, praised responses that moved
          up and corrected ones that moved down (the one share, if the other kind is
          missing; 0.0 with neither kind). No move is wrong;
        - ``mean_kl``: k3 against the reference, mean over all response tokens, nats;
        - ``correction_rate_reduction``: (b - e) / b, with the error rates
          e = 1 - accuracy and b = 1 - ``baseline_accuracy``; 0.0 where b is 0.
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


class Share(NamedTuple):
    """A share of trials in [0, 1], with its 95 % interval."""

    value: float
    low: float
    high: float


def share_of(successes: int, trials: int) -> Share:
    """Compute a share with Wilson's 95 % interval.

    Args:
        successes: How often it happened.
        trials: How often it could have happened, at least 1.
    """
    interval = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    return Share(successes / trials, float(interval.low), float(interval.high))


def share_difference(one: Share, other: Share) -> Share:
    """Subtract two shares that were measured apart, with a 95 % interval.

    The interval is made from those of the shares (MOVER: Zou & Donner 2008,
    doi:10.1002/sim.3095; with Wilson's it is Newcombe's).

    Args:
        one: A share and its interval.
        other: The share that is subtracted.

    Returns:
        one - other, in [-1, 1], and its interval.
    """
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    high = value + math.hypot(one.high - one.value, other.value - other.low)
    return Share(value, low, high)


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
def pairwise_accuracy(policy: nn.Module, pairs: list[dict[str, Any]], tokenizer: Any) -> Share:
    """Share of pairs in which the policy finds the chosen ending likelier than the rejected one.

    Likelier means a higher mean log-prob per token, so that length alone does not decide.

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
    return share_of(wins, len(pairs))


@torch.no_grad()
def exact_kl(policy: nn.Module, ref_policy: nn.Module, batch: dict[str, torch.Tensor]) -> float:
    """KL(policy || reference) over the whole vocabulary, mean over response tokens.

    Args:
        policy: The trained policy.
        ref_policy: The reference.
        batch: What ``encode_examples`` returns.

    Returns:
        Nats per token. No sampling: every token of the vocabulary is counted.
    """
    time = batch["response_ids"].shape[1]
    mask = response_mask(batch["response_lengths"], time)
    log_probs = []
    for model in (policy, ref_policy):
        hidden = model.features(batch["input_ids"], batch["attention_mask"])[:, -time - 1 : -1]
        log_probs.append(F.log_softmax(model.head(hidden[mask]), dim=-1))
    return F.kl_div(log_probs[1], log_probs[0], log_target=True, reduction="batchmean").item()


def centered_mean(values: list[float], window: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth a curve without shifting it.

    Args:
        values: One number per step.
        window: Steps to average over; shortened where there are fewer values.

    Returns:
        The step in the middle of each window, and the mean of the window.
    """
    window = max(1, min(window, len(values)))
    means = np.convolve(values, np.ones(window) / window, mode="valid")
    return np.arange(len(means)) + (window - 1) / 2, means
