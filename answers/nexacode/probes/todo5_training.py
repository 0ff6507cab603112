"""TODO 5: training of a tiny policy."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nexa_grade.second_look.probe import Probe, nearly_equal

from .shared import (
    BAD,
    GOOD,
    NEUTRAL,
    VOCABULARY,
    Namespace,
    lively_policy,
    number,
    shuffled,
    triples_of,
)


def metrics_of(kl: float = 0.25) -> dict[str, float]:
    """Make metrics as a fake loss returns them."""
    names = ("mean_advantage", "mean_length_penalty", "mean_ratio", "clip_fraction")
    return dict.fromkeys(names, 0.25) | {"mean_kl": kl}


@contextmanager
def fakes_of_training(namespace: Namespace, loss: Any, **more: Any) -> Iterator[None]:
    """Put fakes in the place of what other TODOs have to do."""
    fakes = {"grpo_tcr_loss": loss, "analyze_feedback_signals": namespace["simple_sentiments"]}
    space = namespace["replaced"](namespace, **fakes, **more)
    with namespace["quiet"](), space:
        yield


def trainees(namespace: Namespace, seeds: tuple[int, int] = (0, 0)) -> tuple[Any, Any, Any, Any]:
    """Make a tokenizer, a policy, its frozen reference, and a PRM that knows praise."""
    tokenizer = namespace["check_tokenizer"]()
    policy, reference = (namespace["tiny_policy"](tokenizer, seed) for seed in seeds)
    judge = namespace["ScriptedPRM"](tokenizer, {"Perfect": 1.0, "wrong": -1.0})
    return tokenizer, policy, reference.requires_grad_(False), judge


def draw_training(rng: random.Random) -> dict[str, Any]:
    """Draw praised and corrected responses, and sizes."""
    words = shuffled(rng, list(VOCABULARY))
    rows = [
        [words[0], GOOD],
        [f"{words[0]} {words[1]}", GOOD],
        [words[2], BAD],
        [f"{words[2]} {words[3]}", BAD],
    ]
    return {
        "rows": rows * 2,
        "steps": rng.randint(2, 6),
        "seed": rng.randrange(10**6),
        "lr": rng.uniform(0.1, 0.9),
        "scale": rng.uniform(500, 2000),
    }


def call_train_lists(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train for some steps; the lengths of the lists, and what no triples give."""
    tokenizer, policy, reference, judge = trainees(namespace)
    triples, train = triples_of(namespace, given["rows"]), namespace["train_grpo_tcr"]
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        history = train(
            policy, reference, judge, triples, tokenizer, num_steps=given["steps"], batch_size=4
        )
        try:
            train(policy, reference, judge, [], tokenizer, num_steps=1)
            error = "none"
        except ValueError:
            error = "ValueError"
    names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
    finite = [all(abs(number(x)) < 1e9 for x in history[name]) for name in names]
    of_one_kind = [numbers_of_one_kind(namespace, said) for said in (GOOD, BAD)]
    return [[len(history[name]) for name in names], finite, error, of_one_kind]


def numbers_of_one_kind(namespace: Namespace, feedback: str) -> list[float]:
    """Train one step on triples of one kind of feedback; mean reward and agreement."""
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, [[word, feedback] for word in VOCABULARY])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        history = namespace["train_grpo_tcr"](
            policy, reference, judge, triples, tokenizer, num_steps=1, batch_size=4
        )
    return [number(history[name][0]) for name in ("mean_rewards", "prm_accuracies")]


def learns(namespace: Namespace) -> bool:
    """Tell whether training moves praise up and corrections down, as the notebook's tool checks."""
    try:
        namespace["check_learning"]()
    except AssertionError:
        return False
    return True


def call_train_changes(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train for two steps; say what has changed."""
    torch, deepcopy = namespace["torch"], namespace["copy"].deepcopy
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, given["rows"])
    trio = (policy, reference, judge)
    before, triples_before = [deepcopy(model.state_dict()) for model in trio], deepcopy(triples)
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        namespace["train_grpo_tcr"](*trio, triples, tokenizer, num_steps=2, batch_size=8)
    same = [
        all(torch.equal(old, model.state_dict()[name]) for name, old in state.items())
        for model, state in zip(trio, before, strict=True)
    ]
    pairs = [VOCABULARY[:2], VOCABULARY[1::-1]]
    moves = [namespace["moves_of"](*pair, num_steps=2, lr=1e-2) for pair in pairs]
    return [*same, triples == triples_before, [up > down for up, down in moves]]


def call_train_optimizer(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train with scripted losses; norms of gradients at each step, and how far weights shrink."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    results = []
    for scales, options in (([given["scale"], 0.0], {}), ([0.0] * 4, {"lr": given["lr"]})):
        tokenizer, policy, reference, judge = trainees(namespace)
        calls: list[Any] = []
        norms: list[float] = []

        def loss(
            log_probs_new: Any, *_: Any, scales: Any = scales, calls: Any = calls, **__: Any
        ) -> Any:
            calls.append(scales[min(len(calls), len(scales) - 1)] * log_probs_new.sum())
            return calls[-1], metrics_of()

        def watch(_: Any, *__: Any, policy: Any = policy, norms: Any = norms) -> None:
            parts = [p.grad.norm() ** 2 for p in policy.parameters() if p.grad is not None]
            norms.append(float(sum(parts)) ** 0.5)

        before = [p.detach().clone() for p in policy.parameters()]
        handle = register_optimizer_step_pre_hook(watch)
        triples = triples_of(namespace, given["rows"])
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss):
            namespace["train_grpo_tcr"](
                policy, reference, judge, triples, tokenizer, num_steps=len(scales), **options
            )
        handle.remove()
        pairs = list(zip(policy.parameters(), before, strict=True))
        moved = any(not namespace["torch"].equal(p, old) for p, old in pairs)
        kept = min(float(p.detach().norm() / old.norm()) for p, old in pairs if old.norm() > 0)
        results.append({
            "moved": moved, "called": bool(calls), "norms": norms, "kept": kept,
            "learns": bool(calls) or learns(namespace),
        })  # fmt: skip
    return results


def same_optimizer(expected: list[Any], got: list[Any]) -> bool:
    """Compare as the cell does; a loss that is computed in place is judged by other cells."""
    clipped, shrunk = got
    is_right = all(one["moved"] and one["learns"] for one in got)
    if clipped["called"] and clipped["norms"]:
        large, none = clipped["norms"]
        is_right = is_right and abs(large - 1.0) < 0.01 and none < 1e-6
    if shrunk["called"]:
        is_right = is_right and abs(shrunk["kept"] - expected[1]["kept"]) < 0.001
    return bool(is_right)


def draw_direction(rng: random.Random) -> dict[str, Any]:
    """Draw two responses, which of them is praised, and their order."""
    good, bad = rng.sample(VOCABULARY, 2)
    rows = shuffled(rng, [[f"{good} {good}", GOOD], [bad, BAD]])
    return {"rows": rows * 4, "seed": rng.randrange(10**6)}


def call_train_direction(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train; how far the log-prob of each response has moved."""
    torch = namespace["torch"]
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, given["rows"])
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        namespace["train_grpo_tcr"](
            policy, reference, judge, triples, tokenizer, num_steps=12, batch_size=8, lr=1e-2
        )
    batch = namespace["encode_examples"](triples_of(namespace, given["rows"][:2]), tokenizer)
    with torch.no_grad():
        pair = [namespace["response_log_probs"](model, batch) for model in (policy, reference)]
    return (pair[0] - pair[1]).sum(dim=1) / batch["response_lengths"]


def are_of_one_sign(expected: list[float], got: list[float]) -> bool:
    """Tell whether the two numbers have the signs that they should have, but for a small one."""
    least = max(map(abs, got)) / 20
    pairs = zip(expected, got, strict=True)
    are_apart = (expected[0] - expected[1]) * (got[0] - got[1]) > 0
    return are_apart and all(right * mine > 0 or abs(mine) < least for right, mine in pairs)


def draw_loss_inputs(rng: random.Random) -> dict[str, Any]:
    """Draw two responses of different lengths, the weights of two policies, and beta."""
    words = shuffled(rng, list(VOCABULARY))
    rows = [[f"{words[0]} {words[1]}", GOOD], [words[2], BAD, "Write."]]
    return {
        "rows": rows * 4,
        "few": rows[:1] * 5 + rows[1:] * 15,
        "seeds": [rng.randrange(10**6), rng.randrange(10**6)],
        "beta": rng.uniform(0.02, 0.2),
        "seed": rng.randrange(10**6),
    }


def call_train_loss_inputs(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step, and then eight; what has reached the loss."""
    torch = namespace["torch"]
    tokenizer, _, _, judge = trainees(namespace)
    policy, reference = (lively_policy(namespace, tokenizer, seed) for seed in given["seeds"])
    reference.requires_grad_(False)
    calls: list[dict[str, Any]] = []

    def loss(
        log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
        eps_low: float = 0.2, eps_high: float = 0.28, beta_kl: float = 0.01,
        L_max: int = 512, L_cache: int = 100, log_probs_old: Any = None,
    ) -> Any:  # fmt: skip
        old = log_probs_ref if log_probs_old is None else log_probs_old
        calls.append({
            "lengths": [int(n) for n in response_lengths], "beta": float(beta_kl),
            "new": log_probs_new.detach(), "ref": log_probs_ref.detach(),
            "old_is_ref": torch.allclose(old, log_probs_ref),
        })  # fmt: skip
        return 0.0 * (log_probs_new + log_probs_ref).sum(), metrics_of()

    before = [p.detach().clone() for p in policy.parameters()]
    namespace["set_seed"](given["seed"])
    arguments = (policy, reference, judge)
    train, rows = namespace["train_grpo_tcr"], triples_of(namespace, given["rows"])
    with fakes_of_training(namespace, loss):
        train(*arguments, rows, tokenizer, num_steps=1, batch_size=5, beta_kl=given["beta"])
        moved = any(
            not torch.equal(p, old) for p, old in zip(policy.parameters(), before, strict=True)
        )
        first = calls[0] if calls else None
        calls.clear()
        few = triples_of(namespace, given["few"])
        train(*arguments, few, tokenizer, num_steps=8, batch_size=5)
    drawn = sorted({n for call in calls for n in call["lengths"]})
    if first is None:
        return {"moved": moved, "called": False, "learns": learns(namespace)}
    by_length: dict[str, list[Any]] = {}
    spread = 0.0
    for row, n in enumerate(first["lengths"]):
        pair = [first[name][row, :n].float() for name in ("new", "ref")]
        known = by_length.setdefault(str(n), pair)
        spread = max(
            spread, *(float((a - b).abs().max()) for a, b in zip(pair, known, strict=True))
        )
    return {
        "moved": moved, "called": True, "by_length": by_length, "is_equal": spread < 1e-3,
        "count": len(first["lengths"]), "beta": first["beta"], "old": first["old_is_ref"],
        "drawn": drawn,
    }  # fmt: skip


def same_if_called(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Compare; a loss that is computed in place is judged by other cells."""
    if not got["called"]:
        return bool(got["moved"] and got["learns"])
    right, mine = expected["by_length"], got["by_length"]
    others = [
        {name: x for name, x in one.items() if name != "by_length"} for one in (expected, got)
    ]
    return nearly_equal(*others) and all(
        name in right and are_close(right[name], values, 2e-3) for name, values in mine.items()
    )


def are_close(expected: list[Any], got: list[Any], tolerance: float) -> bool:
    """Compare lists of lists of numbers."""
    return all(
        len(a) == len(b) and all(abs(x - y) < tolerance for x, y in zip(a, b, strict=True))
        for a, b in zip(expected, got, strict=True)
    )


def draw_advantages(rng: random.Random) -> dict[str, Any]:
    """Draw how many responses are praised, and how long the long ones are."""
    a, b = rng.sample(VOCABULARY[:2], 2)
    rows = [[f"{a} {a}", GOOD], [b, NEUTRAL]] * rng.randint(5, 9)
    texts = [
        "alpha",
        "alpha " * rng.randint(60, 74) + "alpha",
        "wxyz " * rng.randint(90, 94) + "wxyz",
    ]
    return {
        "rows": rows, "long": [[text, GOOD] for text in texts] * 3, "seed": rng.randrange(10**6),
    }  # fmt: skip


def long_encoder(namespace: Namespace) -> Any:
    """Make an encoder that lets responses be so long that the overlong shaping acts."""
    encode = namespace["encode_examples"]

    def encode_long(
        triples: Any, tokenizer: Any, max_context: int = 256, max_response: int = 128,
        device: Any = "cpu", response_ids: Any = None,
    ) -> Any:  # fmt: skip
        return encode(triples, tokenizer, max_context, 512, device, response_ids)

    return encode_long


def call_train_advantages(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step on each of two batches; advantages and lengths."""
    results = []
    for name in ("rows", "long"):
        tokenizer, policy, reference, _ = trainees(namespace)
        judge = namespace["ScriptedPRM"](tokenizer, {"Perfect": 1.0})
        triples, calls = triples_of(namespace, given[name]), []

        def loss(
            log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
            *_: Any, calls: Any = calls, **__: Any,
        ) -> Any:  # fmt: skip
            lengths = [int(n) for n in response_lengths]
            calls.append([advantages.detach().float().tolist(), lengths])
            return 0.0 * (log_probs_new + log_probs_ref).sum(), metrics_of()

        before = [p.detach().clone() for p in policy.parameters()]
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss, encode_examples=long_encoder(namespace)):
            namespace["train_grpo_tcr"](
                policy, reference, judge, triples, tokenizer, num_steps=1, batch_size=len(triples)
            )
        pairs = zip(policy.parameters(), before, strict=True)
        moved = any(not namespace["torch"].equal(p, old) for p, old in pairs)
        results.append({
            "moved": moved, "called": calls[0] if calls else None,
            "learns": bool(calls) or learns(namespace),
        })  # fmt: skip
    return results


def standardized(values: list[float]) -> list[float]:
    """Compare within a group, as advantages do."""
    mean = sum(values) / len(values)
    std = (sum((x - mean) ** 2 for x in values) / (len(values) - 1)) ** 0.5
    return [(x - mean) / std if std > 1e-6 else 0.0 for x in values]


def same_advantages(_: list[Any], got: list[Any]) -> bool:
    """Compare as the cell does: with the rewards that the advantages themselves tell."""
    if not all(result["moved"] and result["learns"] for result in got):
        return False
    plain, shaped = (result["called"] for result in got)
    if plain:
        values, _ = plain
        mean = sum(values) / len(values)
        right = standardized([float(x > mean) for x in values])
        if not are_close([right], [values], 0.1):
            return False
    if not shaped or max(shaped[1]) <= 412:
        return True
    values, lengths = shaped
    long = [x for x, n in zip(values, lengths, strict=True) if n > 412]
    short = [x for x, n in zip(values, lengths, strict=True) if n <= 412]
    is_apart = max(long) < min(short) - 0.5 and max(short) - min(short) < 0.01
    return abs(sum(values) / len(values)) < 0.01 and is_apart


def draw_rewards(rng: random.Random) -> dict[str, Any]:
    """Draw feedback with the PRM's rewards, and the seed."""
    pairs = [[GOOD, 1.0], [GOOD, -1.0], [NEUTRAL, 0.0], [NEUTRAL, -1.0]]
    return {"pairs": shuffled(rng, pairs)[:3], "seed": rng.randrange(10**6)}


def call_train_rewards(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step on each batch; the four numbers, and what the loss has said."""
    torch, results = namespace["torch"], []
    for feedback, reward in [*given["pairs"], (None, 1.0)]:
        tokenizer, policy, reference, _ = trainees(namespace, (0, 1))
        calls: list[list[float]] = []

        class Jury(namespace["ScriptedPRM"]):  # type: ignore[misc]
            """A PRM whose votes differ; the majority has the scripted reward."""

            def majority_vote(
                self, input_ids: Any, attention_mask: Any = None, num_votes: int = 5
            ) -> Any:
                rewards, votes = super().majority_vote(input_ids, attention_mask, num_votes)
                votes[num_votes // 2 + 1 :] = 0.0
                return rewards, votes

        def loss(
            log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
            *_: Any, calls: Any = calls, **__: Any,
        ) -> Any:  # fmt: skip
            mask = namespace["response_mask"](response_lengths, log_probs_new.shape[1])
            gap = (log_probs_ref - log_probs_new).detach()[mask]
            value = 3.0 - 0.1 * (advantages.unsqueeze(1) * log_probs_new * mask).sum()
            kl = float((torch.exp(gap) - gap - 1).mean())
            lengths = [int(n) for n in response_lengths]
            share = sum(n == max(lengths) for n in lengths) / len(lengths)
            calls.append([number(value), kl, 1.0, share])
            return value, metrics_of(kl)

        mixed = [["alpha alpha", GOOD], ["alpha", NEUTRAL]] * 8
        rows = mixed if feedback is None else [["alpha " * 460, feedback]] * 2
        known = {"Perf": 1.0, "Okay": 1.0} if feedback is None else {feedback[:4]: reward}
        triples = triples_of(namespace, rows)
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss, encode_examples=long_encoder(namespace)):
            history = namespace["train_grpo_tcr"](
                policy, reference, Jury(tokenizer, known), triples, tokenizer, num_steps=1,
                batch_size=len(triples),
            )  # fmt: skip
        names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
        results.append([[number(history[name][0]) for name in names], calls[0] if calls else None])
    return results


def same_rewards(expected: list[Any], got: list[Any]) -> bool:
    """Compare rewards and accuracies; and all four numbers with what the loss has said."""
    *right, _ = expected
    *mine, (numbers, said) = got
    values = zip(right, mine, strict=True)
    is_same = all(nearly_equal(one[0][2:], other[0][2:]) for one, other in values)
    return is_same and (said is None or nearly_equal(said, numbers))


PROBES = [
    Probe(("todo5-test-lists",), draw_training, call_train_lists, cases=2),
    Probe(("todo5-test-only-policy",), draw_training, call_train_changes, cases=1),
    Probe(
        ("todo5-test-optimizer",), draw_training, call_train_optimizer, agrees=same_optimizer,
        cases=2,
    ),
    Probe(
        ("todo5-test-direction",), draw_direction, call_train_direction, agrees=are_of_one_sign,
        cases=1,
    ),
    Probe(
        ("todo5-test-loss-inputs",), draw_loss_inputs, call_train_loss_inputs,
        agrees=same_if_called, cases=1,
    ),
    Probe(
        ("todo5-test-advantages",), draw_advantages, call_train_advantages,
        agrees=same_advantages, cases=1,
    ),
    Probe(
        ("todo5-test-rewards-logged",), draw_rewards, call_train_rewards, agrees=same_rewards,
        cases=1,
    ),
]  # fmt: skip
