"""What is specific to the ready-made results of the assignment NexaCode: which, and from where.

It knows the notebook's variables and its example of a conversation, and the sentences of the
simulated developers. ``write_ready_made`` writes what ``collect`` gives; the deployed model and its
tokenizer come from ``train_deployed_model``.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nexa_helpers.conversations import extract_training_triples, parse_conversation
from nexa_helpers.developers import (
    ADA,
    BORIS,
    CHEN,
    CORRECTIONS,
    LEAD_INS,
    NEUTRAL,
    PRAISE,
    PRAISE_OPENERS,
    RE_ASKS,
    REQUESTS,
    simulate_conversations,
)
from nexa_helpers.feedback import analyze_feedback_signals
from nexa_helpers.given import ready_made
from nexa_helpers.given.ready_made import fingerprint
from nexa_helpers.tasks import TASKS

PINS = Path(ready_made.__file__)  # the module with the SHA-256 of each file
PARSER_EXAMPLE = (  # the notebook's cell look-parse
    "\n\nHuman: Hi\n\nAssistant: Hello!\n\nWhat can I do?\n\nHuman: Nothing, thanks."
)
SENTENCE_END = re.compile(r"(?<=[.:?]) ")


def conversation_tables(sample_text: str, seed: int) -> dict[str, dict[str, Any]]:
    """Parse every conversation that the notebook's full profile parses, and its example."""
    texts = ["", sample_text, PARSER_EXAMPLE]
    texts += [row["chosen"] for row in simulate_conversations(5000, seed, "train")]
    rows = simulate_conversations(500, seed, "test")
    for developer in (ADA, BORIS, CHEN):
        rows += simulate_conversations(100, seed + 1, "test", [developer])
    texts += [row[ending] for row in rows for ending in ("chosen", "rejected")]
    turns = {fingerprint(text): parse_conversation(text) for text in texts}
    triples = {fingerprint(turn): extract_training_triples(turn) for turn in turns.values()}
    return {"parse_conversation": turns, "extract_training_triples": triples}


def sentiment_table() -> dict[str, str]:
    """Find the sentiment of each sentence that a simulated developer can say, if not neutral."""
    goals = {
        goal.format(xs=task.noun)
        for split in TASKS.values()
        for task in split
        for goal in task.operation.goals
    }
    patterns = [*REQUESTS, *PRAISE_OPENERS, *PRAISE, *NEUTRAL, *LEAD_INS, *RE_ASKS]
    patterns += itertools.chain(*CORRECTIONS.values())
    sentences = {
        sentence
        for pattern in patterns
        for goal in (sorted(goals) if "{goal}" in pattern else [""])
        for sentence in SENTENCE_END.split(pattern.format(goal=goal))
    }
    feedback = [{"response": "", "feedback": sentence} for sentence in sorted(sentences)]
    sentiments = analyze_feedback_signals(feedback)["sentiments"]
    return {
        triple["feedback"]: sentiment
        for triple, sentiment in zip(feedback, sentiments, strict=True)
        if sentiment != "neutral"
    }


def rounded(runs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Write the curves of a microscope as lists, with four decimals."""
    return {
        name: runs_of_one.double().numpy().round(4).tolist() for name, runs_of_one in runs.items()
    }


def results_of(notebook: dict[str, Any]) -> dict[str, Any]:
    """Collect the numbers that the notebook shows.

    Args:
        notebook: The variables of an executed notebook, full profile.
    """
    names = (
        "analysis", "train_metrics", "live_metrics", "baseline_accuracy", "eval_results",
        "baseline_interval", "policy_interval", "errors", "remaining", "latency_results",
    )  # fmt: skip
    results = {name: notebook[name] for name in names}
    results["majority"] = notebook["majority"].int().tolist()
    results["ballots"] = notebook["ballots"].int().tolist()
    results["token_level"] = rounded(notebook["token_level"])
    results["clip_panels"] = {case: rounded(runs) for case, runs in notebook["clip_panels"].items()}
    # The figure shows the end alone.
    results["overlong"] = rounded({name: runs[-1:] for name, runs in notebook["overlong"].items()})
    results["corrections"] = {
        developer.name: [
            list(cache.correction_cache) for cache in notebook["caches"][developer.name]
        ]
        for developer in notebook["chosen_developers"]
    }
    return results


def collect(
    notebook: dict[str, Any], seed: int
) -> tuple[dict[str, dict[str, nn.Module]], dict[str, Any]]:
    """Collect what a stuck student can load.

    Args:
        notebook: The variables of an executed notebook, full profile.
        seed: The notebook's seed.

    Returns:
        Models by file name and part ("" for the only one), and JSON data by file name.
    """
    policies = {"logged": notebook["policy"]}
    models = {
        "policies.safetensors": policies | notebook["personal_policies"],
        "prm.safetensors": {"": notebook["prm"]},
    }
    tables = {
        "conversations.json.xz": conversation_tables(notebook["sample_text"], seed),
        "results.json": results_of(notebook),
        "sentiments.json": sentiment_table(),
    }
    return models, tables
