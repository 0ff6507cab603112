"""The numbers between a hint and a gradient, against libraries and by enumeration."""

import itertools
import math
import warnings

import pytest
import torch
from torch.distributions import Categorical, kl_divergence

from nexa_helpers.distillation import (
    combined_advantages,
    distillation_advantages,
    distillation_loss,
    exact_reverse_kl,
)
from nexa_helpers.grpo_tcr import compute_grpo_advantages, grpo_tcr_loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of its own changes; the version is pinned
    from trl.experimental.gkd import GKDTrainer
    from trl.experimental.sdft import loss_utils as trl_losses

INF, NAN = math.inf, math.nan


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lengths(*numbers):
    return torch.tensor(numbers)


# Token advantages


def test_by_hand_teacher_minus_old_within_the_clip_and_zero_at_padding():
    teacher = torch.tensor([[-0.5, -3.0, -1.0], [-0.1, 0.0, 0.0]])
    old = torch.tensor([[-1.0, -1.0, -1.2], [-2.0, 0.0, 7.0]])
    got = distillation_advantages(teacher, old, lengths(3, 1))
    torch.testing.assert_close(got, torch.tensor([[0.5, -1.0, 0.2], [1.0, 0.0, 0.0]]))
    free = distillation_advantages(teacher, old, lengths(3, 1), clip=None)
    torch.testing.assert_close(free, torch.tensor([[0.5, -2.0, 0.2], [1.9, 0.0, 0.0]]))


def test_a_length_beyond_the_tensor_means_a_full_row():
    assert (distillation_advantages(torch.zeros(1, 3), -torch.ones(1, 3), lengths(9)) == 1).all()


def test_no_gradient_and_unchanged_inputs():
    teacher, old = draw(2, 3).requires_grad_(), draw(2, 3, seed=1).requires_grad_()
    before = teacher.detach().clone(), old.detach().clone()
    assert not distillation_advantages(teacher, old, lengths(3, 2)).requires_grad
    assert torch.equal(teacher.detach(), before[0])
    assert torch.equal(old.detach(), before[1])


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_a_teacher_of_another_width_is_an_error_and_is_not_filled_up(columns):
    with pytest.raises(ValueError, match=r"log_probs_teacher: expected \(2, 3\), got"):
        distillation_advantages(torch.zeros(2, columns), torch.zeros(2, 3), lengths(3, 1))


def test_what_stands_at_padding_is_never_read():
    teacher, old = torch.tensor([[-1.0, NAN]]), torch.tensor([[-1.5, -INF]])
    assert distillation_advantages(teacher, old, lengths(1)).tolist() == [[0.5, 0.0]]


def test_impossible_for_the_teacher_is_the_lowest_advantage_or_an_error_without_a_clip():
    teacher, old = torch.tensor([[-INF]]), torch.tensor([[-1.0]])
    assert distillation_advantages(teacher, old, lengths(1), clip=0.7).item() == pytest.approx(-0.7)
    with pytest.raises(ValueError, match="log_probs_teacher: expected finite numbers, got -inf"):
        distillation_advantages(teacher, old, lengths(1), clip=None)


@pytest.mark.parametrize("bad", [-INF, INF, NAN])
def test_a_log_prob_that_is_no_number_is_an_error(bad):
    good, odd = torch.zeros(1, 2), torch.tensor([[0.0, bad]])
    with pytest.raises(ValueError, match=r"log_probs_old: expected finite.*at \[0, 1\]"):
        distillation_advantages(good, odd, lengths(2))
    if bad != -INF:
        with pytest.raises(ValueError, match="log_probs_teacher: expected finite"):
            distillation_advantages(odd, good, lengths(2))


@pytest.mark.parametrize("clip", [0, -1.0, NAN])
def test_a_clip_that_is_not_positive_is_an_error(clip):
    with pytest.raises(ValueError, match="clip: expected a positive number or None"):
        distillation_advantages(torch.zeros(1, 1), torch.zeros(1, 1), lengths(1), clip=clip)


def test_all_turns_dropped_is_all_zeros():
    got = distillation_advantages(draw(2, 3), draw(2, 3, seed=1), lengths(0, 0))
    assert (got == 0).all()


# The loss


def test_by_hand_two_signs_and_two_sides_of_the_clip():
    ratios = torch.tensor([[1.5, 0.5, 1.5, 0.5]])
    advantages = torch.tensor([[1.0, 1.0, -1.0, -1.0]])
    loss = distillation_loss(ratios.log(), torch.zeros(1, 4), advantages, lengths(4))
    assert loss.item() == pytest.approx(-(1.28 + 0.5 - 1.5 - 0.8) / 4)


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_grpo_tcr_where_a_response_has_one_advantage(seed):
    old = draw(4, 6, seed=seed) - 3
    new = (old + 0.4 * draw(4, 6, seed=seed + 50)).requires_grad_()
    advantages, sizes = draw(4, seed=seed + 9), lengths(6, 1, 4, 9)
    per_token = advantages[:, None].expand(4, 6)
    loss = distillation_loss(new, old, per_token, sizes, eps_low=0.1, eps_high=0.3)
    other, _ = grpo_tcr_loss(
        new, old, advantages, sizes, eps_low=0.1, eps_high=0.3, beta_kl=0, log_probs_old=old
    )
    torch.testing.assert_close(loss, other, rtol=1e-10, atol=1e-10)
    mine, its = (torch.autograd.grad(each, new)[0] for each in (loss, other))
    torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-10)


def chain(logits, prefix):
    """Give the log-probs of the next token of a table of logits by the last token."""
    return logits[prefix[-1] if prefix else -1].log_softmax(dim=-1)


@pytest.mark.parametrize("seed", range(3))
def test_its_expected_gradient_is_that_of_the_exact_reverse_kl(seed):
    """Enumerate all responses of three tokens of a vocabulary of four, in float64.

    E over responses of the gradient of the sampled loss, at new = old, equals the gradient of
    the reverse KL summed over the prefixes of each response, the prefixes held fixed.
    """
    vocab, time = 4, 3
    student = draw(vocab + 1, vocab, seed=seed).requires_grad_()
    teacher = draw(vocab + 1, vocab, seed=seed + 100)
    sampled, exact = torch.zeros_like(student), torch.zeros_like(student)
    for response in itertools.product(range(vocab), repeat=time):
        prefixes = [response[:t] for t in range(time)]
        new = torch.stack([chain(student, prefix) for prefix in prefixes])
        goal = torch.stack([chain(teacher, prefix) for prefix in prefixes])
        tokens = torch.tensor(response)[:, None]
        log_probs, log_probs_teacher = (x.gather(1, tokens).T for x in (new, goal))
        probability = log_probs.detach().sum().exp()
        one = lengths(time)
        advantages = distillation_advantages(log_probs_teacher, log_probs, one, clip=None)
        loss = distillation_loss(log_probs, log_probs.detach(), advantages, one)
        sampled += probability * torch.autograd.grad(loss, student, retain_graph=True)[0]
        divergence = exact_reverse_kl(new[None], goal[None], one)
        exact += probability * torch.autograd.grad(divergence, student)[0]
    assert exact.abs().max() > 0.01
    assert (sampled - exact).abs().max() < 1e-10


def test_at_the_old_policy_it_has_the_gradient_of_trls_sampled_token_loss():
    student = draw(2, 4, 5).requires_grad_()
    teacher, tokens = draw(2, 4, 5, seed=1), torch.randint(5, (2, 4))
    theirs = trl_losses.compute_sampled_token_self_distillation_loss(
        student, teacher, tokens, distillation_alpha=1.0
    ).mean()
    new, goal = (x.log_softmax(-1).gather(2, tokens[..., None])[..., 0] for x in (student, teacher))
    advantages = distillation_advantages(goal, new, lengths(4, 4), clip=None)
    mine = distillation_loss(new, new, advantages, lengths(4, 4))
    gradients = [
        torch.autograd.grad(loss, student, retain_graph=True)[0] for loss in (mine, theirs)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_every_real_token_weighs_the_same_and_padding_nothing():
    new, advantages = torch.zeros(2, 4), torch.zeros(2, 4)
    advantages[0, 0], advantages[:, 3], new[:, 3] = 1.0, 50.0, 9.0
    assert distillation_loss(new, new, advantages, lengths(1, 3)).item() == -0.25


def test_padding_may_hold_what_is_no_number():
    new = torch.tensor([[-1.0, -INF]], requires_grad=True)
    loss = distillation_loss(
        new, torch.tensor([[-1.0, NAN]]), torch.tensor([[2.0, INF]]), lengths(1)
    )
    loss.backward()
    assert loss.item() == -2.0
    assert new.grad.tolist() == [[-2.0, 0.0]]


def test_all_turns_dropped_is_a_loss_of_zero_with_a_gradient_of_zero():
    new = draw(2, 3).requires_grad_()
    loss = distillation_loss(new, draw(2, 3), draw(2, 3), lengths(0, 0))
    loss.backward()
    assert loss.item() == 0
    assert (new.grad == 0).all()


def test_no_gradient_reaches_old_or_advantages():
    new, old, advantages = (draw(1, 2, seed=s).requires_grad_() for s in range(3))
    distillation_loss(new, old, advantages, lengths(2)).backward()
    assert new.grad is not None
    assert old.grad is None
    assert advantages.grad is None


@pytest.mark.parametrize("name", ["log_probs_new", "log_probs_old", "token_advantages"])
def test_the_loss_names_what_is_no_number_or_has_another_shape(name):
    tensors = {key: torch.zeros(1, 2) for key in ("log_probs_new", "log_probs_old")}
    tensors |= {"token_advantages": torch.zeros(1, 2), "response_lengths": lengths(2)}
    with pytest.raises(ValueError, match=f"{name}: expected finite numbers, got -inf"):
        distillation_loss(**tensors | {name: torch.tensor([[0.0, -INF]])})
    with pytest.raises(ValueError, match="expected"):
        distillation_loss(**tensors | {name: torch.zeros(1, 3)})


# The exact divergence


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_torchs_kl_divergence(seed):
    student, teacher = draw(3, 4, 7, seed=seed), 3 * draw(3, 4, 7, seed=seed + 50)
    sizes = (4, 1, 3)
    per_token = kl_divergence(Categorical(logits=student), Categorical(logits=teacher))
    expected = torch.cat([per_token[i, :n] for i, n in enumerate(sizes)]).mean()
    got = exact_reverse_kl(student, teacher, lengths(*sizes))
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    labels = torch.tensor([[0 if t < n else -100 for t in range(4)] for n in sizes])
    theirs = GKDTrainer.generalized_jsd_loss(student, teacher, labels, beta=1.0)
    torch.testing.assert_close(got, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("top_k", [1, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_with_top_k_it_equals_trls_tail_bucket_in_value_and_gradient(seed, top_k):
    student, teacher = draw(2, 5, 7, seed=seed).requires_grad_(), draw(2, 5, 7, seed=seed + 50)
    theirs = trl_losses.compute_topk_self_distillation_loss(
        student,
        teacher,
        distillation_topk=top_k,
        distillation_alpha=1.0,
        distillation_add_tail=True,
    ).mean()
    mine = exact_reverse_kl(student, teacher, lengths(5, 5), top_k)
    torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)
    gradients = [
        torch.autograd.grad(loss, student, retain_graph=True)[0] for loss in (mine, theirs)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-9)


def test_all_of_the_vocabulary_is_the_exact_one_and_fewer_bins_see_less():
    student, teacher = draw(2, 5, 7), draw(2, 5, 7, seed=1)
    values = [exact_reverse_kl(student, teacher, lengths(5, 5), k).item() for k in range(1, 8)]
    assert values[-1] == exact_reverse_kl(student, teacher, lengths(5, 5)).item()
    for fewer, more in itertools.pairwise(values):  # joining bins never adds to a divergence
        assert fewer <= more + 1e-12


def test_it_is_never_negative_where_the_sum_without_a_tail_is():
    student, teacher = torch.tensor([[[0.0, 0.0, 0.0]]]), torch.tensor([[[2.0, 0.0, 0.0]]])
    one = student.log_softmax(-1)[0, 0, 0], teacher.log_softmax(-1)[0, 0, 0]
    assert one[0].exp() * (one[0] - one[1]) < 0
    assert exact_reverse_kl(student, teacher, lengths(1), top_k=1) > 0
    same = 1e4 * draw(4, 6, 50).float()
    assert exact_reverse_kl(same, same + 1, lengths(6, 6, 6, 6)) >= 0


def test_no_position_left_is_zero_with_a_gradient_of_zero():
    student = draw(1, 2, 3).requires_grad_()
    loss = exact_reverse_kl(student, draw(1, 2, 3), lengths(0))
    loss.backward()
    assert loss.item() == 0
    assert (student.grad == 0).all()


def test_no_gradient_reaches_the_teacher():
    student, teacher = draw(1, 2, 3).requires_grad_(), draw(1, 2, 3, seed=1).requires_grad_()
    exact_reverse_kl(student, teacher, lengths(2), top_k=2).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None


def test_two_vocabularies_and_odd_numbers_are_errors():
    logits = torch.zeros(1, 2, 5)
    with pytest.raises(ValueError, match=r"teacher_logits: expected \(1, 2, 5\), got \(1, 2, 6\)"):
        exact_reverse_kl(logits, torch.zeros(1, 2, 6), lengths(2))
    for top_k in (0, 6):
        with pytest.raises(ValueError, match="top_k: expected 1 to 5"):
            exact_reverse_kl(logits, logits, lengths(2), top_k)
    bad = logits.clone()
    bad[0, 1, 3] = -INF
    with pytest.raises(ValueError, match="student_logits: expected finite numbers, got -inf"):
        exact_reverse_kl(bad, logits, lengths(2))
    with pytest.raises(ValueError, match="teacher_logits: expected finite numbers, got -inf"):
        exact_reverse_kl(logits, bad, lengths(2))
    assert exact_reverse_kl(bad, bad, lengths(1)) == 0  # behind the end of the response


# Rewards and hints together


def test_by_hand_a_group_and_one_without_opinion():
    tokens = torch.tensor([[0.5, 0.0], [0.0, 0.0], [0.1, -0.1], [0.2, 0.3]])
    rewards = torch.tensor([1.0, -1.0, 1.0, 0.0])
    got = combined_advantages(tokens, rewards, group_size=4, weight_distill=2.0)
    std = math.sqrt(4 / 3)  # of 1, -1, 1 around 1/3: (4/9 + 16/9 + 4/9) / 2 = 4/3
    high, low = (2 / 3) / std, (-4 / 3) / std
    expected = [[high + 1, high], [low, low], [high + 0.2, high - 0.2], [0.4, 0.6]]
    torch.testing.assert_close(got, torch.tensor(expected))


def test_with_an_opinion_on_each_response_it_is_the_group_relative_advantage():
    rewards = draw(12)
    got = combined_advantages(torch.zeros(12, 3).double(), rewards, 4, weight_rl=0.5)
    expected = 0.5 * compute_grpo_advantages(rewards.view(3, 4)).view(12, 1).expand(12, 3)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("group", [[1, 1, 1], [0, 0, 0], [0, -1, 0], [-1, -1, 0], [0.1, 0.1, 0.1]])
def test_nothing_to_compare_leaves_the_hint_alone(group):
    tokens = draw(3, 2)
    got = combined_advantages(tokens, torch.tensor(group), 3)
    torch.testing.assert_close(got, tokens)


def test_a_weight_of_zero_switches_a_signal_off():
    tokens, rewards = draw(4, 2), torch.tensor([1.0, -1.0, 1.0, -1.0])
    torch.testing.assert_close(combined_advantages(tokens, rewards, 2, weight_rl=0.0), tokens)
    alone = combined_advantages(tokens, rewards, 2, weight_distill=0.0)
    assert (alone == alone[:, :1]).all()


def test_other_groups_do_not_matter():
    tokens, rewards = torch.zeros(6, 1), torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])
    whole = combined_advantages(tokens, rewards, 3)
    torch.testing.assert_close(whole[:3], combined_advantages(tokens[:3], rewards[:3], 3))


def test_combined_advantages_refuse_odd_groups_and_numbers():
    tokens = torch.zeros(4, 2)
    for size in (0, 3):
        with pytest.raises(ValueError, match=f"rewards: expected groups of {size}, got 4"):
            combined_advantages(tokens, torch.zeros(4), size)
    with pytest.raises(ValueError, match=r"rewards: expected \(4,\), got \(3,\)"):
        combined_advantages(tokens, torch.zeros(3), 3)
    with pytest.raises(ValueError, match="rewards: expected finite numbers, got nan"):
        combined_advantages(tokens, torch.tensor([1.0, NAN, 1.0, 1.0]), 2)
    with pytest.raises(ValueError, match="token_advantages: expected finite numbers, got -inf"):
        combined_advantages(tokens.masked_fill(tokens == 0, -INF), torch.zeros(4), 2)
    assert combined_advantages(torch.zeros(0, 2), torch.zeros(0), 4).shape == (0, 2)
