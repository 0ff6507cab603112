"""The probes of the assignment real_model: what the second look asks of each function.

One row per graded cell, by its grade id. A probe looks at what its cell looks at, and at no more: an
honest mistake that the cell lets pass must not hold a submission. ``draw_*`` and what compares run
outside the sandbox, ``call_*`` inside (docs/security.md). Nothing in this file is a secret.
"""

import random
from typing import Any

from nexa_grade.second_look.probe import Probe

Namespace = dict[str, Any]


def prepare(namespace: Namespace) -> None:
    """Set what the notebook's own lines would have set, whatever an answer has switched.

    Runs in the sandbox, after all definitions.
    """
    torch = namespace["torch"]
    torch.set_num_threads(1)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device("cpu")


def word(rng: random.Random) -> str:
    """Make a word that is no keyword of Python."""
    return "".join(rng.choice("klmrvz") + rng.choice("aou") for _ in range(3))


def outcome_of(function: Any, *arguments: Any, **options: Any) -> str:
    """Say whether a call raises a ValueError, another error, or none."""
    try:
        function(*arguments, **options)
    except ValueError:
        return "ValueError"
    except Exception:
        return "another error"
    return "no error"


# TODO 1


def draw_fences(rng: random.Random) -> list[str]:
    """Draw answers with a block and words around it, an open block, and plain code."""
    a, b, c = (word(rng) for _ in range(3))
    before, after = (" ".join(word(rng) for _ in range(rng.randint(1, 5))) for _ in range(2))
    return [
        f"{before}\n```python\n{a} = 1\n```\n{after}",
        f"{before}\n```\n{b} = 2",
        f"def {c}({a}):\n    return {a}",
    ]


def call_fences(namespace: Namespace, texts: list[str]) -> Any:
    """Read the code and count the words."""
    seen = [namespace["read_answer"](text) for text in texts]
    return [[one["code"].strip(), int(one["prose_words"])] for one in seen]


def draw_functions(rng: random.Random) -> list[str]:
    """Draw functions with and without types and docstrings."""
    name, a, b = (word(rng) for _ in range(3))
    return [
        f"def {name}({a}: int, {b}: str):\n    return {a}",
        f"def {name}({a}: int, {b}):\n    return {a}",
        f'def {name}({a}):\n    """{b}."""\n    return {a}',
        f"def {name}():\n    return 1",
    ]


def draw_arguments(rng: random.Random) -> list[str]:
    """Draw functions with all kinds of arguments, and more than one function."""
    name, a, b = (word(rng) for _ in range(3))
    texts = [f"def {name}({given}): pass" for given in (
        f"{a}: int, *{b}", f"{a}: int, **{b}", f"{a}: int, *, {b}", f"{a}, /, {b}: int",
    )]  # fmt: skip
    texts += [
        f"class K:\n    def {name}(self, {a}: int): pass",
        f"async def {name}({a}: int): pass",
        f"def {name}({a}): pass\ndef {b}({a}: int): pass",
    ]
    return rng.sample(texts, len(texts))


def call_functions(namespace: Namespace, texts: list[str]) -> Any:
    """Read functions: are they there, typed, documented?"""
    seen = [namespace["read_answer"](text) for text in texts]
    return [[bool(one[key]) for key in ("function", "typed", "documented")] for one in seen]


def draw_hostile(rng: random.Random) -> list[str]:
    """Draw text that no parser likes."""
    return [
        rng.choice("([{") * rng.randint(300_000, 900_000),
        "```\n" + "[" * rng.randint(300, 900),
    ]


def call_hostile(namespace: Namespace, texts: list[str]) -> Any:
    """Read it: there is no function."""
    return [bool(namespace["read_answer"](text)["function"]) for text in texts]


# TODO 2


def draw_chats(rng: random.Random) -> list[list[dict[str, str]]]:
    """Draw conversations of one request and one response."""
    return [
        [
            {"role": "user", "content": " ".join(word(rng) for _ in range(rng.randint(1, 6)))},
            {"role": "assistant", "content": " ".join(word(rng) for _ in range(rng.randint(1, 6)))},
        ]
        for _ in range(3)
    ]


def encode(namespace: Namespace, chats: Any, **limits: Any) -> tuple[Any, Any]:
    """Encode conversations with the tiny tokenizer."""
    tokenizer = namespace["make_tiny_tokenizer"]()
    return namespace["encode_chat"](chats, tokenizer, **limits), tokenizer


def call_template(namespace: Namespace, chats: Any) -> Any:
    """Read the real tokens of each row."""
    batch, tokenizer = encode(namespace, chats)
    rows = zip(batch["input_ids"], batch["attention_mask"].bool(), strict=True)
    return [tokenizer.decode(ids[kept]) for ids, kept in rows]


def call_padding(namespace: Namespace, chats: Any) -> Any:
    """Look where padding is, beside the column in which responses start."""
    batch, _ = encode(namespace, chats)
    width = int(batch["prompt_width"])
    return [batch["attention_mask"][:, [0, width - 1, width, -1]].tolist()]


def call_response(namespace: Namespace, chats: Any) -> Any:
    """Read the tokens that the mask marks."""
    batch, _ = encode(namespace, chats)
    rows = zip(batch["input_ids"], batch["response_mask"].bool(), strict=True)
    return [ids[kept].tolist() for ids, kept in rows]


def call_encode_errors(namespace: Namespace, chats: Any) -> Any:
    """Ask for what is no conversation."""
    tokenizer = namespace["make_tiny_tokenizer"]()
    function = namespace["encode_chat"]
    return [
        outcome_of(function, [chats[0][0]["content"]], tokenizer),
        outcome_of(function, [[]], tokenizer),
        outcome_of(function, [chats[0]], tokenizer, max_prompt_tokens=20),
    ]


# TODO 3 and 4


def draw_lengths(rng: random.Random) -> dict[str, Any]:
    """Draw lengths of prompts and responses, a seed, and the size of a chunk."""
    lengths = [[rng.randint(1, 7), rng.randint(2, 7)] for _ in range(3)]
    return {"lengths": lengths, "seed": rng.randint(0, 10**6), "chunk": rng.randint(2, 5)}


def make_batch(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Make the batch of a draw."""
    return namespace["check_padded"](given["lengths"], seed=given["seed"])


def call_log_probs(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score a batch."""
    model, batch = namespace["make_tiny_model"](320, seed=1), make_batch(namespace, given)
    with namespace["torch"].no_grad():
        scores = namespace["chunked_log_probs"](model, batch, chunk_tokens=given["chunk"])
    return [[round(value, 3) for value in row] for row in scores.tolist()]


def call_gradient(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Look at the signs of a weight's largest slopes."""
    model, batch = namespace["make_tiny_model"](320, seed=1), make_batch(namespace, given)
    namespace["chunked_log_probs"](model, batch).sum().backward()
    slopes = model.model.layers[0].mlp.up_proj.weight.grad.flatten()
    largest = slopes.abs().topk(5).indices.sort().values
    return [round(float(value), 1) for value in slopes[largest].sign()]


def call_chunks(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Look whether any tensor of logits is larger than a chunk."""
    model, batch = namespace["make_tiny_model"](320, seed=1), make_batch(namespace, given)
    with namespace["LargestLogits"](320) as spy:
        namespace["chunked_log_probs"](model, batch, chunk_tokens=given["chunk"])
    return [spy.rows <= given["chunk"]]


def near_scores(expected: Any, got: Any) -> bool:
    """Compare tables of log-probs."""
    pairs = zip(expected, got, strict=True)
    return all(abs(a - b) < 0.01 for one, other in pairs for a, b in zip(one, other, strict=True))


def score_reference(namespace: Namespace, given: dict[str, Any], training: bool, error: Any) -> Any:
    """Call reference_log_probs with a stand-in for TODO 3; return all that can be seen."""
    model, batch = namespace["check_adapted"](training), make_batch(namespace, given)
    fake = namespace["FakeScores"](error)
    scores, raised = None, False
    with namespace["replaced"](namespace, chunked_log_probs=fake):
        try:
            scores = namespace["reference_log_probs"](model, batch)
        except MemoryError:
            raised = True
    return model, batch, fake, scores, raised


def call_reference(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score without the adapter."""
    *_, scores, _ = score_reference(namespace, given, False, None)
    return [[round(value, 3) for value in row] for row in scores.tolist()]


def call_reference_mode(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Look at the modes while it scores, and afterwards."""
    found = []
    for training in (True, False):
        model, _, fake, *_ = score_reference(namespace, given, training, None)
        found.append([fake.calls[-1]["training"], fake.calls[-1]["grad"], model.training])
    return found


def call_reference_error(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Look at the model after an error."""
    error = MemoryError("too large")
    model, batch, _, _, raised = score_reference(namespace, given, True, error)
    return [raised, model.training, namespace["check_is_on"](model, batch)]


# TODO 5 to 8


def draw_rewards(rng: random.Random) -> list[Any]:
    """Draw answers of the tools, and wishes for each."""
    names = [rng.choice(["both", "typed", "bare", "prose"]) for _ in range(5)]
    return [[name, rng.sample(["typed", "documented", "brief"], 2)] for name in names]


def call_rewards(namespace: Namespace, rows: Any, messages: bool = False) -> Any:
    """Reward texts."""
    names = [name for name, _ in rows]
    if messages:
        names = [[{"role": "assistant", "content": name}] for name in names]
    with namespace["replaced"](namespace, read_answer=namespace["check_reader"]):
        rewards = namespace["developer_reward"](
            [""] * len(rows), names, wishes=[wishes for _, wishes in rows], goal=["x"] * len(rows)
        )
    return [float(reward) for reward in rewards]


def call_message_rewards(namespace: Namespace, rows: Any) -> Any:
    """Reward lists of messages."""
    return call_rewards(namespace, rows, messages=True)


def call_plain_rewards(namespace: Namespace, rows: Any) -> Any:
    """Reward texts, without further keywords."""
    names = [name for name, _ in rows]
    with namespace["replaced"](namespace, read_answer=namespace["check_reader"]):
        wishes = [wishes for _, wishes in rows]
        rewards = namespace["developer_reward"]([""] * len(rows), names, wishes=wishes)
    return [float(reward) for reward in rewards]


def draw_sizes(rng: random.Random) -> dict[str, int]:
    """Draw the sizes of a model and a rank."""
    heads = rng.randint(1, 4)
    return {
        "hidden": 12 * heads, "inner": rng.randint(20, 60), "layers": rng.randint(1, 4),
        "heads": heads, "keys": 1, "head_dim": rng.choice([4, 8, 16]), "rank": rng.randint(1, 9),
    }  # fmt: skip


def call_size(namespace: Namespace, sizes: dict[str, int]) -> Any:
    """Count an adapter on all layers, and on each alone."""
    rank = sizes["rank"]
    config = namespace["check_config"](**{k: v for k, v in sizes.items() if k != "rank"})
    names = namespace["LINEAR_LAYERS"]
    counts = [namespace["adapter_size"](config, rank, (name,)) for name in names]
    counts.append(namespace["adapter_size"](config, rank, names))
    return [[int(count["parameters"]), int(count["bytes"])] for count in counts]


def call_tiny_size(namespace: Namespace, sizes: dict[str, int]) -> Any:
    """Count adapters of the cell's own model, with another rank."""
    config, names = namespace["check_config"](), namespace["LINEAR_LAYERS"]
    count = namespace["adapter_size"](config, sizes["rank"], names)
    return [int(count["parameters"]), int(count["bytes"])]


def draw_pairs(rng: random.Random) -> list[list[bool]]:
    """Draw outcomes before and after, some of which changed."""
    count = rng.randint(20, 50)
    before = [rng.random() < 0.4 for _ in range(count)]
    after = [value if rng.random() < 0.6 else not value for value in before]
    return [before, after]


def compare_pairs(namespace: Namespace, pairs: Any, *keys: str) -> Any:
    """Compare outcomes, and keep some keys."""
    found = namespace["paired_comparison"](*pairs)
    return [round(float(found[key]), 3) for key in keys]


def call_difference(namespace: Namespace, pairs: Any) -> Any:
    """Look at the counts and the difference."""
    return compare_pairs(namespace, pairs, "difference", "gained", "lost")


def call_p_value(namespace: Namespace, pairs: Any) -> Any:
    """Look at the p-value."""
    return compare_pairs(namespace, pairs, "p_value")


def call_interval(namespace: Namespace, pairs: Any) -> Any:
    """Look at the interval."""
    return compare_pairs(namespace, pairs, "low", "high")


def near_numbers(expected: Any, got: Any) -> bool:
    """Compare numbers that were rounded, and 1.96 with its longer form."""
    return all(abs(a - b) < 0.003 for a, b in zip(expected, got, strict=True))


def draw_plan(rng: random.Random) -> dict[str, Any]:
    """Draw a run."""
    return {
        "tokens_per_second": rng.uniform(5, 200), "answers": rng.randint(20, 900),
        "tokens_per_answer": rng.randint(20, 200), "answers_per_update": rng.randint(3, 40),
        "price_per_hour": rng.uniform(0.1, 4), "base_parameters": rng.randint(10**6, 10**9),
    }  # fmt: skip


def call_plan(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Plan it."""
    plan = namespace["plan_run"](**given)
    return [float(plan[key]) for key in ("updates", "tokens", "hours", "price", "memory")]


def call_plan_errors(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Plan what does not fit, or has no throughput."""
    plan = namespace["plan_run"]
    wrongs = ({"memory_bytes": given["base_parameters"]}, {"tokens_per_second": 0.0})
    return [outcome_of(plan, **(given | wrong)) for wrong in wrongs]


PROBES = [
    Probe(("todo1-test-fence",), draw_fences, call_fences),
    Probe(("todo1-test-function",), draw_functions, call_functions),
    Probe(("todo1-test-arguments",), draw_arguments, call_functions),
    Probe(("todo1-test-hostile",), draw_hostile, call_hostile, cases=1),
    Probe(("todo2-test-template",), draw_chats, call_template),
    Probe(("todo2-test-padding",), draw_chats, call_padding),
    Probe(("todo2-test-response",), draw_chats, call_response),
    Probe(("todo2-test-errors",), draw_chats, call_encode_errors, cases=1),
    Probe(("todo3-test-values",), draw_lengths, call_log_probs, agrees=near_scores),
    Probe(("todo3-test-gradients",), draw_lengths, call_gradient, cases=1),
    Probe(("todo3-test-chunks",), draw_lengths, call_chunks, cases=1),
    Probe(("todo3-test-padding",), draw_lengths, call_log_probs, agrees=near_scores),
    Probe(("todo4-test-values",), draw_lengths, call_reference, agrees=near_scores, cases=1),
    Probe(("todo4-test-mode",), draw_lengths, call_reference_mode, cases=1),
    Probe(("todo4-test-restored",), draw_lengths, call_reference_error, cases=1),
    Probe(("todo5-test-values",), draw_rewards, call_plain_rewards),
    Probe(("todo5-test-messages",), draw_rewards, call_message_rewards),
    Probe(("todo5-test-contract",), draw_rewards, call_rewards),
    Probe(("todo6-test-count",), draw_sizes, call_tiny_size),
    Probe(("todo6-test-shapes",), draw_sizes, call_size),
    Probe(("todo7-test-difference",), draw_pairs, call_difference),
    Probe(("todo7-test-p-value",), draw_pairs, call_p_value, agrees=near_numbers),
    Probe(("todo7-test-interval",), draw_pairs, call_interval, agrees=near_numbers),
    Probe(("todo8-test-numbers",), draw_plan, call_plan),
    Probe(("todo8-test-refusals",), draw_plan, call_plan_errors, cases=1),
]  # fmt: skip
