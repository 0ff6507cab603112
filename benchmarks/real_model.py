"""Scoring and training step of the real model: memory and speed, against the plain way and TRL.

    python -m benchmarks.real_model              writes benchmarks/results/real_model.json

Each way runs in a child process of its own, for its peak memory, and they take turns. The batch has
24 answers of 80 tokens; none is sampled, so that all ways score the same tokens. "score" has no
gradients; "step" has those of the log-probs, "kl" those of the exact reverse KL to the frozen base.
"step" and "kl" add up gradients over parts of 4 answers, as the course's training does.
"""

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.common import Figure, save
from nexa_helpers.adapter_plans import adapter_size, plan_run
from nexa_helpers.adapter_training import new_adapter
from nexa_helpers.chat import (
    chunked_log_probs,
    chunked_reverse_kl,
    encode_chat,
    response_states,
    rows_of,
    sample_answers,
)
from nexa_helpers.coding_requests import code_request, goals_of
from nexa_helpers.model_sources import load_model

SCORES, STEPS = ("naive score", "chunked score", "trl score"), ("naive step", "step", "trl step")
WAYS = ("idle", *SCORES, *STEPS, "naive kl", "kl")
ANSWERS, TOKENS, AT_ONCE = 24, 80, 4


def reset_peak() -> None:
    """Forget the peak so far (Linux): loading the model needs more than the model."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Peak resident memory of this process since it was reset, in GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e9


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


def reference_states(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    with torch.no_grad(), model.disable_adapter():
        return response_states(model, batch)[0]


def naive_kl(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """The exact reverse KL to the frozen base, all logits at once."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    new = F.log_softmax(model(**inputs).logits[:, :-1], dim=-1)
    with torch.no_grad(), model.disable_adapter():
        old = F.log_softmax(model(**inputs).logits[:, :-1], dim=-1)
    return (new.exp() * (new - old)).sum(dim=-1)[batch["response_mask"][:, 1:]]


def in_parts(function: Callable[..., torch.Tensor], model: Any, batch: dict[str, Any]) -> None:
    """Add up gradients over parts of a batch, as the course's training does."""
    for start in range(0, ANSWERS, AT_ONCE):
        function(model, rows_of(batch, slice(start, start + AT_ONCE))).sum().backward()


def find_work(way: str, model: Any, tokenizer: Any) -> Callable[[dict[str, Any]], Any]:
    """Choose what is measured."""
    if way == "kl":

        def kl(model: Any, part: dict[str, Any]) -> torch.Tensor:
            return chunked_reverse_kl(model, part, reference_states(model, part))[0]

        return lambda batch: in_parts(kl, model, batch)
    if way == "naive kl":
        return lambda batch: naive_kl(model, batch).sum().backward()
    score: Callable[..., torch.Tensor] = chunked_log_probs
    if "naive" in way:
        score = naive_log_probs
    elif "trl" in way:
        score = trl_log_probs(model, tokenizer)
    if "score" in way:
        return torch.no_grad()(lambda batch: score(model, batch))
    if way == "step":
        return lambda batch: in_parts(score, model, batch)
    return lambda batch: score(model, batch).sum().backward()


def estimate(model: Any, batch: dict[str, Any]) -> float:
    """What section 9 of the notebook estimates for a training step, without the base's weights."""
    c = model.config
    tokens = AT_ONCE * batch["input_ids"].shape[1]
    per_layer = 20 * c.hidden_size + 8 * c.intermediate_size
    chunk = 6 * 256 * c.vocab_size
    plan = plan_run(
        1.0, 1, base_parameters=0, adapter_parameters=adapter_size(c, 4)["parameters"],
        tokens_at_once=tokens,
        bytes_per_token=4 * (c.num_hidden_layers * per_layer + chunk / tokens),
    )  # fmt: skip
    return plan["memory"] / 1e9


def run_way(way: str, repeats: int) -> None:
    """Work on one batch some times, and print what it took as JSON."""
    warnings.simplefilter("ignore")
    model, tokenizer, _ = load_model()
    model = new_adapter(model)
    batch = make_batch(tokenizer)
    result: dict[str, Any] = {"seconds": []}
    if way == "idle":
        prompts = encode_chat([code_request(g) for g in goals_of("test")[:16]], tokenizer)
        began = time.perf_counter()
        answered, _ = sample_answers(model, tokenizer, prompts, max_tokens=48)
        result["rollout"] = float(answered["response_mask"].sum()) / (time.perf_counter() - began)
    else:
        work = find_work(way, model, tokenizer)
        gc.collect()
        reset_peak()
        result["before"] = peak()
        for _ in range(repeats):
            began = time.perf_counter()
            work(batch)
            result["seconds"].append(time.perf_counter() - began)
        result["peak"] = peak()
        result["estimate"] = estimate(model, batch)
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
    measured = WAYS[1:]
    speed = {way: ANSWERS * TOKENS / statistics.median(found[way]["seconds"]) for way in measured}
    grown = {way: found[way]["peak"] - found[way]["before"] for way in measured}
    figures = [Figure("rollouts, 16 at once", found["idle"]["rollout"], "tokens/s")]
    figures += [Figure(way, speed[way], "tokens/s") for way in measured]
    figures += [Figure(f"peak above the idle model: {way}", grown[way], "GB") for way in measured]
    planned = found["kl"]["estimate"]
    figures.append(Figure("plan_run, estimate of that peak: kl", planned, "GB"))
    figures.append(Figure("estimate : measured", planned / grown["kl"], "x"))
    memory_pairs = (("chunked score", "naive score"), ("step", "naive step"), ("kl", "naive kl"))
    for ours, naive in memory_pairs:
        share = grown[ours] / grown[naive]
        figures.append(Figure(f"memory, {ours} : {naive}", share, "x", "≤ 0.25", share <= 0.25))
    pairs = (("chunked score", "naive score"), ("kl", "naive kl"), ("chunked score", "trl score"))
    for ours, theirs in (*pairs, ("step", "trl step")):
        ratio = speed[ours] / speed[theirs]
        figures.append(Figure(f"speed, {ours} : {theirs}", ratio, "x", "≥ 1", ratio >= 1))
    save("real_model", "Scoring 24 answers of 80 tokens with the real model", figures)


if __name__ == "__main__":
    main()
