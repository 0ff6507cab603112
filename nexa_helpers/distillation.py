"""Distillation, sections 4 to 7: the numbers that lie between a hint and a gradient.

The teacher is the deployed model that has read the hint. Where it finds a sampled token more likely
than the student did, the token is worth more. Sources: OpenClaw-RL (arXiv:2603.10165) for the
advantage and its sum with a reward; on-policy distillation (Agarwal et al. 2023, arXiv:2306.13649;
Lu et al. 2025, thinkingmachines.ai/blog/on-policy-distillation) for the reverse KL; PPO (Schulman
et al. 2017, arXiv:1707.06347) and DAPO (Yu et al. 2025, arXiv:2503.14476) for the clipped loss.
"""

import math

import torch
import torch.nn.functional as F

from nexa_helpers.grpo_tcr import require_shape
from nexa_helpers.policy import response_mask


def require_numbers(mask: torch.Tensor, **tensors: torch.Tensor) -> None:
    """Insist that tensors are finite at real tokens.

    Args:
        mask: (batch, time) booleans, True for real tokens.
        tensors: Each of the same shape.

    Raises:
        ValueError: One is NaN or infinite at a real token; the message names it and the
            place.
    """
    for name, tensor in tensors.items():
        is_bad = mask & ~tensor.isfinite()
        if is_bad.any():
            place = is_bad.nonzero()[0].tolist()
            value = tensor[tuple(place)].item()
            raise ValueError(f"{name}: expected finite numbers, got {value} at {place}")


def distillation_advantages(
    log_probs_teacher: torch.Tensor,
    log_probs_old: torch.Tensor,
    response_lengths: torch.Tensor,
    clip: float | None = 1.0,
) -> torch.Tensor:
    """Score each sampled token: how much more likely does the teacher find it?

    Args:
        log_probs_teacher: (batch, time) log-probs (nats) of the sampled tokens under
            the teacher, which has read the hint.
        log_probs_old: (batch, time) the same under the policy that sampled them.
        response_lengths: (batch,) real tokens of each response; a length beyond
            ``time`` means a full row. The rest is padding.
        clip: Each advantage is limited to [-clip, clip]; None: it is not.

    Returns:
        (batch, time) teacher minus old, in nats, without a gradient; 0.0 at padding,
        whatever stands there.

    Raises:
        ValueError: The shapes differ. A teacher with too few columns must not be filled
            up with 0.0: a log-prob of 0 means probability 1, and would be a large
            reward. Also where ``clip`` is not positive, or a real token has a log-prob
            that is no number. (A teacher's -inf is a number here while ``clip`` bounds
            it.)
    """
    if clip is not None and not clip > 0:
        raise ValueError(f"clip: expected a positive number or None, got {clip}")
    if log_probs_old.dim() != 2:
        raise ValueError(f"log_probs_old: expected (batch, time), got {(*log_probs_old.shape,)}")
    require_shape(log_probs_old.shape, log_probs_teacher=log_probs_teacher)
    require_shape(log_probs_old.shape[:1], response_lengths=response_lengths)
    mask = response_mask(response_lengths, log_probs_old.shape[1])
    teacher, old = log_probs_teacher.detach(), log_probs_old.detach()
    if clip is not None:  # "impossible" for the teacher: the lowest advantage, not an error
        teacher = teacher.masked_fill(teacher == -math.inf, torch.finfo(teacher.dtype).min)
    require_numbers(mask, log_probs_teacher=teacher, log_probs_old=old)
    advantages = (teacher - old).masked_fill(~mask, 0.0)
    return advantages if clip is None else advantages.clamp(-clip, clip)


def distillation_loss(
    log_probs_new: torch.Tensor,
    log_probs_old: torch.Tensor,
    token_advantages: torch.Tensor,
    response_lengths: torch.Tensor,
    eps_low: float = 0.2,
    eps_high: float = 0.28,
) -> torch.Tensor:
    """Compute the clipped policy loss with an advantage of its own for each token.

    The ratio of a token is exp(new - old). Its objective is the smaller one of
    ratio * advantage and clip(ratio, 1 - eps_low, 1 + eps_high) * advantage; the loss
    is minus their mean over all real tokens of the batch.

    Args:
        log_probs_new: (batch, time) log-probs (nats) of the sampled tokens under the
            policy in training.
        log_probs_old: (batch, time) the same under the policy that sampled them.
        token_advantages: (batch, time).
        response_lengths: (batch,) real tokens of each response; a length beyond
            ``time`` means a full row. The rest is padding and counts nowhere; a length
            of 0 drops the response.
        eps_low: The ratio is clipped from below at 1 - eps_low.
        eps_high: The ratio is clipped from above at 1 + eps_high.

    Returns:
        A scalar; gradients reach ``log_probs_new`` alone. 0.0 where no token is real.

    Raises:
        ValueError: The shapes differ, or a number of a real token is not finite.
    """
    if log_probs_new.dim() != 2:
        raise ValueError(f"log_probs_new: expected (batch, time), got {(*log_probs_new.shape,)}")
    old, advantages = log_probs_old.detach(), token_advantages.detach()
    require_shape(log_probs_new.shape, log_probs_old=old, token_advantages=advantages)
    require_shape(log_probs_new.shape[:1], response_lengths=response_lengths)
    mask = response_mask(response_lengths, log_probs_new.shape[1])
    require_numbers(mask, log_probs_new=log_probs_new.detach(), log_probs_old=old)
    require_numbers(mask, token_advantages=advantages)
    # Padding may hold anything: it is replaced before exp, so that no inf times 0 is left.
    ratio = (log_probs_new - old).masked_fill(~mask, 0.0).exp()
    advantages = advantages.masked_fill(~mask, 0.0)
    clipped = ratio.clamp(1 - eps_low, 1 + eps_high)
    objective = torch.minimum(ratio * advantages, clipped * advantages)
    return -objective.sum() / mask.sum().clamp(min=1)


def exact_reverse_kl(
    student_logits: torch.Tensor,
    teacher_logits: torch.Tensor,
    response_lengths: torch.Tensor,
    top_k: int | None = None,
) -> torch.Tensor:
    """Compute the reverse KL divergence KL(student || teacher) of whole distributions.

    With ``top_k`` only the student's k most likely tokens keep a bin of their own; all
    others share one more bin, the tail. Without the tail bin the sum would be no
    divergence: it can fall below zero, and the student lowers it by moving mass out of
    its top k.

    Args:
        student_logits: (batch, time, vocab) logits of the student.
        teacher_logits: (batch, time, vocab) logits of the teacher, over the same
            vocabulary.
        response_lengths: (batch,) real positions of each response; a length beyond
            ``time`` means a full row.
        top_k: Tokens with a bin of their own, at least 1; None, or the size of the
            vocabulary: all of them.

    Returns:
        A scalar, the mean over real positions in nats, never negative; gradients reach
        ``student_logits`` alone. 0.0 where no position is real.

    Raises:
        ValueError: The shapes or vocabularies differ, ``top_k`` is out of range, or a
            logit of a real position is not finite.
    """
    if student_logits.dim() != 3:
        raise ValueError(
            f"student_logits: expected (batch, time, vocab), got {(*student_logits.shape,)}"
        )
    require_shape(student_logits.shape, teacher_logits=teacher_logits)
    require_shape(student_logits.shape[:1], response_lengths=response_lengths)
    vocab = student_logits.shape[2]
    if top_k is not None and not 1 <= top_k <= vocab:
        raise ValueError(f"top_k: expected 1 to {vocab} (the vocabulary), got {top_k}")
    mask = response_mask(response_lengths, student_logits.shape[1])
    if not mask.any():
        return student_logits.sum() * 0.0
    student, teacher = student_logits[mask], teacher_logits.detach()[mask]  # (tokens, vocab)
    is_real = torch.ones_like(student, dtype=torch.bool)
    require_numbers(is_real, student_logits=student.detach(), teacher_logits=teacher)
    student, teacher = F.log_softmax(student, dim=-1), F.log_softmax(teacher, dim=-1)
    if top_k is not None and top_k < vocab:
        order = student.argsort(dim=-1, descending=True)
        student, teacher = student.gather(-1, order), teacher.gather(-1, order)
        # The tail by its own sum: 1 minus the top would lose a small one to rounding.
        student, teacher = (
            torch.cat([x[:, :top_k], x[:, top_k:].logsumexp(dim=-1, keepdim=True)], dim=-1)
            for x in (student, teacher)
        )
    divergences = (student.exp() * (student - teacher)).sum(dim=-1)
    return divergences.clamp(min=0.0).mean()  # rounding can leave -1e-9


def combined_advantages(
    token_advantages: torch.Tensor,
    rewards: torch.Tensor,
    group_size: int,
    weight_rl: float = 1.0,
    weight_distill: float = 1.0,
) -> torch.Tensor:
    """Add up what a reward says of a whole response and what a hint says of each token.

    The advantage of a reward is relative to its group: (reward - mean) / std, over the
    responses of the group with an opinion (unbiased std). It is the same for every
    token of the response. A reward of 0 is no opinion: it does not enter the mean, and
    its response carries the hint alone. A group with fewer than two opinions, or with
    equal ones, has nothing to compare: 0. A response without a hint has token
    advantages of 0.0, so it carries the reward alone.

    Args:
        token_advantages: (batch, time), 0.0 for responses without a hint.
        rewards: (batch,) the responses of a group stand together; 0 means no opinion.
        group_size: Responses per group (G).
        weight_rl: Weight of the reward's advantage.
        weight_distill: Weight of the token advantages.

    Returns:
        (batch, time), without a gradient, in the type of ``token_advantages``.

    Raises:
        ValueError: There is no whole number of groups, the batches differ, or a number
            is not finite.
    """
    if token_advantages.dim() != 2:
        shape = (*token_advantages.shape,)
        raise ValueError(f"token_advantages: expected (batch, time), got {shape}")
    require_shape(token_advantages.shape[:1], rewards=rewards)
    if group_size < 1 or len(rewards) % group_size:
        raise ValueError(f"rewards: expected groups of {group_size}, got {len(rewards)} rewards")
    tokens, scores = token_advantages.detach(), rewards.detach().to(token_advantages.dtype)
    require_numbers(torch.ones_like(tokens, dtype=torch.bool), token_advantages=tokens)
    require_numbers(torch.ones_like(scores, dtype=torch.bool), rewards=scores)
    groups = scores.view(-1, group_size)
    has_opinion = groups != 0
    count = has_opinion.sum(dim=1, keepdim=True)
    mean = groups.sum(dim=1, keepdim=True) / count.clamp(min=1)
    centered = (groups - mean).where(has_opinion, 0.0)
    std = (centered.square().sum(dim=1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    is_varied = std > 1e-6 * groups.abs().amax(dim=1, keepdim=True)  # equal up to rounding
    relative = torch.where(is_varied, centered / std.where(is_varied, 1.0), 0.0)
    return weight_rl * relative.view(-1, 1) + weight_distill * tokens
