"""Three small worlds: their formulas by hand or by enumeration, and what each letter does."""

import itertools
import math

import matplotlib.pyplot as plt
import pytest
import torch
from scipy import stats

from nexa_helpers import microscopes
from nexa_helpers.grpo_tcr import grpo_tcr_loss, per_response_loss
from nexa_helpers.microscope_figures import plot_clipping, plot_overlong, plot_token_level


def logit(probability):
    return torch.tensor([math.log(probability / (1 - probability))], dtype=torch.double)


def test_lengths_and_truncation_by_hand():
    # Stop with 1/4, cap 3: lengths 1, 2, 3 with 1/4, 3/16, 9/16; no stop in 27/64
    assert microscopes.expected_length(logit(0.25), 3).item() == pytest.approx(37 / 16)
    assert microscopes.truncated_share(logit(0.25), 3).item() == pytest.approx(27 / 64)


def test_samples_follow_the_formulas():
    logits = logit(0.25).expand(40_000)
    generator = torch.Generator().manual_seed(1)
    lengths, truncated = microscopes.sample_stops(logits, 3, generator)
    counts = torch.bincount(lengths, minlength=4)[1:].numpy()
    expected = [10_000, 7_500, 22_500]
    assert stats.chisquare(counts, expected).pvalue > 1e-3
    assert stats.binomtest(int(truncated.sum()), 40_000, 27 / 64).pvalue > 1e-3
    assert (lengths[truncated] == 3).all()


def test_log_probs_of_a_response_sum_to_its_probability():
    lengths, truncated = torch.tensor([1, 2, 3, 3]), torch.tensor([False, False, False, True])
    tokens = microscopes.stop_log_probs(logit(0.25).expand(4), lengths, truncated, 3)
    mask = torch.arange(3) < lengths.unsqueeze(1)
    chances = (tokens * mask).sum(dim=1).exp().tolist()
    assert chances == pytest.approx([1 / 4, 3 / 16, 9 / 64, 27 / 64])
    assert sum(chances) == pytest.approx(1)


def expected_gradients(normalizer):
    """Expected gradients of both logits by enumeration: one right and one wrong response, cap 2.

    Stop with p: "stop" has p, "go on, stop" (1 - p) p, "go on, go on" (1 - p)^2. Advantages +1, -1.
    """
    p, cases = 0.3, [(1, False), (2, False), (2, True)]
    total = torch.zeros(2, dtype=torch.double)
    for right, wrong in itertools.product(cases, cases):
        logits = logit(p).repeat(1, 2).requires_grad_(True)
        lengths = torch.tensor([[right[0], wrong[0]]])
        truncated = torch.tensor([[right[1], wrong[1]]])
        advantages = torch.tensor([[1.0, -1.0]], dtype=torch.double)
        loss = microscopes.stopping_loss(
            logits, advantages, lengths, truncated, lengths, normalizer, cap=2
        )
        chance = 1.0
        for length, cut in (right, wrong):
            chance *= (1 - p) ** (length - 1) * ((1 - p) if cut else p)
        total += chance * torch.autograd.grad(loss, logits)[0][0]
    return total


def test_the_constant_normalizer_does_not_move_lengths_and_the_mean_per_response_does():
    # The score of a whole response has expectation 0, so a constant normalizer moves nothing.
    assert expected_gradients("constant").tolist() == pytest.approx([0, 0], abs=1e-12)
    # d log p / d logit = 1 - p for "stop", -p for "go on". Mean of a response first, G = 2:
    # p (1-p) + p (1-p) (1-2p) / 2 - (1-p)^2 p = p (1-p) / 2, halved: .3 * .7 / 4 = .0525.
    assert expected_gradients(microscopes.NORMALIZERS[0]).tolist() == pytest.approx(
        [-0.0525, 0.0525]
    )


def test_token_level_is_between_the_two():
    moved = expected_gradients("token-level (T)")
    assert -0.0525 < moved[0] < 0 < moved[1] < 0.0525


@pytest.mark.parametrize("normalizer", microscopes.NORMALIZERS[:2])
def test_one_call_for_all_seeds_is_the_course_s_loss_seed_by_seed(normalizer):
    torch.manual_seed(0)
    logits = torch.randn(3, 4, dtype=torch.double, requires_grad=True)
    lengths, truncated = microscopes.sample_stops(logits, 6, torch.Generator().manual_seed(2))
    advantages = torch.randn(3, 4, dtype=torch.double)
    loss = microscopes.stopping_loss(
        logits, advantages, lengths, truncated, lengths, normalizer, cap=6
    )
    loss_function = per_response_loss if normalizer.startswith("mean") else grpo_tcr_loss
    alone = []
    for seed in range(3):
        new = microscopes.stop_log_probs(logits[seed], lengths[seed], truncated[seed], 6)
        old = new.detach()
        alone.append(
            loss_function(
                new, old, advantages[seed], lengths[seed], log_probs_old=old, beta_kl=0.0
            )[0]
        )
    assert loss.item() == pytest.approx(sum(alone).item())
    expected = torch.autograd.grad(sum(alone), logits)[0]
    torch.testing.assert_close(torch.autograd.grad(loss, logits)[0], expected)


def test_with_one_update_per_batch_the_clip_range_changes_nothing():
    runs = [
        microscopes.run_clipping(name, num_updates=1, num_seeds=4, num_rounds=5)
        for name in microscopes.CLIP_RANGES
    ]
    assert torch.equal(runs[0], runs[1]) and torch.equal(runs[0], runs[2])
    assert runs[0][0].tolist() == pytest.approx([0.02] * 4)


def excludes_zero(better, worse):
    return microscopes.estimate_mean(better - worse).low > 0


def test_clipping_slows_a_rare_token_and_protects_from_noise():
    low, high, none = (
        microscopes.run_clipping(name, num_seeds=16)[-1] for name in microscopes.CLIP_RANGES
    )
    assert excludes_zero(none, high) and excludes_zero(high, low)
    noisy = microscopes.CLIP_CASES["noisy rewards, 8 updates"]
    _, high, none = (
        microscopes.run_clipping(name, num_seeds=16, **noisy)[-1]
        for name in microscopes.CLIP_RANGES
    )
    assert excludes_zero(high, none)


def test_lengths_by_normalizer_and_truncation_by_shaping():
    mean_first, _, constant = (
        microscopes.run_token_level(name, num_seeds=8, num_rounds=60)[-1]
        for name in microscopes.NORMALIZERS
    )
    assert excludes_zero(mean_first[:, 1], constant[:, 1])
    assert excludes_zero(constant[:, 0], mean_first[:, 0])
    nothing, masked, hard, soft, _ = (
        microscopes.run_overlong(name, num_seeds=8, num_rounds=60) for name in microscopes.SHAPINGS
    )
    assert nothing[0].tolist() == pytest.approx([0.85**32] * 8)
    assert excludes_zero(nothing[-1], hard[-1]) and excludes_zero(hard[-1], soft[-1])
    assert excludes_zero(masked[-1], hard[-1])


def test_rewards_of_the_judge_that_likes_length_by_hand():
    lengths, truncated = torch.tensor([10, 28, 32, 32]), torch.tensor([False] * 3 + [True])

    def rewards(shaping):
        return microscopes.length_rewards(shaping, lengths, truncated, 32).tolist()

    assert rewards("nothing") == rewards("masked") == pytest.approx([0.3, 0.84, 0.96, 0.96])
    assert rewards("hard") == pytest.approx([0.3, 0.84, 0.96, -0.04])
    assert rewards("soft, last 8") == pytest.approx([0.3, 0.34, -0.04, -0.04])


def test_interval_of_a_mean_against_scipy():
    values = torch.tensor([1.0, 2.0, 4.0])
    found = microscopes.estimate_mean(values)
    low, high = stats.t.interval(0.95, 2, 7 / 3, stats.sem([1, 2, 4]))
    assert found == pytest.approx((7 / 3, low, high))


def test_figures_start_at_zero_and_name_their_axes():
    history = torch.rand(3, 4, 2)
    figures = [
        plot_token_level({"a": history, "b": history}),
        plot_clipping({"a": dict.fromkeys("xyz", history[..., 0])}),
        plot_overlong({"a": history[..., 0], "b": history[..., 1]}),
    ]
    for figure in figures:
        axis = figure.axes[0]
        assert axis.get_xlabel() and axis.get_ylabel()
        assert (axis.get_xlim() if figure is figures[2] else axis.get_ylim())[0] == 0
        plt.close(figure)
