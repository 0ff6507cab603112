"""Section 1.2 and 4.1: conversations and a tokenizer, from a file, a hub, or made on the spot.

A hub can be slow or half broken, and its libraries try again for minutes. So they run in a child
process that is stopped at a deadline.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from nexa_helpers.conversation_files import REPLY, read_split
from nexa_helpers.developers import simulate_conversations

HUB_DATASET = "Anthropic/hh-rlhf"
HUB_DATASET_REVISION = "09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa"
HUB_TOKENIZER = "distilgpt2"
HUB_TOKENIZER_REVISION = "2290a62682d06624634c1f46a6ad5be0f47f38aa"
FETCH_DATASET = """
import sys
from datasets import load_dataset
name, revision, folder = sys.argv[1:]
splits = load_dataset(name, data_dir="helpful-base", revision=revision)
for split in ("train", "test"):
    splits[split].to_json(f"{folder}/{split}.jsonl")
"""
FETCH_TOKENIZER = """
import sys
from transformers import AutoTokenizer
name, revision, folder = sys.argv[1:]
AutoTokenizer.from_pretrained(name, revision=revision).save_pretrained(folder)
"""


def fetch_from_hub(script: str, name: str, revision: str, folder: str) -> str | None:
    """Run a download in a child process, and stop it at the deadline.

    The deadline is 9.5 seconds; the environment variable NEXA_HUB_TIMEOUT sets another one.

    Args:
        script: Python code that gets the name, the revision and the folder as arguments.
        name: Name of the repository on the hub.
        revision: The commit to take, so that everybody gets the same files.
        folder: Where the result goes.

    Returns:
        None if all went well, else one line that says what went wrong.
    """
    seconds = float(os.environ.get("NEXA_HUB_TIMEOUT", "9.5"))
    command = [sys.executable, "-c", script, name, revision, folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"no answer in {seconds:g} s (NEXA_HUB_TIMEOUT=60 waits longer)"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines() or ["no message"]
    return lines[-1][:120]


def find_source(source: str = "auto", folder: str | None = None) -> tuple[str, str]:
    """Choose where the conversations come from, once for all splits.

    Args:
        source: ``"local"`` (the path in NEXA_DATA), ``"hub"``, ``"embedded"``, or ``"auto"``: the
            first of these that is there.
        folder: Where files from the hub go; None makes a temporary folder.

    Returns:
        ``"local"``, ``"hub"`` or ``"embedded"``, and the path of the files (empty for the last).

    Raises:
        ValueError: ``source`` is unknown, or it was asked for and is not there.
    """
    if source not in ("auto", "local", "hub", "embedded"):
        raise ValueError(f"source: expected auto, local, hub or embedded, got {source!r}")
    path = os.environ.get("NEXA_DATA", "")
    if source == "local" and not path:
        raise ValueError("source 'local': expected a path in the environment variable NEXA_DATA")
    if source == "local" or (source == "auto" and path):
        return "local", path
    if source in ("auto", "hub"):
        print(f"Asking the hub for {HUB_DATASET} ...")
        target = folder or tempfile.mkdtemp(prefix="nexacode-")
        problem = fetch_from_hub(FETCH_DATASET, HUB_DATASET, HUB_DATASET_REVISION, target)
        if problem is None:
            return "hub", target
        if not folder:
            shutil.rmtree(target, ignore_errors=True)
        if source == "hub":
            raise ValueError(f"source 'hub': {problem}")
        print(f"Hub: {problem}; using the simulated developers instead.")
    return "embedded", ""


def load_conversations(
    source: str = "auto", split: str = "train", limit: int | None = None, seed: int = 0
) -> list[dict[str, str]]:
    """Load conversations in the format of HH-RLHF.

    Args:
        source: See ``find_source``; or what it returned: the name and the path.
        split: ``"train"`` or ``"test"``.
        limit: At most so many rows, from the start; None takes all.
        seed: Seed of the simulated developers.

    Returns:
        Rows with the texts ``chosen`` and ``rejected``; the simulated ones have more keys, see
        ``simulate_conversations``.

    Raises:
        ValueError: An argument is out of range, or the source cannot be read.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split: expected train or test, got {split!r}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected None, or 1 or more, got {limit}")
    name, path = source if isinstance(source, tuple) else find_source(source)
    if name == "embedded":
        size = 5000 if split == "train" else 500
        rows = simulate_conversations(min(limit or size, size), seed, split)
    else:
        rows = read_split(Path(path), split)
    rows = rows[:limit]
    print(f"{split}: {len(rows)} conversations, source: {name}")
    if not any(REPLY.search(row["chosen"]) for row in rows):
        print(f"{split}: no conversation has a user's reply to a response: nothing to learn from")
    return rows


def make_tokenizer(bpe: Tokenizer) -> PreTrainedTokenizerFast:
    """Wrap a tokenizer of the tokenizers library; end-of-text is also the padding token."""
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )


def train_tokenizer(texts: list[str], vocab_size: int = 4096) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer, GPT-2's kind. It can write any text without loss.

    One rule more than GPT-2: a capital inside a word starts a new token, so that the "Prices"
    of ``sortPrices`` is one token in every name.

    Args:
        texts: The texts to learn from.
        vocab_size: At most so many tokens; at least 257 (256 bytes and end-of-text).

    Returns:
        The tokenizer. ``<|endoftext|>`` has the id 0 and is also the padding token.

    Raises:
        ValueError: There is no text.
    """
    if not texts:
        raise ValueError("texts: expected at least one text, got none")
    bpe = Tokenizer(models.BPE())
    capitals = pre_tokenizers.Split(Regex(r"(?<=[a-z])[A-Z][a-z]*"), "isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([capitals, bytes_only])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        show_progress=False,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(bytes_only.alphabet()),
    )
    bpe.train_from_iterator(texts, trainer)
    return make_tokenizer(bpe)


def load_tokenizer(source: str = "auto", texts: list[str] | None = None) -> Any:
    """Load distilgpt2's tokenizer from the hub, or train a small one.

    Args:
        source: ``"auto"``, ``"hub"`` or ``"embedded"``; ``"local"`` means ``"auto"``.
        texts: What the small one is trained on.

    Returns:
        A tokenizer whose padding token is its end-of-text token.

    Raises:
        ValueError: ``source`` is ``"hub"`` and the hub gave nothing, or there are no texts.
    """
    if source != "embedded":
        print(f"Asking the hub for {HUB_TOKENIZER} ...")
        with tempfile.TemporaryDirectory(prefix="nexacode-") as folder:
            problem = fetch_from_hub(FETCH_TOKENIZER, HUB_TOKENIZER, HUB_TOKENIZER_REVISION, folder)
            if problem is None:
                tokenizer = AutoTokenizer.from_pretrained(
                    folder, clean_up_tokenization_spaces=False, model_max_length=10**9
                )
                tokenizer.pad_token = tokenizer.eos_token
                print(f"Tokenizer: {HUB_TOKENIZER}, {len(tokenizer)} tokens")
                return tokenizer
        if source == "hub":
            raise ValueError(f"source 'hub': {problem}")
        print(f"Hub: {problem}; training a small tokenizer instead.")
    tokenizer = train_tokenizer(texts or [])
    print(f"Tokenizer: trained on the conversations, {len(tokenizer)} tokens")
    return tokenizer
