"""Section 4.2: group-relative advantages, overlong shaping and the GRPO-TCR loss.

T: token-level mean. C: clip-higher. R: overlong reward shaping, which belongs in the reward and
is only reported here. Sources: DAPO (Yu et al. 2025, arXiv:2503.14476), Eqs. 8 to 13; GRPO
(Shao et al. 2024, arXiv:2402.03300), Eqs. 3 and 4; Open-AgentRL (arXiv:2510.11701).
"""

import math
from collections.abc import Callable
from typing import Any

import torch

LossFunction = Callable[..., tuple[torch.Tensor, dict[str, float]]]


def compute_grpo_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """Compute group-relative advantages, A_i = (r_i - mean(r)) / std(r) (DAPO, Eq. 9).

    Args:
        rewards: (..., G), the rewards of G responses to the same prompt in the last
            dimension.

    Returns:
        Advantages of the same shape, with the unbiased standard deviation. A group of
        one response, or of equal rewards, has nothing to compare: its advantages are 0.
        The type is that of the rewards, float32 for integers.

    Raises:
        ValueError: A reward is NaN, infinite or too large to square: it would
            silence its group.
    """
    if rewards.dim() == 0:
        raise ValueError("rewards: expected (..., G), got a single number")
    dtype = rewards.dtype if rewards.is_floating_point() else torch.float32
    # No sums in 16 bits
    rewards = rewards.to(torch.promote_types(dtype, torch.float32))
    is_bad = ~rewards.square().isfinite()
    if is_bad.any():
        place, first = is_bad.nonzero()[0].tolist(), rewards[is_bad][0]
        raise ValueError(f"rewards: expected finite numbers, got {first} at {place}")
    if rewards.shape[-1] < 2 or not rewards.numel():
        return torch.zeros_like(rewards, dtype=dtype)
    centered = rewards - rewards.mean(dim=-1, keepdim=True)
    std = rewards.std(dim=-1, keepdim=True)
    # Equal up to rounding, which grows with the rewards: 100.1 is a rounded number, too
    largest = rewards.abs().amax(dim=-1, keepdim=True)
    is_varied = std > 8 * torch.finfo(std.dtype).eps * largest
    return torch.where(is_varied, centered / std.where(is_varied, 1.0), 0.0).to(dtype)


def overlong_reward(
    response_length: int,
    L_max: int = 512,
    L_cache: int = 100,
) -> float:
    """Compute the soft overlong punishment (DAPO, Eq. 13).

    Args:
        response_length: Tokens of the response.
        L_max: Longest allowed length, in tokens.
        L_cache: Tokens before ``L_max`` over which the punishment grows from 0 to -1.

    Returns:
        A number in [-1, 0], to be added to the reward.
    """
    safe = L_max - L_cache
    if response_length <= safe:
        return 0.0
    if response_length <= L_max:
        return (safe - response_length) / L_cache
    return -1.0


def require_shape(shape: torch.Size, **tensors: torch.Tensor) -> None:
    """Insist that tensors have a shape.

    Raises:
        ValueError: One has another shape; the message names it.
    """
    for name, tensor in tensors.items():
        if tensor.shape != shape:
            raise ValueError(f"{name}: expected {(*shape,)}, got {(*tensor.shape,)}")


def require_finite(loss: torch.Tensor, **causes: torch.Tensor) -> None:
    """Insist that a loss is finite, where clipping does not protect it.

    Raises:
        ValueError: It is not; the message gives the largest absolute value of each cause.
    """
    if not loss.isfinite():
        largest = [f"{name} up to {value.abs().max().item():.4g}" for name, value in causes.items()]
        raise ValueError(f"loss: expected a finite number, got {loss.item()}: {', '.join(largest)}")


def grpo_tcr_loss(
    log_probs_new: torch.Tensor,
    log_probs_ref: torch.Tensor,
    advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    eps_low: float = 0.2,
    eps_high: float = 0.28,
    beta_kl: float = 0.01,
    L_max: int = 512,
    L_cache: int = 100,
    log_probs_old: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, float]]:
    """Compute the GRPO-TCR loss: token-level clipped surrogate plus a KL penalty.

    Args:
        log_probs_new: (batch, time) log-probs (nats) of the response tokens.
        log_probs_ref: (batch, time) the same under the frozen reference policy.
        advantages: (batch,) one advantage per response.
        response_lengths: (batch,) real tokens of each response: the rest is padding and
            counts nowhere. A length beyond ``time`` means a full row.
        eps_low: The ratio is clipped from below at 1 - eps_low.
        eps_high: The ratio is clipped from above at 1 + eps_high (clip-higher).
        beta_kl: Weight of the KL penalty.
        L_max: See ``overlong_reward``; only reported.
        L_cache: See ``overlong_reward``; only reported.
        log_probs_old: (batch, time) log-probs under the policy that sampled the tokens.
            None (logged turns): the ratio is taken against the reference.

    Returns:
        The loss (a scalar; gradients reach ``log_probs_new`` alone) and the metrics,
        without gradient: ``mean_advantage``, ``mean_length_penalty`` (over responses),
        ``mean_kl``, ``mean_ratio`` (over real tokens), and others of your choice.
    """
    if log_probs_new.dim() != 2 or not len(log_probs_new):
        raise ValueError(f"log_probs_new: expected (batch, time), got {(*log_probs_new.shape,)}")
    log_probs_ref = log_probs_ref.detach()
    log_probs_old = log_probs_ref if log_probs_old is None else log_probs_old.detach()
    require_shape(log_probs_new.shape, log_probs_ref=log_probs_ref, log_probs_old=log_probs_old)
    rows = {"advantages": advantages, "response_lengths": response_lengths}
    require_shape(log_probs_new.shape[:1], **rows)
    columns = torch.arange(log_probs_new.shape[1], device=log_probs_new.device)
    mask = columns < response_lengths.unsqueeze(1)  # (batch, time), True for real tokens
    num_tokens = mask.sum().clamp(min=1)
    # 16 bits are too few for exp and for sums; wider types stay. Padding gets the ratio 1.
    dtype = torch.promote_types(log_probs_new.dtype, torch.float32)
    new = log_probs_new.to(dtype)
    log_ratio = (new - log_probs_old).masked_fill(~mask, 0.0)
    advantages = advantages.to(dtype)
    # C: min(ratio A, clip(ratio) A) bounds the ratio from above where A >= 0, and from below where
    # A < 0. Bounded before exp: a large number has the ratio inf, and 0 inf in the gradient is NaN.
    low, high = math.log(1 - eps_low) if eps_low < 1 else -math.inf, math.log1p(eps_high)
    is_praised = advantages.unsqueeze(1) >= 0
    bounded = torch.where(is_praised, log_ratio.clamp(max=high), log_ratio.clamp(min=low))
    surrogate = -torch.exp(bounded) * advantages.unsqueeze(1)
    # k3, an estimate of the KL divergence that is never negative (GRPO, Eq. 4).
    log_ratio_ref = (log_probs_ref - new).masked_fill(~mask, 0.0)
    kl = torch.exp(log_ratio_ref) - log_ratio_ref - 1
    # T: every real token of the batch weighs the same. Without a weight, no KL: 0 inf is NaN.
    loss = ((surrogate + beta_kl * kl if beta_kl else surrogate) * mask).sum() / num_tokens
    require_finite(loss, log_ratio=log_ratio, log_ratio_ref=log_ratio_ref, advantages=advantages)
    ratio = log_ratio.detach().exp()
    is_outside = (ratio < 1 - eps_low) | (ratio > 1 + eps_high)
    penalties = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths.tolist()]
    return loss, {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": (kl.sum() / num_tokens).item(),  # 0 at padding
        "mean_length_penalty": sum(penalties) / len(penalties),
        "mean_ratio": ((ratio * mask).sum() / num_tokens).item(),
        "clip_fraction": ((is_outside & mask).sum() / num_tokens).item(),
    }


def per_response_loss(
    log_probs_new: torch.Tensor,
    log_probs_ref: torch.Tensor,
    advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    log_probs_old: torch.Tensor,
    **settings: Any,
) -> tuple[torch.Tensor, dict[str, float]]:
    """Compute the loss without T: the mean of a response first (GRPO, Eq. 3).

    Args:
        log_probs_new: (batch, time) log-probs (nats) of the response tokens.
        log_probs_ref: (batch, time) the same under the frozen reference policy.
        advantages: (batch,) one advantage per response.
        response_lengths: (batch,) real tokens of each response.
        log_probs_old: (batch, time) log-probs under the policy that sampled the tokens.
        settings: The other keywords of ``grpo_tcr_loss``.

    Returns:
        The mean over responses of the loss of each one, and the metrics of the whole
        batch.
    """
    loss_function: LossFunction = grpo_tcr_loss
    tensors = [log_probs_new, log_probs_ref, advantages, response_lengths]

    def loss_of(rows: slice) -> tuple[torch.Tensor, dict[str, float]]:
        arguments = [tensor[rows] for tensor in tensors]
        return loss_function(*arguments, log_probs_old=log_probs_old[rows], **settings)

    metrics = loss_of(slice(None))[1]
    losses = [loss_of(slice(row, row + 1))[0] for row in range(len(advantages))]
    return torch.stack(losses).mean(), metrics
