"""Section 7: which complaints remain. Categories by keyword; the first match counts."""

from typing import Any

import torch
from torch import nn

from nexa_helpers.feedback import keyword_labels, words
from nexa_helpers.policy import encode_examples, response_log_probs

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
