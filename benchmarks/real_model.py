"""Scoring and training step of the real model: memory and speed, against the plain way and TRL.

    python -m benchmarks.real_model              writes benchmarks/results/real_model.json

Each way runs in a child process of its own, for its peak memory, and they take turns. The batch has
24 answers of 80 tokens; no answer is sampled, so that all ways score the same tokens.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.common import Figure, save
from nexa_helpers.adapter_training import new_adapter
from nexa_helpers.chat import chunked_log_probs, encode_chat, sample_answers
from nexa_helpers.coding_requests import code_request, goals_of
from nexa_helpers.model_sources import load_model

WAYS = ("idle", "naive", "chunked", "trl")
ANSWERS, TOKENS = 24, 80


def peak() -> float:
    """Peak memory of this process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def make_batch(tokenizer: Any) -> dict[str, Any]:
    prompts = encode_chat([code_request(goal) for goal in goals_of("test")[:ANSWERS]], tokenizer)
    ids = torch.randint(100, 40_000, (ANSWERS, TOKENS), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    return {
        "input_ids": torch.cat([prompts["input_ids"], ids], dim=1),
        "attention_mask": torch.cat([prompts["attention_mask"], mask], dim=1),
        "response_mask": torch.cat([prompts["response_mask"], mask.bool()], dim=1),
        "prompt_width": prompts["prompt_width"],
    }


def naive_log_probs(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """All logits at once, and their softmax."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    scores = F.log_softmax(logits[:, :-1], dim=-1)
    chosen = scores.gather(2, batch["input_ids"][:, 1:, None]).squeeze(2)
    return chosen[:, batch["prompt_width"] - 1 :]


def trl_log_probs(model: Any, tokenizer: Any) -> Callable[[Any, dict[str, Any]], torch.Tensor]:
    """TRL's own scoring, from a trainer around the same model."""
    import tempfile

    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from nexa_helpers.code_answers import developer_reward

    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(), report_to=[], use_cpu=True, bf16=False, temperature=1.0,
        gradient_checkpointing=False, num_generations=2, per_device_train_batch_size=2,
    )  # fmt: skip
    rows = [{"prompt": code_request("adds"), "wishes": ["typed"]}]
    trainer = GRPOTrainer(
        model, developer_reward, config, train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )  # fmt: skip

    def score(model: Any, batch: dict[str, Any]) -> torch.Tensor:
        found, *_ = trainer._get_per_token_logps_and_entropies(
            model, batch["input_ids"], batch["attention_mask"], TOKENS
        )
        return found

    return score


def run_way(way: str, repeats: int) -> None:
    """Score and differentiate one batch, and print what it took as JSON."""
    warnings.simplefilter("ignore")
    model, tokenizer, _ = load_model()
    model = new_adapter(model)
    batch = make_batch(tokenizer)
    scores = {"naive": naive_log_probs, "chunked": chunked_log_probs}
    score = scores.get(way) or (trl_log_probs(model, tokenizer) if way == "trl" else None)
    seconds = []
    before = peak()
    for _ in range(repeats if score else 0):
        began = time.perf_counter()
        score(model, batch).sum().backward()
        seconds.append(time.perf_counter() - began)
    result = {"before": before, "peak": peak(), "seconds": seconds}
    if way == "idle":
        prompts = encode_chat([code_request(g) for g in goals_of("test")[:16]], tokenizer)
        began = time.perf_counter()
        answered, _ = sample_answers(model, tokenizer, prompts, max_tokens=48)
        spent = time.perf_counter() - began
        result["rollout"] = float(answered["response_mask"].sum()) / spent
    print("RESULT", json.dumps(result))


def measure(way: str, repeats: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.real_model", "--way", way]
    done = subprocess.run(
        [*command, "--repeats", str(repeats)], capture_output=True, text=True, check=True
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return dict(json.loads(line.removeprefix("RESULT ")))


def main() -> None:
    """Measure each way in turn, and write the figures."""
    parser = argparse.ArgumentParser(description="Memory and speed of scoring, three ways.")
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.way:
        run_way(options.way, options.repeats)
        return
    found = {way: measure(way, options.repeats) for way in WAYS}
    speed = {way: ANSWERS * TOKENS / statistics.median(found[way]["seconds"]) for way in WAYS[1:]}
    grown = {way: found[way]["peak"] - found[way]["before"] for way in WAYS[1:]}
    share, ratio = grown["chunked"] / grown["naive"], speed["chunked"] / speed["trl"]
    plain = speed["chunked"] / speed["naive"]
    figures = [Figure("rollouts, 16 at once", found["idle"]["rollout"], "tokens/s")]
    figures += [Figure(f"score and gradient, {way}", speed[way], "tokens/s") for way in speed]
    figures += [Figure(f"peak above the idle model, {way}", grown[way], "GB") for way in grown]
    figures += [
        Figure("peak, chunked against naive", share, "x", "≤ 0.25", share <= 0.25),
        Figure("speed, chunked against naive", plain, "x", "≥ 1", plain >= 1),
        Figure("speed, chunked against TRL", ratio, "x", "≥ 1", ratio >= 1),
    ]
    save("real_model", "Scoring 24 answers of 80 tokens with the real model", figures)


if __name__ == "__main__":
    main()
