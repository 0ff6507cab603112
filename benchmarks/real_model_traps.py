"""The traps of the assignment real_model, each of them tried on the real model.

    python -m benchmarks.real_model_traps        writes benchmarks/results/real_model_traps.json

Shares carry Wilson's 95 % interval over the requests. The frozen teacher that belongs to the one in
training is "ada, hints alone" of ``authoring.adapters``; memory is measured by
``benchmarks.real_model``.
"""

from typing import Any

import torch
from statsmodels.stats.proportion import proportion_confint

from benchmarks.common import Figure, save
from nexa_helpers.adapter_evaluation import judge_answers
from nexa_helpers.adapter_training import (
    TrainingSettings,
    adapter_loss,
    answer_requests,
    group_advantages,
    new_adapter,
    token_advantages,
    train_adapter,
)
from nexa_helpers.chat import (
    Batch,
    chunked_log_probs,
    encode_chat,
    rows_of,
    sample_answers,
    with_responses,
)
from nexa_helpers.code_answers import DEVELOPERS, developer_reward, read_answer
from nexa_helpers.coding_requests import code_request, goals_of
from nexa_helpers.model_sources import load_model

SEED = 42
Means = dict[str, tuple[float, float, float]]


def share(found: list[bool]) -> tuple[float, float, float]:
    """A share with Wilson's interval."""
    low, high = proportion_confint(sum(found), len(found), method="wilson")
    return sum(found) / len(found), float(low), float(high)


def has_end(batch: Batch, tokenizer: Any) -> list[bool]:
    """Tell which responses have their end token."""
    ends = (batch["input_ids"] == tokenizer.eos_token_id) & batch["response_mask"]
    return [bool(row) for row in ends.any(dim=1)]


def bare_prompts(texts: list[str], tokenizer: Any, side: str = "left") -> Batch:
    """Encode prompts as they are, without a template, padded on one side."""
    tokenizer.padding_side = side
    rows = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    ids, seen = rows["input_ids"], rows["attention_mask"]
    mask = torch.zeros_like(seen, dtype=torch.bool)
    return {
        "input_ids": ids, "attention_mask": seen, "response_mask": mask,
        "prompt_width": ids.shape[1],
    }  # fmt: skip


def answers(
    model: Any, tokenizer: Any, prompts: Batch, tokens: int = 96
) -> tuple[Batch, list[str]]:
    """Sample with the same seed each time."""
    torch.manual_seed(SEED)
    return sample_answers(model, tokenizer, prompts, tokens)


def try_template(model: Any, tokenizer: Any) -> Means:
    """Trap: a plain string in the place of a list of messages."""
    requests = [code_request(goal) for goal in goals_of("test")[:16]]
    bare = bare_prompts([turns[0]["content"] for turns in requests], tokenizer)
    ways = {"with the template": encode_chat(requests, tokenizer), "a plain string": bare}
    found = {}
    for name, way in ways.items():
        batch, texts = answers(model, tokenizer, way, 256)
        functions = [bool(read_answer(text)["function"]) for text in texts]
        found[f"traps: ended, {name}"] = share(has_end(batch, tokenizer))
        found[f"traps: function, {name}"] = share(functions)
    return found


def try_padding(model: Any, tokenizer: Any) -> Means:
    """Trap: prompts padded on the right."""
    requests = [code_request(goal) for goal in goals_of("test")[:32]]
    texts = [
        tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        for turns in requests
    ]
    found = {}
    for side in ("left", "right"):
        spoken = answers(model, tokenizer, bare_prompts(texts, tokenizer, side))[1]
        found[f"traps: function, padded on the {side}"] = share(
            [bool(read_answer(text)["function"]) for text in spoken]
        )
    return found


def try_limit(model: Any, tokenizer: Any) -> Means:
    """Trap: a limit that is too short."""
    prompts = encode_chat([code_request(goal) for goal in goals_of("test")[:32]], tokenizer)
    texts = answers(model, tokenizer, prompts, 24)[1]
    return {
        "traps: function, 24 tokens": share([bool(read_answer(t)["function"]) for t in texts]),
    }


def try_rewards(model: Any, tokenizer: Any) -> tuple[Means, list[Figure]]:
    """Traps: groups without a difference, and a loss that is 0 although it learns."""
    asked = [goal for goal in goals_of("train")[:16] for _ in range(4)]
    prompts = encode_chat([code_request(goal) for goal in asked], tokenizer)
    batch, texts = answers(model, tokenizer, prompts)
    graded = torch.tensor(developer_reward(texts, texts, wishes=[DEVELOPERS["ada"]] * len(texts)))
    all_or_nothing = (graded == 1.0).float()
    means = {}
    for name, rewards in {"all wishes": all_or_nothing, "share of wishes": graded}.items():
        is_equal = (rewards.view(-1, 4) == rewards.view(-1, 4)[:, :1]).all(dim=1)
        means[f"traps: equal groups, {name}"] = share(is_equal.tolist())
    settings = TrainingSettings(weight_hint=0.0, weight_reward=1.0)
    adapted = new_adapter(model)
    rows = slice(0, 8)
    part = rows_of(batch, rows)
    mask = part["response_mask"][:, part["prompt_width"] :]
    log_probs = chunked_log_probs(adapted, part)[mask]
    advantages = token_advantages(group_advantages(graded, 4)[rows], part)
    loss = adapter_loss(
        torch.zeros_like(log_probs), log_probs, advantages, settings, len(log_probs)
    )
    loss.backward()
    slopes = [p.grad.norm() for p in adapted.parameters() if p.grad is not None]
    figures = [
        Figure("traps: loss of one batch with rewards alone", float(loss.detach()), "nats"),
        Figure("traps: norm of its gradient", float(torch.stack(slopes).norm()), ""),
    ]
    adapted.unload()
    return means, figures


def try_scoring(model: Any, tokenizer: Any) -> tuple[Means, list[Figure]]:
    """Trap: what is scored is not what was sampled."""
    prompts = encode_chat([code_request(goal) for goal in goals_of("test")[:16]], tokenizer)
    inputs = {name: prompts[name] for name in ("input_ids", "attention_mask")}
    figures, means = [], {}
    for name, draw in {
        "temperature 1, nothing cut": {"temperature": 1.0, "top_k": 0, "top_p": 1.0},
        "top-k 50, temperature .7": {"temperature": 0.7, "top_k": 50, "top_p": 1.0},
    }.items():
        torch.manual_seed(SEED)
        with torch.no_grad():
            made = model.generate(
                **inputs, max_new_tokens=48, do_sample=True, output_scores=True,
                return_dict_in_generate=True, **draw,
            )  # fmt: skip
            ids = made.sequences[:, prompts["prompt_width"] :]
            batch, texts = with_responses(prompts, ids, tokenizer)
            scored = chunked_log_probs(model, batch)
        sampled = torch.stack(made.scores, dim=1).log_softmax(dim=-1)
        sampled = sampled.gather(2, ids[..., None]).squeeze(2)
        mask = batch["response_mask"][:, prompts["prompt_width"] :]
        far = (sampled - scored)[mask].abs().mean()
        figures.append(
            Figure(f"traps: scored against sampled, {name}", float(far), "nats per token")
        )
    again = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    kept = [row[keep].tolist() for row, keep in zip(ids, mask, strict=True)]
    same = [a == k[: len(a)] and len(k) - len(a) <= 1 for a, k in zip(again, kept, strict=True)]
    means["traps: tokenized anew, other tokens"] = share([not s for s in same])
    return means, figures


def try_teacher(model: Any, tokenizer: Any) -> tuple[Means, list[Figure]]:
    """Trap: the model in training is its own teacher."""
    settings = TrainingSettings(updates=10, weight_reward=0.0, seed=SEED, frozen_teacher=False)
    adapted = new_adapter(model, settings.rank, SEED)
    curve = train_adapter(adapted, tokenizer, DEVELOPERS["ada"], settings)
    requests = [code_request(goal) for goal in goals_of("test")]
    outcomes = judge_answers(answer_requests(adapted, tokenizer, requests, SEED))
    adapted.unload()
    means = {
        f"traps: {column}, teacher in training": share(outcomes[column])
        for column in ("function", "ada")
    }
    return means, [
        Figure(f"traps: KL, teacher in training, update {number}", curve[number - 1]["kl"], "nats")
        for number in (1, 5, 10)
    ]


def main() -> None:
    """Try every trap, and write what was seen."""
    model, tokenizer, source = load_model()
    means: Means = {}
    figures: list[Figure] = []
    for attempt in (try_template, try_padding, try_limit):
        means |= attempt(model, tokenizer)
        print(attempt.__name__, "done", flush=True)
    for further in (try_rewards, try_scoring, try_teacher):
        more, rows = further(model, tokenizer)
        means, figures = means | more, figures + rows
        print(further.__name__, "done", flush=True)
    shares = [
        Figure(f"{name} [{low:.2f}, {high:.2f}]", value, "share")
        for name, (value, low, high) in means.items()
    ]
    note = f"Seed {SEED}; weights from: {source}."
    save(
        "real_model_traps", "Traps of a real model, each tried", shares + figures, note, means=means
    )


if __name__ == "__main__":
    main()
