"""Section 4.3: T, C and R under the microscope: three small worlds, each made for one letter.

The policies have one or a few numbers, so many seeds train side by side in seconds. The loss and
the advantages are those of section 4.2. Sources: DAPO (Yu et al. 2025, arXiv:2503.14476) for all
three parts; Liu et al. 2025 (arXiv:2503.20783) for the constant normalizer.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from scipy import stats

from nexa_helpers.grpo_tcr import compute_grpo_advantages, grpo_tcr_loss, overlong_reward

NORMALIZERS = ("mean of a response first", "token-level (T)", "constant")
CLIP_RANGES = {
    "symmetric, .2 / .2": (0.2, 0.2), "clip-higher, .2 / .28": (0.2, 0.28),
    "no clipping": (1.0, math.inf),
}  # fmt: skip
CLIP_CASES = {  # what ``run_clipping`` gets
    "rare token, 8 updates per batch": {"num_updates": 8},
    "rare token, 1 update per batch": {"num_updates": 1},
    "noisy rewards, 8 updates": {
        "num_updates": 8, "noise": 2.0, "start": 0.2, "batch_size": 16, "lr": 2.0, "num_rounds": 20,
    },
}  # fmt: skip
SHAPINGS = ("nothing", "masked", "hard", "soft, last 8", "soft, last 16")


class Estimate(NamedTuple):
    """A mean over seeds, with its 95 % interval."""

    mean: float
    low: float
    high: float


def estimate_mean(values: torch.Tensor) -> Estimate:
    """Estimate a mean over seeds, with Student's 95 % interval.

    Args:
        values: (seeds,), at least two; for two variants, their differences seed by seed.
    """
    numbers = values.double().numpy()
    mean, error = float(numbers.mean()), float(stats.sem(numbers))
    margin = float(stats.t.ppf(0.975, len(numbers) - 1)) * error
    return Estimate(mean, mean - margin, mean + margin)


def descend(parameter: torch.Tensor, loss: torch.Tensor, lr: float) -> None:
    """Take one step of plain gradient descent on a parameter, in place."""
    (gradient,) = torch.autograd.grad(loss, parameter)
    with torch.no_grad():
        parameter -= lr * gradient


# A policy that only chooses when to stop: after each token it stops with probability p.


def expected_length(logits: torch.Tensor, cap: int) -> torch.Tensor:
    """Expected tokens of a response that stops after each token with p = sigmoid(logit).

    Args:
        logits: Any shape.
        cap: Most tokens.

    Returns:
        (1 - (1 - p)^cap) / p, the same shape.
    """
    stop = torch.sigmoid(logits)
    return -torch.expm1(cap * F.logsigmoid(-logits)) / stop


def truncated_share(logits: torch.Tensor, cap: int) -> torch.Tensor:
    """Share of responses that reach the cap without a stop: (1 - p)^cap."""
    return torch.exp(cap * F.logsigmoid(-logits))


def sample_stops(
    logits: torch.Tensor, cap: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample responses of a stopping policy.

    Args:
        logits: Of stopping, one per response.
        cap: Most tokens.
        generator: The source of chance.

    Returns:
        Lengths in 1..cap, and whether the response was truncated; the shape of ``logits``.
    """
    chance = torch.rand(logits.shape, generator=generator, dtype=logits.dtype)
    # P(more than n tokens) = (1 - p)^n
    lengths = (torch.log(chance) / F.logsigmoid(-logits.detach())).floor() + 1
    return lengths.clamp(max=cap).long(), lengths > cap


def stop_log_probs(
    logits: torch.Tensor, lengths: torch.Tensor, truncated: torch.Tensor, cap: int
) -> torch.Tensor:
    """Log-probs of the tokens of a response: "go on" some times, then "stop" if not truncated.

    Args:
        logits: (rows,) of stopping.
        lengths: (rows,) tokens.
        truncated: (rows,) True where no "stop" came.
        cap: Most tokens.

    Returns:
        (rows, cap) in nats.
    """
    columns = torch.arange(cap)
    is_stop = (columns == lengths.unsqueeze(1) - 1) & ~truncated.unsqueeze(1)
    signed = torch.where(is_stop, logits.unsqueeze(1), -logits.unsqueeze(1))
    return F.logsigmoid(signed)


def token_weights(lengths: torch.Tensor, normalizer: str, cap: int) -> torch.Tensor:
    """Weights that turn the mean over all tokens of all seeds into another mean per seed.

    ``grpo_tcr_loss`` divides by the tokens of all rows. A positive factor of an advantage scales
    the term of each of its tokens, clipped or not. So one call serves all seeds.

    Args:
        lengths: (seeds, group) tokens that count; 0 where a response is masked.
        normalizer: One of ``NORMALIZERS``; the constant one divides by group times ``cap``.
        cap: Most tokens.

    Returns:
        (seeds, group) factors for the advantages.
    """
    own = {
        "mean of a response first": lengths.shape[1] * lengths.clamp(min=1),
        "token-level (T)": lengths.sum(dim=1, keepdim=True).clamp(min=1),
        "constant": torch.tensor(lengths.shape[1] * cap),
    }
    return (lengths.sum() / own[normalizer]).expand(lengths.shape).double()


def stopping_loss(
    logits: torch.Tensor, advantages: torch.Tensor, lengths: torch.Tensor, truncated: torch.Tensor,
    counted: torch.Tensor, normalizer: str, cap: int,
) -> torch.Tensor:  # fmt: skip
    """Sum the losses of all seeds: one update per batch, no KL penalty.

    Args:
        logits: (seeds, group) of stopping.
        advantages: (seeds, group).
        lengths: (seeds, group) tokens.
        truncated: (seeds, group) True where no "stop" came.
        counted: (seeds, group) tokens that the loss sees.
        normalizer: See ``token_weights``.
        cap: Most tokens.
    """
    weighted = advantages * token_weights(counted, normalizer, cap)
    new = stop_log_probs(logits.flatten(), lengths.flatten(), truncated.flatten(), cap)
    return grpo_tcr_loss(
        new, new.detach(), weighted.flatten(), counted.flatten(), beta_kl=0.0,
        log_probs_old=new.detach(),
    )[0]  # fmt: skip


def run_token_level(
    normalizer: str, num_seeds: int = 16, num_rounds: int = 150, group_size: int = 8,
    cap: int = 40, lr: float = 0.3, seed: int = 0,
) -> torch.Tensor:  # fmt: skip
    """T: right and wrong plans at random, reward for the plan alone; the policy chooses the length.

    Args:
        normalizer: One of ``NORMALIZERS``.
        num_seeds: Trainings side by side.
        num_rounds: Updates, each with one group.
        group_size: Responses per update (G).
        cap: Most tokens.
        lr: Learning rate of gradient descent.
        seed: Seed of the draws.

    Returns:
        (num_rounds + 1, num_seeds, 2): expected tokens of right and of wrong responses.
    """
    generator = torch.Generator().manual_seed(seed)
    start = math.log(0.15 / 0.85)  # stops with .15: 6.7 tokens on average
    logits = torch.full((num_seeds, 2), start, dtype=torch.double, requires_grad=True)
    history = [expected_length(logits.detach(), cap)]
    for _ in range(num_rounds):
        wrong = torch.randint(2, (num_seeds, group_size), generator=generator)
        own = logits.gather(1, wrong)
        lengths, truncated = sample_stops(own, cap, generator)
        advantages = compute_grpo_advantages(1.0 - wrong.double())
        loss = stopping_loss(own, advantages, lengths, truncated, lengths, normalizer, cap)
        descend(logits, loss, lr)
        history.append(expected_length(logits.detach(), cap))
    return torch.stack(history)


def run_clipping(
    clip_range: str, num_updates: int = 8, noise: float = 0.0, start: float = 0.02,
    num_seeds: int = 32, num_rounds: int = 10, batch_size: int = 64, vocab_size: int = 50,
    lr: float = 0.5, seed: int = 0,
) -> torch.Tensor:  # fmt: skip
    """C: responses of one token, of which one is good; several updates on the same batch.

    Args:
        clip_range: One of ``CLIP_RANGES``.
        num_updates: Updates per batch; the old log-probs stay those of its sampling.
        noise: Standard deviation of what the judge adds to the true reward (1 or 0).
        start: Probability of the good token at the start; the others share the rest.
        num_seeds: Trainings side by side.
        num_rounds: Batches.
        batch_size: Responses per batch, one group.
        vocab_size: Different tokens.
        lr: Learning rate of gradient descent.
        seed: Seed of the draws.

    Returns:
        (num_rounds + 1, num_seeds): the probability of the good token, which is token 0.
    """
    generator = torch.Generator().manual_seed(seed)
    eps_low, eps_high = CLIP_RANGES[clip_range]
    logits = torch.zeros(num_seeds, vocab_size, dtype=torch.double)
    logits[:, 0] = math.log(start / (1 - start) * (vocab_size - 1))
    logits.requires_grad_(True)
    lengths = torch.ones(num_seeds * batch_size, dtype=torch.long)
    history = [torch.softmax(logits.detach(), 1)[:, 0]]
    for _ in range(num_rounds):
        chances = torch.softmax(logits.detach(), dim=1)
        tokens = torch.multinomial(chances, batch_size, replacement=True, generator=generator)
        error = torch.randn(tokens.shape, generator=generator, dtype=torch.double)
        advantages = compute_grpo_advantages((tokens == 0) + noise * error)
        old = torch.log_softmax(logits.detach(), dim=1).gather(1, tokens).view(-1, 1)
        for _ in range(num_updates):
            new = torch.log_softmax(logits, dim=1).gather(1, tokens).view(-1, 1)
            # Times the seeds: the loss is a mean over all of them
            loss, _ = grpo_tcr_loss(
                new, old, advantages.flatten() * num_seeds, lengths, eps_low, eps_high,
                beta_kl=0.0, log_probs_old=old,
            )  # fmt: skip
            descend(logits, loss, lr)
        history.append(torch.softmax(logits.detach(), 1)[:, 0])
    return torch.stack(history)


def length_rewards(
    shaping: str, lengths: torch.Tensor, truncated: torch.Tensor, cap: int
) -> torch.Tensor:
    """R: rewards of a judge that likes each token and cannot see truncation, shaped.

    Args:
        shaping: One of ``SHAPINGS``.
        lengths: Tokens.
        truncated: True where no "stop" came.
        cap: Most tokens.

    Returns:
        Rewards, the shape of ``lengths``.
    """
    rewards = 0.03 * lengths.double()
    if shaping == "hard":
        return rewards - truncated.double()
    if shaping.startswith("soft"):
        buffer = int(shaping.split()[-1])
        table = torch.tensor([overlong_reward(n, cap, buffer) for n in range(cap + 1)])
        return rewards + table.double()[lengths]
    return rewards


def run_overlong(
    shaping: str, num_seeds: int = 16, num_rounds: int = 100, group_size: int = 16,
    cap: int = 32, lr: float = 1.0, seed: int = 0,
) -> torch.Tensor:  # fmt: skip
    """R: the policy chooses the length, and the judge likes length.

    Args:
        shaping: One of ``SHAPINGS``.
        num_seeds: Trainings side by side.
        num_rounds: Updates, each with one group.
        group_size: Responses per update (G).
        cap: Most tokens.
        lr: Learning rate of gradient descent.
        seed: Seed of the draws.

    Returns:
        (num_rounds + 1, num_seeds): the share of truncated responses.
    """
    generator = torch.Generator().manual_seed(seed)
    logits = torch.full((num_seeds, 1), math.log(0.15 / 0.85), dtype=torch.double)
    logits.requires_grad_(True)
    history = [truncated_share(logits.detach()[:, 0], cap)]
    for _ in range(num_rounds):
        own = logits.expand(num_seeds, group_size)
        lengths, truncated = sample_stops(own, cap, generator)
        advantages = compute_grpo_advantages(length_rewards(shaping, lengths, truncated, cap))
        counted = lengths.masked_fill(truncated, 0) if shaping == "masked" else lengths
        loss = stopping_loss(own, advantages, lengths, truncated, counted, NORMALIZERS[1], cap)
        descend(logits, loss, lr)
        history.append(truncated_share(logits.detach()[:, 0], cap))
    return torch.stack(history)
