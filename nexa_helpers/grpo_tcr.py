"""Section 4.2: group-relative advantages, overlong shaping and the GRPO-TCR loss.

T: token-level mean. C: clip-higher. R: overlong reward shaping, which belongs in the reward and
is only reported here. Sources: DAPO (Yu et al. 2025, arXiv:2503.14476), Eqs. 8 to 13; GRPO
(Shao et al. 2024, arXiv:2402.03300), Eqs. 3 and 4; Open-AgentRL (arXiv:2510.11701).
"""

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
    """
    rewards = rewards if rewards.is_floating_point() else rewards.float()
    if rewards.shape[-1] < 2:
        return torch.zeros_like(rewards)
    centred = rewards - rewards.mean(dim=-1, keepdim=True)
    std = rewards.std(dim=-1, keepdim=True)
    scaled = centred / std.clamp(min=1e-6)
    return torch.where(std > 1e-6, scaled, torch.zeros_like(rewards))


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
        log_probs_new: (batch, time) log-probs of the response tokens under the policy,
            nats.
        log_probs_ref: (batch, time) the same under the frozen reference policy.
        advantages: (batch,) one advantage a response.
        response_lengths: (batch,) real tokens of each response. Tokens at or past the
            length are padding and count nowhere. A length beyond ``time`` means a full
            row.
        eps_low: The ratio is clipped from below at 1 - eps_low.
        eps_high: The ratio is clipped from above at 1 + eps_high (clip-higher).
        beta_kl: Weight of the KL penalty.
        L_max: See ``overlong_reward``; only reported.
        L_cache: See ``overlong_reward``; only reported.
        log_probs_old: (batch, time) log-probs under the policy that sampled the tokens.
            None on logged turns: the ratio is then taken against the reference, which
            makes a fixed trust region around the deployed model.

    Returns:
        The loss (a scalar) and the metrics ``mean_advantage`` and
        ``mean_length_penalty`` (over responses), ``mean_kl``, ``mean_ratio`` and, if
        you like, ``clip_fraction`` (over real tokens): floats, or tensors without a
        gradient. Gradients reach ``log_probs_new`` alone.

    Raises:
        ValueError: The shapes do not match.
    """
    batch, time = log_probs_new.shape
    for name, given in (("log_probs_ref", log_probs_ref), ("log_probs_old", log_probs_old)):
        if given is not None and given.shape != (batch, time):
            raise ValueError(f"{name}: expected {(batch, time)}, got {(*given.shape,)}")
    if advantages.shape != (batch,) or response_lengths.shape != (batch,):
        raise ValueError(
            f"advantages, response_lengths: expected {(batch,)}, "
            f"got {(*advantages.shape,)}, {(*response_lengths.shape,)}"
        )
    log_probs_ref = log_probs_ref.detach()
    log_probs_old = log_probs_ref if log_probs_old is None else log_probs_old.detach()
    columns = torch.arange(time, device=log_probs_new.device)
    mask = columns < response_lengths.unsqueeze(1)  # (batch, time), True for real tokens
    num_tokens = mask.sum().clamp(min=1)

    # C: clip-higher, and the pessimistic one of the two. Padding gets the ratio 1.
    ratio = torch.exp((log_probs_new - log_probs_old).masked_fill(~mask, 0.0))
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    token_advantages = advantages.unsqueeze(1)
    surrogate = -torch.min(ratio * token_advantages, clipped * token_advantages)

    # k3, an estimate of the KL divergence that is never negative (GRPO, Eq. 4).
    log_ratio_ref = (log_probs_ref - log_probs_new).masked_fill(~mask, 0.0)
    kl = torch.exp(log_ratio_ref) - log_ratio_ref - 1

    # T: every real token of the batch weighs the same.
    loss = ((surrogate + beta_kl * kl) * mask).sum() / num_tokens

    penalties = [overlong_reward(int(n), L_max, L_cache) for n in response_lengths.tolist()]
    metrics = {
        "mean_advantage": advantages.mean().item(),
        "mean_kl": ((kl * mask).sum() / num_tokens).item(),
        "mean_length_penalty": sum(penalties) / len(penalties),
        "mean_ratio": ((ratio * mask).sum() / num_tokens).item(),
        "clip_fraction": (((ratio != clipped) & mask).sum() / num_tokens).item(),
    }
    return loss, metrics


def per_response_loss(
    log_probs_new: torch.Tensor,
    log_probs_ref: torch.Tensor,
    advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    *options: Any,
) -> tuple[torch.Tensor, dict[str, float]]:
    """Compute the loss without T: the mean of a response first (GRPO, Eq. 3).

    Args:
        log_probs_new: As in ``grpo_tcr_loss``, like all other arguments.
        log_probs_ref: See above.
        advantages: See above.
        response_lengths: See above.
        options: The other arguments of ``grpo_tcr_loss``, in its order; the last one is
            ``log_probs_old``.

    Returns:
        The mean over responses of the loss of each one, and the metrics of the whole
        batch.
    """
    loss_function: LossFunction = grpo_tcr_loss
    *numbers, log_probs_old = options
    tensors = [log_probs_new, log_probs_ref, advantages, response_lengths]

    def loss_of(rows: slice) -> tuple[torch.Tensor, dict[str, float]]:
        arguments = [tensor[rows] for tensor in tensors]
        return loss_function(*arguments, *numbers, log_probs_old[rows])

    losses = [loss_of(slice(row, row + 1))[0] for row in range(len(advantages))]
    return torch.stack(losses).mean(), loss_of(slice(None))[1]
