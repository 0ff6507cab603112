"""Section 4.2: advantages, overlong shaping and the loss, against TRL's and torch's own."""

import inspect
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, kl_divergence
from torch.testing import assert_close

from nexa_helpers.grpo_tcr import (
    compute_grpo_advantages,
    grpo_tcr_loss,
    overlong_reward,
    per_response_loss,
)

LENGTHS = torch.tensor([7, 3, 1, 5])
ADVANTAGES = torch.tensor([1.3, -0.7, 0.4, -1.0], dtype=torch.float64)


@pytest.fixture
def log_probs():
    """New, reference and old log-probs (4, 7), so far apart that both clips act; padding is 0."""
    mask = torch.arange(7) < LENGTHS.unsqueeze(1)
    start = torch.randn(4, 7, generator=torch.Generator().manual_seed(10), dtype=torch.float64) - 3
    values = []
    for seed in (11, 12, 13):
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(4, 7, generator=generator, dtype=torch.float64)
        values.append((start + 0.3 * noise) * mask)
    new, ref, old = values
    return new.requires_grad_(), ref, old


def loss_of_trl(new, ref, old, loss_type, beta):
    """Call GRPOTrainer's real loss: the model's answer is given, everything else is TRL's.

    The method is private. trl is pinned, so a new version cannot change the meaning unseen.
    """
    from trl.trainer.grpo_trainer import GRPOTrainer  # here: it takes seconds, and it warns

    mask = (torch.arange(new.shape[1]) < LENGTHS.unsqueeze(1)).to(new.dtype)
    stub = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *a, **k: (new, torch.zeros_like(new), None),
        model=SimpleNamespace(training=True),
        accelerator=SimpleNamespace(
            num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x
        ),
        args=SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1),
        loss_type=loss_type,
        beta=beta,
        epsilon_low=0.2,
        epsilon_high=0.28,
        importance_sampling_level="token",
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        aux_loss_enabled=False,
        use_vllm=False,
        current_gradient_accumulation_steps=1,
        _entropy_bonus_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
    )
    ids = torch.zeros(new.shape, dtype=torch.long)
    inputs = {
        "prompt_ids": ids[:, :1],
        "prompt_mask": torch.ones(len(ids), 1),
        "completion_ids": ids,
        "completion_mask": mask,
        "advantages": ADVANTAGES,
        "old_per_token_logps": old,
        "ref_per_token_logps": ref,
        "num_items_in_batch": mask.sum(),
    }
    return GRPOTrainer._compute_loss(stub, None, inputs), stub._metrics["train"]


@pytest.mark.filterwarnings("default")  # what TRL's import warns about is not ours
@pytest.mark.parametrize("loss_type", ["dapo", "bnpo"])
@pytest.mark.parametrize("beta", [0.0, 0.04])
@pytest.mark.parametrize("given_old", [True, False], ids=["rollouts", "logged"])
def test_loss_and_gradient_equal_those_of_trl(log_probs, loss_type, beta, given_old):
    new, ref, old = log_probs
    behaviour = old if given_old else ref
    expected, seen = loss_of_trl(new, ref, behaviour, loss_type, beta)
    (expected_gradient,) = torch.autograd.grad(expected, new)
    loss, metrics = grpo_tcr_loss(
        new, ref, ADVANTAGES, LENGTHS, beta_kl=beta, log_probs_old=old if given_old else None
    )
    (gradient,) = torch.autograd.grad(loss, new)
    assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-12)
    # The case is a hard one: both clips stop some token, and some token is not stopped.
    assert seen["clip_ratio/low_mean"][0] > 0
    assert seen["clip_ratio/high_mean"][0] > 0
    assert 0 < seen["clip_ratio/region_mean"][0] < 1
    if beta:
        assert metrics["mean_kl"] == pytest.approx(seen["kl"][0], rel=1e-12)


LENGTHS_TO_TRY = [0, 1, 411, 412, 413, 462, 511, 512, 513, 600, *range(400, 530, 7)]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("longest", "cache"), [(512, 100), (96, 32), (10, 1)])
def test_overlong_reward_equals_that_of_trl(longest, cache):
    from trl.rewards import get_soft_overlong_punishment

    punishment = get_soft_overlong_punishment(longest, cache)
    for length in [*LENGTHS_TO_TRY, *range(longest + 3)]:
        (expected,) = punishment([[0] * length])
        assert overlong_reward(length, longest, cache) == expected


def test_overlong_reward_has_the_values_of_the_paper():
    found = [overlong_reward(length) for length in (412, 413, 462, 512, 513)]
    assert found == [0.0, -0.01, -0.5, -1.0, -1.0]


def test_advantages_equal_those_of_numpy():
    rewards = torch.tensor([1.0, -1.0, 0.0, 1.0, 1.0, -0.3], dtype=torch.float64)
    array = rewards.numpy()
    expected = (array - array.mean()) / np.std(array, ddof=1)
    assert_close(compute_grpo_advantages(rewards), torch.from_numpy(expected), rtol=1e-12, atol=0)


def test_each_group_of_a_batch_is_compared_with_itself_alone():
    rewards = torch.randn(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    rewards[1] = 100.0
    expected = torch.stack([compute_grpo_advantages(row) for row in rewards])
    assert_close(compute_grpo_advantages(rewards), expected, rtol=1e-12, atol=0)
    assert_close(expected[1], torch.zeros(5, dtype=torch.float64))
    assert_close(expected[0].std(), torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize(
    "rewards",
    [
        torch.tensor([0.7]),
        torch.ones(8),
        torch.full((8,), 0.1),
        torch.ones(3, 1),
        torch.zeros(2, 4),
    ],
    ids=["single", "constant", "constant 0.1", "groups of one", "constant groups"],
)
def test_nothing_to_compare_gives_zeros_and_never_nan(rewards):
    advantages = compute_grpo_advantages(rewards)
    assert advantages.shape == rewards.shape
    assert advantages.eq(0).all()


def test_integer_rewards_are_accepted():
    assert_close(
        compute_grpo_advantages(torch.tensor([1, -1])), torch.tensor([0.5**0.5, -(0.5**0.5)])
    )


def test_k3_under_the_new_policy_is_the_exact_kl():
    logits = torch.randn(2, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    new, ref = Categorical(logits=logits[0]), Categorical(logits=logits[1])
    one = torch.ones(1, dtype=torch.long)
    expectation = 0.0
    for token in range(6):  # every outcome, weighed by its probability: no sampling
        values = [d.log_prob(torch.tensor(token)).view(1, 1) for d in (new, ref)]
        k3 = grpo_tcr_loss(*values, torch.zeros(1, dtype=torch.float64), one)[1]["mean_kl"]
        assert k3 >= 0
        expectation += new.probs[token].item() * k3
    assert expectation == pytest.approx(kl_divergence(new, ref).item(), rel=1e-12)


def test_loss_of_two_tokens_by_hand():
    # ratios 1.5 (clipped to 1.28) and 0.5 (not clipped: the pessimistic one), advantage 2
    new = torch.tensor([[1.5, 0.5]], dtype=torch.float64).log()
    ref = torch.zeros(1, 2, dtype=torch.float64)
    advantages, lengths = torch.tensor([2.0], dtype=torch.float64), torch.tensor([2])
    loss, metrics = grpo_tcr_loss(new, ref, advantages, lengths, beta_kl=0.0)
    assert loss.item() == pytest.approx(-(1.28 * 2 + 0.5 * 2) / 2)
    assert metrics["mean_ratio"] == pytest.approx(1.0)
    assert metrics["clip_fraction"] == pytest.approx(1.0)  # both ratios lie outside
    loss, _ = grpo_tcr_loss(new, ref, -advantages, lengths, beta_kl=0.0)
    assert loss.item() == pytest.approx((1.5 * 2 + 0.8 * 2) / 2)


@pytest.mark.parametrize(("advantage", "shift"), [(1.0, 0.26), (-1.0, -0.24)])
def test_a_token_outside_the_trust_region_has_no_gradient(advantage, shift):
    new = torch.tensor([[-2.0 + shift, -2.0]], dtype=torch.float64, requires_grad=True)
    ref = torch.full((1, 2), -2.0, dtype=torch.float64)
    advantages = torch.tensor([advantage], dtype=torch.float64)
    loss, _ = grpo_tcr_loss(new, ref, advantages, torch.tensor([2]), beta_kl=0.0)
    (gradient,) = torch.autograd.grad(loss, new)
    assert gradient[0, 0] == 0
    assert_close(gradient[0, 1], torch.tensor(-advantage / 2, dtype=torch.float64))


def test_padding_changes_neither_loss_nor_gradient_nor_metrics(log_probs):
    new, ref, old = log_probs
    loss, metrics = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS, log_probs_old=old)
    (gradient,) = torch.autograd.grad(loss, new)
    padding = torch.arange(7) >= LENGTHS.unsqueeze(1)
    noisy = [
        x.detach().masked_fill(padding, fill)
        for x, fill in zip(log_probs, (-9, 5, 70), strict=True)
    ]
    noisy[0].requires_grad_()
    noisy_loss, noisy_metrics = grpo_tcr_loss(
        noisy[0], noisy[1], ADVANTAGES, LENGTHS, log_probs_old=noisy[2]
    )
    (noisy_gradient,) = torch.autograd.grad(noisy_loss, noisy[0])
    assert_close(noisy_loss, loss, rtol=1e-12, atol=0)
    assert_close(noisy_gradient, gradient, rtol=1e-12, atol=0)
    assert noisy_gradient[padding].eq(0).all()
    assert noisy_metrics == pytest.approx(metrics, rel=1e-12)


def test_every_token_weighs_the_same_in_long_and_short_responses(log_probs):
    new, ref, _ = log_probs
    loss, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS)
    parts = [
        grpo_tcr_loss(new[i : i + 1], ref[i : i + 1], ADVANTAGES[i : i + 1], LENGTHS[i : i + 1])[0]
        for i in range(4)
    ]
    expected = sum(part * n for part, n in zip(parts, LENGTHS, strict=True)) / LENGTHS.sum()
    assert_close(loss, expected, rtol=1e-12, atol=0)


def test_a_length_beyond_the_tensor_means_a_full_row(log_probs):
    new, ref, _ = log_probs
    full = torch.full((4,), 7)
    beyond = torch.tensor([7, 50, 8, 600])
    loss, metrics = grpo_tcr_loss(new, ref, ADVANTAGES, full)
    loss_beyond, metrics_beyond = grpo_tcr_loss(new, ref, ADVANTAGES, beyond)
    assert_close(loss_beyond, loss, rtol=0, atol=0)
    assert metrics_beyond["mean_length_penalty"] == -0.25  # the length of 600 is still known
    assert metrics["mean_length_penalty"] == 0


def test_shaping_is_reported_and_leaves_the_loss_alone(log_probs):
    new, ref, _ = log_probs
    loss, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS)
    shaped, metrics = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS, L_max=6, L_cache=4)
    assert_close(shaped, loss, rtol=0, atol=0)
    assert metrics["mean_length_penalty"] == pytest.approx((-1 - 0.25 - 0 - 0.75) / 4)


def test_equal_log_probs_give_minus_the_mean_advantage_a_token(log_probs):
    new, _, _ = log_probs
    loss, metrics = grpo_tcr_loss(new, new, ADVANTAGES, LENGTHS)
    assert_close(loss, -(ADVANTAGES * LENGTHS).sum() / LENGTHS.sum(), rtol=1e-12, atol=0)
    assert metrics["mean_advantage"] == pytest.approx(0.0)
    assert (metrics["mean_kl"], metrics["mean_ratio"], metrics["clip_fraction"]) == (0, 1, 0)


def test_gradients_reach_the_new_log_probs_alone(log_probs):
    new, ref, old = (x.detach().requires_grad_() for x in log_probs)
    loss, metrics = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS, log_probs_old=old)
    loss.backward()
    assert new.grad.abs().sum() > 0
    assert ref.grad is None
    assert old.grad is None
    assert not any(torch.is_tensor(value) and value.requires_grad for value in metrics.values())


def test_no_real_token_gives_a_loss_and_a_gradient_of_zero(log_probs):
    new, ref, old = log_probs
    loss, _ = grpo_tcr_loss(new, ref, ADVANTAGES, torch.zeros(4).long(), log_probs_old=old)
    (gradient,) = torch.autograd.grad(loss, new)
    assert loss == 0
    assert gradient.eq(0).all()


def test_float_lengths_are_accepted(log_probs):
    new, ref, _ = log_probs
    assert_close(
        grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS.float())[0],
        grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS)[0],
    )


def test_defaults_are_those_of_the_contract():
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(grpo_tcr_loss).parameters.items()
        if parameter.default is not parameter.empty
    }
    assert defaults == {
        "eps_low": 0.2,
        "eps_high": 0.28,
        "beta_kl": 0.01,
        "L_max": 512,
        "L_cache": 100,
        "log_probs_old": None,
    }


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"log_probs_ref": torch.zeros(4, 6)}, r"log_probs_ref: expected \(4, 7\), got \(4, 6\)"),
        ({"log_probs_old": torch.zeros(4, 6)}, r"log_probs_old: expected \(4, 7\), got \(4, 6\)"),
        ({"log_probs_old": torch.zeros(1, 7)}, r"log_probs_old: expected \(4, 7\), got \(1, 7\)"),
        ({"advantages": torch.zeros(4, 1)}, r"advantages.*expected \(4,\), got \(4, 1\)"),
        ({"response_lengths": torch.ones(3)}, r"response_lengths: expected \(4,\).*\(3,\)"),
    ],
)
def test_shapes_that_do_not_match_are_named(log_probs, change, named):
    new, ref, old = log_probs
    arguments = {
        "log_probs_ref": ref,
        "advantages": ADVANTAGES,
        "response_lengths": LENGTHS,
        "log_probs_old": old,
    }
    with pytest.raises(ValueError, match=named):
        grpo_tcr_loss(new, **(arguments | change))


# Numbers at the edge of their types

EDGES = {torch.float64: 800.0, torch.float32: 90.0, torch.float16: 12.0, torch.bfloat16: 90.0}


def loss_and_gradient(log_ratios, advantages, dtype, *, beta=0.0, against="old"):
    """Loss and gradient of one token per response, whose ratio is taken against old or ref."""
    new = torch.tensor(log_ratios, dtype=dtype).unsqueeze(1).requires_grad_()
    zeros = torch.zeros_like(new)
    options = {"log_probs_old": zeros} if against == "old" else {}
    loss, metrics = grpo_tcr_loss(
        new, new.detach() if against == "old" else zeros, torch.tensor(advantages, dtype=dtype),
        torch.ones(len(advantages)), beta_kl=beta, **options,
    )  # fmt: skip
    (gradient,) = torch.autograd.grad(loss, new)
    return loss, gradient.squeeze(1), metrics


@pytest.mark.parametrize("beta", [0.0, 0.01])
@pytest.mark.parametrize("dtype", EDGES)
def test_clipping_protects_loss_and_gradient_from_huge_ratios(dtype, beta):
    edge = EDGES[dtype]
    # Praised and far too likely, of no opinion on both sides, corrected and far too unlikely; and
    # one token that is not clipped.
    ratios, advantages = [edge, edge, -edge, -edge, 0.0], [1.0, 0.0, 0.0, -1.0, 1.0]
    loss, gradient, _ = loss_and_gradient(ratios, advantages, dtype, beta=beta)
    assert loss.item() == pytest.approx(-(1.28 - 0.8 + 1) / 5, rel=1e-6)
    assert_close(gradient, torch.tensor([0, 0, 0, 0, -0.2], dtype=dtype))


@pytest.mark.parametrize(("ratio", "advantage"), [(90.0, 1.0), (90.0, 0.0), (-90.0, 0.0)])
def test_without_a_weight_the_kl_cannot_spoil_the_gradient(ratio, advantage):
    loss, gradient, metrics = loss_and_gradient([ratio], [advantage], torch.float32, against="ref")
    assert loss.item() == pytest.approx(-1.28 * advantage)
    assert gradient.item() == 0
    assert metrics["mean_kl"] == (89 if ratio > 0 else float("inf"))


def test_sixteen_bits_are_as_good_as_their_own_rounding():
    ratios, advantages = [12.0, -12.0, 0.125, -0.125], [-0.5, 0.25, 1.0, -1.0]
    exact, slopes, _ = loss_and_gradient(ratios, advantages, torch.float64, beta=0.5, against="ref")
    for dtype in (torch.float16, torch.bfloat16):
        loss, gradient, _ = loss_and_gradient(ratios, advantages, dtype, beta=0.5, against="ref")
        assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
        assert_close(gradient, slopes.to(dtype), rtol=1e-2, atol=0)


@pytest.mark.filterwarnings("default")  # what TRL's import warns about is not ours
@pytest.mark.parametrize("spread", [1.0, 5.0, 30.0])
def test_loss_and_gradient_equal_those_of_trl_however_far_apart(spread):
    generator = torch.Generator().manual_seed(3)
    new, ref, old = spread * torch.randn(3, 4, 7, generator=generator, dtype=torch.float64)
    new.requires_grad_()
    expected, _ = loss_of_trl(new, ref, old, "dapo", 0.04)
    (expected_gradient,) = torch.autograd.grad(expected, new)
    loss, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS, beta_kl=0.04, log_probs_old=old)
    (gradient,) = torch.autograd.grad(loss, new)
    assert_close(loss, expected, rtol=1e-12, atol=0)
    assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("ratio", "advantage", "beta", "named"),
    [
        (90.0, -1.0, 0.0, "got inf: log_ratio up to 90"),  # corrected, and far too likely
        (-90.0, 1.0, 0.01, "got inf: .*log_ratio_ref up to 90"),
        (0.0, float("nan"), 0.0, "got nan: .*advantages up to nan"),
        (float("nan"), 1.0, 0.0, "got nan: log_ratio up to nan"),
    ],
)
def test_a_loss_that_nothing_protects_is_an_error(ratio, advantage, beta, named):
    with pytest.raises(ValueError, match=f"loss: expected a finite number, {named}"):
        loss_and_gradient([ratio], [advantage], torch.float32, beta=beta, against="ref")


def test_integer_advantages_are_accepted(log_probs):
    new, ref, _ = log_probs
    whole = torch.tensor([1, -1, 0, 2])
    loss, metrics = grpo_tcr_loss(new, ref, whole, LENGTHS)
    expected, expected_metrics = grpo_tcr_loss(new, ref, whole.double(), LENGTHS)
    assert_close(loss, expected, rtol=0, atol=0)
    assert metrics == expected_metrics


@pytest.mark.parametrize("shape", [(0, 7), (7,), (4, 7, 1), ()])
def test_no_response_or_another_shape_is_an_error(shape):
    zeros, batch = torch.zeros(shape), torch.zeros(shape[:1])
    with pytest.raises(ValueError, match=r"log_probs_new: expected \(batch, time\), got \("):
        grpo_tcr_loss(zeros, zeros, batch, batch)
    if len(shape) == 2:
        with pytest.raises(ValueError, match=r"log_probs_new: expected \(batch, time\), got \("):
            per_response_loss(zeros, zeros, batch, batch, zeros)


def test_padding_may_hold_anything(log_probs):
    new, ref, _ = (x.detach().clone() for x in log_probs)
    expected, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS)
    padding = torch.arange(7) >= LENGTHS.unsqueeze(1)
    new[padding], ref[padding] = float("-inf"), float("nan")
    new.requires_grad_()
    loss, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS)
    (gradient,) = torch.autograd.grad(loss, new)
    assert_close(loss, expected, rtol=0, atol=0)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("dtype", EDGES)
@pytest.mark.parametrize("reward", [100.1, 0.1, -7.3, 3e-5, 6e4])
@pytest.mark.parametrize("size", [2, 3, 7, 33, 1000])
def test_equal_rewards_give_zero_whatever_their_size(size, reward, dtype):
    for shape in [(size,), (2, size)]:  # torch adds up in another order
        advantages = compute_grpo_advantages(torch.full(shape, reward, dtype=dtype))
        assert advantages.dtype == dtype
        assert advantages.eq(0).all()


def test_small_differences_count_as_much_as_large_ones():
    rewards = torch.tensor([1.0, -1.0, 0.0, 0.5], dtype=torch.float64)
    expected = compute_grpo_advantages(rewards)
    for scale in (1e-9, 1e-3, 1e3, 1e9):
        assert_close(compute_grpo_advantages(rewards * scale), expected, rtol=1e-12, atol=0)
    sixteen = compute_grpo_advantages((rewards * 2**14).to(torch.float16))  # the squares overflow
    assert_close(sixteen, expected.to(torch.float16))


@pytest.mark.parametrize("shape", [(0,), (0, 8), (3, 0)])
def test_no_rewards_give_no_advantages(shape):
    assert compute_grpo_advantages(torch.zeros(shape)).shape == shape


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_a_reward_that_is_not_finite_is_named(value):
    rewards = torch.zeros(3, 4)
    rewards[1, 2] = value
    with pytest.raises(ValueError, match=r"rewards: expected finite numbers, got .* at \[1, 2\]"):
        compute_grpo_advantages(rewards)
    with pytest.raises(ValueError, match=r"rewards: expected finite numbers, got .* at \[0\]"):
        compute_grpo_advantages(rewards[1, 2:3])
    with pytest.raises(ValueError, match="got a single number"):
        compute_grpo_advantages(rewards[1, 2])


# The ablation without T


def options_of(old, beta=0.04):
    return {"eps_low": 0.2, "eps_high": 0.28, "beta_kl": beta, "log_probs_old": old}


@pytest.mark.filterwarnings("default")  # what TRL's import warns about is not ours
@pytest.mark.parametrize("beta", [0.0, 0.04])
def test_the_loss_per_response_and_its_gradient_equal_those_of_trls_grpo(log_probs, beta):
    new, ref, old = log_probs
    expected, seen = loss_of_trl(new, ref, old, "grpo", beta)
    (expected_gradient,) = torch.autograd.grad(expected, new)
    loss, _ = per_response_loss(new, ref, ADVANTAGES, LENGTHS, **options_of(old, beta))
    (gradient,) = torch.autograd.grad(loss, new)
    assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-12)
    assert seen["clip_ratio/low_mean"][0] > 0
    assert seen["clip_ratio/high_mean"][0] > 0


def test_the_loss_per_response_is_the_mean_of_the_means_of_the_rows(log_probs):
    new, ref, old = log_probs
    rows = []
    for row, length in enumerate(LENGTHS.tolist()):
        new_row, ref_row, old_row = (x[row, :length] for x in (new, ref, old))
        ratio, advantage = (new_row - old_row).exp(), ADVANTAGES[row]
        gain = torch.minimum(ratio * advantage, ratio.clip(0.8, 1.28) * advantage)
        k3 = (ref_row - new_row).exp() - (ref_row - new_row) - 1
        rows.append((-gain + 0.04 * k3).sum() / length)
    expected = (rows[0] + rows[1] + rows[2] + rows[3]) / 4
    loss, _ = per_response_loss(new, ref, ADVANTAGES, LENGTHS, **options_of(old))
    assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    assert_close(
        torch.autograd.grad(loss, new), torch.autograd.grad(expected, new), rtol=1e-12, atol=1e-12
    )
    with_t, _ = grpo_tcr_loss(new, ref, ADVANTAGES, LENGTHS, **options_of(old))
    assert (loss - with_t).abs() > 1e-2


def test_responses_of_equal_length_make_t_superfluous(log_probs):
    new, ref, old = log_probs
    for length in (3, 7):
        lengths = torch.full((4,), length)
        results = [
            loss_function(new, ref, ADVANTAGES, lengths, **options_of(old))[0]
            for loss_function in (per_response_loss, grpo_tcr_loss)
        ]
        assert_close(*results, rtol=1e-12, atol=1e-12)
        gradients = [torch.autograd.grad(loss, new)[0] for loss in results]
        assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_the_metrics_without_t_are_those_of_the_whole_batch(log_probs):
    new, ref, old = log_probs
    arguments, options = (new, ref, ADVANTAGES, LENGTHS), options_of(old)
    found = per_response_loss(*arguments, **options)[1]
    assert found == grpo_tcr_loss(*arguments, **options)[1]


def test_a_response_without_tokens_adds_nothing_without_t(log_probs):
    new, ref, old = log_probs
    lengths = torch.tensor([7, 0, 1, 5])  # an unanswered turn
    loss, _ = per_response_loss(new, ref, ADVANTAGES, lengths, **options_of(old))
    kept = [0, 2, 3]
    others, _ = per_response_loss(
        new[kept], ref[kept], ADVANTAGES[kept], lengths[kept], **options_of(old[kept])
    )
    assert_close(loss, others * 3 / 4, rtol=1e-12, atol=0)
    assert torch.autograd.grad(loss, new)[0][1].eq(0).all()
