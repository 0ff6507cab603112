"""TODO 4: the loss."""

import random
from typing import Any

from nexa_grade.second_look.probe import Probe, nearly_equal

from .shared import Namespace, number, shuffled


def draw_loss(
    rng: random.Random, low: float = -0.6, high: float = 0.6, size: int = 0
) -> dict[str, Any]:
    """Draw what the loss gets: log-probs, advantages, lengths that fill the rows."""
    rows, columns = size or rng.randint(2, 4), size or rng.randint(3, 6)

    def matrix(least: float, most: float) -> list[list[float]]:
        return [[rng.uniform(least, most) for _ in range(columns)] for _ in range(rows)]

    ref = matrix(-3.0, -0.5)
    moves, older = matrix(low, high), matrix(-0.1, 0.1)
    return {
        "ref": ref,
        "new": added(ref, moves),
        "old": added(added(ref, moves), older),
        "advantages": [
            rng.choice((rng.uniform(-2, -0.3), rng.uniform(0.3, 1))) for _ in range(rows)
        ],
        "lengths": [columns] * rows,
        "beta": rng.uniform(0.1, 3.0),
    }


def added(one: list[list[float]], other: list[list[float]]) -> list[list[float]]:
    """Add two matrices."""
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]


def tensors_of(namespace: Namespace, given: dict[str, Any]) -> dict[str, Any]:
    """Make tensors of what was drawn."""
    torch = namespace["torch"]
    names = ("new", "ref", "old", "advantages", "lengths")
    return {name: torch.tensor(given[name]) for name in names if name in given}


def call_loss_form(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Say what kind of a loss and of metrics comes back, and which way the gradient points."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    new = t["new"].requires_grad_()
    loss, metrics = namespace["grpo_tcr_loss"](
        new, t["ref"], t["advantages"], t["lengths"], beta_kl=0.0
    )
    loss.backward()
    names = ("mean_advantage", "mean_kl", "mean_length_penalty", "mean_ratio")
    kept = [name for name in names if getattr(metrics[name], "requires_grad", False)]
    is_finite = bool(torch.isfinite(loss))
    advantage = number(metrics["mean_advantage"])
    return [list(loss.shape), is_finite, new.grad.sign(), advantage, kept]


def draw_equal(rng: random.Random) -> dict[str, Any]:
    """Draw equal policies."""
    given = draw_loss(rng)
    return given | {"new": given["ref"]}


def call_loss_equal(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss of equal policies."""
    t = tensors_of(namespace, given)
    loss, metrics = namespace["grpo_tcr_loss"](t["new"], t["ref"], t["advantages"], t["lengths"])
    pair = (("mean_ratio", 1.0), ("mean_kl", 0.0))
    return [number(loss), *(number(metrics.get(name, value)) for name, value in pair)]


def draw_clip(rng: random.Random) -> dict[str, Any]:
    """Draw one row of two tokens, one ratio above and one below the clip range."""
    up, down = rng.uniform(0.35, 0.9), rng.uniform(-0.9, -0.4)
    other = {"eps_low": rng.uniform(0.45, 0.7), "eps_high": rng.uniform(0.05, 0.15)}
    return {"moves": [up, down], "other": other, "advantage": 1.0}


def call_loss_clip(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss for both signs of the advantage and two clip ranges."""
    torch, losses = namespace["torch"], []
    new, ref = torch.tensor([given["moves"]]), torch.zeros(1, 2)
    usual = {"eps_low": 0.2, "eps_high": 0.28}
    for sign in (1, -1):
        for clip in (usual, given["other"]):
            advantages = torch.tensor([sign * given["advantage"]])
            loss, _ = namespace["grpo_tcr_loss"](
                new, ref, advantages, torch.tensor([2]), **clip, beta_kl=0.0
            )
            losses.append(number(loss))
    loss, _ = namespace["grpo_tcr_loss"](new, ref, torch.ones(1), torch.tensor([2]), beta_kl=0.0)
    return [*losses, number(loss)]


def draw_tokens(rng: random.Random) -> dict[str, Any]:
    """Draw rows of other lengths, ratios inside the clip range, and numbers at the padding."""
    given = draw_loss(rng, -0.15, 0.15, size=rng.choice((0, 24)))
    columns = len(given["new"][0])
    lengths = [
        rng.randint(1, columns - 1),
        *(rng.randint(1, columns + 4) for _ in given["new"][1:]),
    ]
    advantages = [*given["advantages"][:-1], 0.0]
    return given | {
        "advantages": advantages,
        "lengths": lengths,
        "noise": [rng.uniform(-8, 8), rng.uniform(-8, 8)],
    }


def call_loss_tokens(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute surrogate and KL with padding; the KL minus that of the same tokens in one row."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of, columns = namespace["grpo_tcr_loss"], t["new"].shape[1]
    real = torch.arange(columns) < t["lengths"].unsqueeze(1)
    count = torch.tensor([int(real.sum())])
    one_row = t["new"][real][None], t["ref"][real][None], torch.zeros(1), count
    alone = number(loss_of(*one_row, beta_kl=5.0)[0])
    noisy = [
        t[name].masked_fill(~real, x)
        for name, x in zip(("new", "ref"), given["noise"], strict=True)
    ]
    results = []
    for pair in ((t["new"], t["ref"]), noisy):
        surrogate = loss_of(*pair, t["advantages"], t["lengths"], beta_kl=0.0)[0]
        kl = loss_of(*pair, torch.zeros(len(real)), t["lengths"], beta_kl=5.0)[0]
        results += [number(surrogate), number(kl) - alone]
    return results


def draw_kl(rng: random.Random) -> dict[str, Any]:
    """Draw gaps between reference and policy."""
    return {
        "gaps": [rng.uniform(-1.5, 1.5) for _ in range(rng.randint(1, 4))],
        "beta": rng.uniform(0.2, 3),
    }


def call_loss_kl(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the KL penalty, its gradient and its metric."""
    torch, results = namespace["torch"], []
    count = len(given["gaps"])
    for weight in ({"beta_kl": given["beta"]}, {}):
        new = torch.full((1, count), -4.0, requires_grad=True)
        ref = new.detach() + torch.tensor([given["gaps"]])
        loss, metrics = namespace["grpo_tcr_loss"](
            new, ref, torch.zeros(1), torch.tensor([count]), **weight
        )
        loss.backward()
        results.append([number(loss), new.grad, number(metrics.get("mean_kl", 0.0))])
    return results


def same_but_for_a_missing_metric(expected: list[Any], got: list[Any]) -> bool:
    """Compare; the metric may be missing, which another cell looks for."""
    for right, mine in zip(expected, got, strict=True):
        if not nearly_equal(right[:2], mine[:2]):
            return False
        if mine[2] != 0.0 and not nearly_equal(right[2], mine[2]):
            return False
    return True


def draw_square(rng: random.Random) -> dict[str, Any]:
    """Draw two rows of two tokens, inside the clip range, with advantages of both signs."""
    given = draw_loss(rng, -0.12, 0.12, size=2)
    advantages = shuffled(rng, [rng.uniform(0.3, 1), rng.uniform(-1, -0.3)])
    return given | {"advantages": advantages}


def draw_old(rng: random.Random) -> dict[str, Any]:
    """Draw a policy that sampled, near the new one, and a reference further away."""
    given, new, move = draw_square(rng), rng.uniform(-2, -1), rng.uniform(0.05, 0.15)
    gaps = rng.uniform(0.2, 0.5), rng.uniform(-0.5, -0.2)
    return given | {
        "new": [[new] * 2] * 2, "old": [[new - move] * 2] * 2, "ref": [[new + gap] * 2 for gap in gaps]
    }  # fmt: skip


def call_loss_old(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss against old log-probs; the change of the KL by them; and other gradients."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of, old = namespace["grpo_tcr_loss"], {"log_probs_old": t["old"]}
    fixed, nothing = (t["new"], t["ref"]), torch.zeros(len(t["new"]))
    loss, metrics = loss_of(*fixed, t["advantages"], t["lengths"], beta_kl=0.0, **old)
    pair = [
        number(loss_of(*fixed, nothing, t["lengths"], beta_kl=5.0, **more)[0]) for more in ({}, old)
    ]
    reached = []
    for given_old in (True, False):
        new, ref, older = (t[name].clone().requires_grad_() for name in ("new", "ref", "old"))
        options = {"log_probs_old": older} if given_old else {}
        loss_of(new, ref, t["advantages"], t["lengths"], **options)[0].backward()
        reached += [bool(x.grad is not None and x.grad.any()) for x in (ref, older)]
    ratio = metrics.get("mean_ratio")
    return [number(loss), None if ratio is None else number(ratio), pair[1] - pair[0], *reached]


def same_old(expected: list[Any], got: list[Any]) -> bool:
    """Compare; the ratio may be missing, which another cell looks for."""
    return nearly_equal(expected, [got[0], expected[1] if got[1] is None else got[1], *got[2:]])


def draw_metrics(rng: random.Random) -> dict[str, Any]:
    """Draw rows of different lengths and limits of the length penalty."""
    given = draw_loss(rng)
    columns = len(given["new"][0])
    lengths = [rng.randint(1, columns) for _ in given["new"]]
    return given | {"lengths": lengths, "L_max": columns + 1, "L_cache": rng.randint(2, 3)}


def call_loss_metrics(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the metrics; the KL minus that of the same tokens in one row."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of = namespace["grpo_tcr_loss"]
    arguments = t["new"], t["ref"], t["advantages"], t["lengths"]
    loss, metrics = loss_of(*arguments, L_max=given["L_max"], L_cache=given["L_cache"])
    real = torch.arange(t["new"].shape[1]) < t["lengths"].unsqueeze(1)
    count = torch.tensor([int(real.sum())])
    one_row = t["new"][real][None], t["ref"][real][None], torch.zeros(1), count
    alone = number(loss_of(*one_row)[1].get("mean_kl", 0.0))
    names = ("mean_advantage", "mean_ratio", "mean_length_penalty")
    relaxed = number(loss_of(*arguments)[0])
    values = [number(metrics[name]) for name in names]
    return [*values, number(metrics["mean_kl"]) - alone, number(loss) - relaxed]


PROBES = [
    Probe(("todo4-test-scalar",), draw_square, call_loss_form),
    Probe(("todo4-test-equal-policies",), draw_equal, call_loss_equal),
    Probe(("todo4-test-clip",), draw_clip, call_loss_clip),
    Probe(("todo4-test-token-level",), draw_tokens, call_loss_tokens),
    Probe(("todo4-test-kl",), draw_kl, call_loss_kl, agrees=same_but_for_a_missing_metric),
    Probe(("todo4-test-old",), draw_old, call_loss_old, agrees=same_old),
    Probe(("todo4-test-metrics",), draw_metrics, call_loss_metrics),
]  # fmt: skip
