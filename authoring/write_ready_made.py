"""Write the ready-made results that a stuck student can load, from an executed notebook.

``make solutions`` executes the solved notebook with one more cell, which calls ``save`` with the
notebook's variables. So the files hold what ``solutions/`` shows.
"""

import gzip
import hashlib
import itertools
import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from nexa_helpers import developers as simulator
from nexa_helpers.conversations import extract_training_triples, parse_conversation
from nexa_helpers.developers import ADA, BORIS, CHEN, simulate_conversations
from nexa_helpers.feedback import analyze_feedback_signals
from nexa_helpers.given import ready_made
from nexa_helpers.given.ready_made import READY_MADE_FILES, fingerprint
from nexa_helpers.tasks import TASKS

SEED = 42
MODULE = Path(ready_made.__file__)
PARSER_EXAMPLE = (  # the notebook's cell look-parse
    "\n\nHuman: Hi\n\nAssistant: Hello!\n\nWhat can I do?\n\nHuman: Nothing, thanks."
)
SENTENCE_END = re.compile(r"(?<=[.:?]) ")


def conversation_tables(sample_text: str) -> dict[str, dict[str, Any]]:
    """Parse every conversation that the notebook's full profile parses, and its example."""
    texts = ["", sample_text, PARSER_EXAMPLE]
    texts += [row["chosen"] for row in simulate_conversations(5000, SEED, "train")]
    rows = simulate_conversations(500, SEED, "test")
    for developer in (ADA, BORIS, CHEN):
        rows += simulate_conversations(100, SEED + 1, "test", [developer])
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
    lists = [
        value
        for value in vars(simulator).values()
        if isinstance(value, list) and value and isinstance(value[0], str)
    ]
    patterns = [*itertools.chain(*lists), *itertools.chain(*simulator.CORRECTIONS.values())]
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


def half(model: nn.Module, part: str = "") -> dict[str, torch.Tensor]:
    """Collect a model's weights in half precision; weights that are shared are kept once."""
    prefix = f"{part}." if part else ""
    return {
        prefix + name: tensor.detach().cpu().half() for name, tensor in model.named_parameters()
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
    results["corrections"] = {
        developer.name: list(notebook["corrections_of"](developer).correction_cache)
        for developer in notebook["chosen_developers"]
    }
    return results


def save(notebook: dict[str, Any], folder: Path) -> None:
    """Write every file of ``READY_MADE_FILES``.

    Args:
        notebook: The variables of an executed notebook, full profile.
        folder: Where the files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    policies = {"reference": notebook["ref_policy"], "logged": notebook["policy"]}
    policies |= notebook["personal_policies"]
    weights = {key: x for part, model in policies.items() for key, x in half(model, part).items()}
    save_file(weights, folder / "policies.safetensors")
    save_file(half(notebook["prm"]), folder / "prm.safetensors")
    tables = {
        "conversations.json.gz": conversation_tables(notebook["sample_text"]),
        "results.json": results_of(notebook),
        "sentiments.json": sentiment_table(),
        "tokenizer.json": json.loads(notebook["tokenizer"].backend_tokenizer.to_str()),
    }
    for name, table in tables.items():
        content = json.dumps(table, ensure_ascii=False).encode()
        if name.endswith(".gz"):
            content = gzip.compress(content, mtime=0)
        (folder / name).write_bytes(content)


def pin(folder: Path) -> None:
    """Write the files' SHA-256 into ``READY_MADE_FILES``."""
    code = MODULE.read_text()
    for name in READY_MADE_FILES:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        code = re.sub(rf'("{re.escape(name)}": )"[0-9a-f]*"', rf'\1"{digest}"', code)
    MODULE.write_text(code)
