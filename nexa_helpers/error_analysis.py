"""Section 7: which complaints remain: by keyword in the log, and in the developers' own terms."""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from nexa_helpers.developers import Developer
from nexa_helpers.feedback import keyword_labels, words
from nexa_helpers.policy import encode_examples, response_log_probs
from nexa_helpers.tasks import ParsedResponse, Task, is_right, read_response

ERROR_WORDS = {
    "content_error": frozenset(
        "wrong incorrect error mistake bug false inaccurate".split()
    ),
    "style_mismatch": frozenset(
        "style format formatting tone rude comment comments docstring "
        "underscore camelcase".split()
    ),
    "too_verbose": frozenset("verbose long longer lengthy shorter wordy".split()),
    "too_brief": frozenset("short brief detail details explain elaborate".split()),
    "preference_ignored": frozenset("prefer preference asked instead rather".split()),
}  # fmt: skip


@torch.no_grad()
def categorize_errors(
    policy: nn.Module,
    test_triples: list[dict[str, Any]],
    tokenizer: Any,
    num_samples: int = 50,
    ref_policy: nn.Module | None = None,
) -> dict[str, int]:
    """Count the kinds of complaint, and which ones the policy moved away from.

    Positive feedback is ``correct``. Else the first category of ``ERROR_WORDS`` with a
    word in the feedback counts. With no such word, negative feedback is
    ``preference_ignored`` and neutral feedback ``correct``.

    Args:
        policy: The trained policy.
        test_triples: Triples with ``context``, ``response`` and ``feedback``.
        tokenizer: Turns text into ids.
        num_samples: At most so many triples are taken, from the start.
        ref_policy: The reference. If given, an error whose response the policy finds
            less likely (mean log-prob per token) than the reference is ``correct``.

    Returns:
        A dict of six counts that sum to the triples taken: the categories and
        ``correct``.
    """
    taken = test_triples[:num_samples]
    counts = dict.fromkeys([*ERROR_WORDS, "correct"], 0)
    for triple, label in zip(taken, keyword_labels(taken), strict=True):
        found = set(words(triple["feedback"]))
        category = "preference_ignored" if label < 0 else "correct"
        if label <= 0:
            category = next((name for name in ERROR_WORDS if found & ERROR_WORDS[name]), category)
        if category != "correct" and ref_policy is not None:
            device = next(policy.parameters()).device
            batch = encode_examples([triple], tokenizer, device=device)
            moved = response_log_probs(policy, batch) - response_log_probs(ref_policy, batch)
            if moved.mean() < 0:
                category = "correct"
        counts[category] += 1
    return counts


SLIP_NAMES = {"tests": "false test", "docs": "foreign docstring", "length": "foreign explanation"}


def remaining_complaints(
    developer: Developer,
    tasks: list[Task],
    responses: list[str],
    find_slips: Callable[[Task, ParsedResponse], set[str]] | None = None,
) -> dict[str, int]:
    """Count a developer's true complaints by kind: the first thing that is wrong in a response.

    Args:
        developer: Who judges, by the true wishes.
        tasks: What was asked.
        responses: The response to each task.
        find_slips: Names the features in which a readable response says something false. If given,
            a complaint about such a response counts as that slip (the first of ``SLIP_NAMES``) and
            not as the wish or the content that it spoils.

    Returns:
        Counts that sum to the number of responses: ``"content"`` (the code is wrong or cannot be
        read), the slips where they are looked for, each wish, and ``"none"``.
    """
    slip_names = SLIP_NAMES if find_slips else {}
    kinds = ["content", *slip_names.values(), *developer.wishes.values(), "none"]
    counts = dict.fromkeys(kinds, 0)
    for task, response in zip(tasks, responses, strict=True):
        kind = developer.complaint(task, response)
        parsed = read_response(response)
        if kind is not None and find_slips and parsed is not None and is_right(task, parsed):
            slips = find_slips(task, parsed)
            spoiled = [
                feature
                for feature in slip_names
                if feature in slips and kind in ("content", developer.wishes.get(feature))
            ]
            kind = slip_names[spoiled[0]] if spoiled else kind
        counts[kind or "none"] += 1
    return counts


def plot_complaints(counts: dict[tuple[str, str], dict[str, int]]) -> Figure:
    """Draw what is left to correct, one panel per developer, one bar per contestant and kind.

    Args:
        counts: For each (developer, contestant) what ``remaining_complaints`` returns.

    Returns:
        A figure with one axis per developer; bars are shares of that contestant's responses.
    """
    developers = list(dict.fromkeys(who for who, _ in counts))
    size = (4 * len(developers), 3.4)
    figure, axes = plt.subplots(
        1, len(developers), figsize=size, layout="constrained", sharey=True, squeeze=False
    )
    for axis, developer in zip(axes[0], developers, strict=True):
        own = {name: kinds for (who, name), kinds in counts.items() if who == developer}
        for number, (name, kinds) in enumerate(own.items()):
            shown = [kind for kind in kinds if kind != "none"]
            shares = np.array([kinds[kind] for kind in shown]) / max(sum(kinds.values()), 1)
            color = ("tab:orange", "tab:blue", "grey")[number % 3]
            axis.bar(np.arange(len(shown)) + 0.4 * number, shares, 0.4, color=color, label=name)
        axis.set_xticks(np.arange(len(shown)) + 0.2, shown, rotation=30, ha="right")
        axis.set(xlabel="complaint", title=f"Left to Correct: {developer}")
    axes[0, 0].set_ylabel("responses (share)")
    axes[0, 0].legend()
    return figure
