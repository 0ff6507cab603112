"""Section 6: the metric by hand, exact KL, intervals, on policies whose log-probs are known."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Categorical, kl_divergence

from nexa_helpers.evaluation import (
    centred_mean,
    evaluate_personalization,
    exact_kl,
    pairwise_accuracy,
    plot_comparison,
    plot_satisfaction,
    preference_interval,
    proportion_interval,
    satisfaction,
)
from nexa_helpers.policy import encode_examples, response_log_probs
from nexa_helpers.simulator import DEVELOPERS, TASKS, write_response


@pytest.fixture
def uniform(unigram_policy):
    return unigram_policy({})


@pytest.fixture
def likes_a(unigram_policy):
    """Finds "a" likelier than the uniform policy does, and every other token less likely."""
    return unigram_policy({"a": 2.0})


def log_prob(policy, token):
    return Categorical(logits=policy.head.bias.data).log_prob(torch.tensor(token)).item()


def accuracy(policy, ref_policy, triples, tokenizer):
    return evaluate_personalization(policy, ref_policy, triples, tokenizer, 0.5)[
        "preference_accuracy"
    ]


def test_improvements_are_mean_log_prob_differences_a_token(
    likes_a, uniform, make_triple, tokenizer
):
    triples = [make_triple("a"), make_triple("aaab"), make_triple("")]
    results = evaluate_personalization(likes_a, uniform, triples, tokenizer, 0.5)
    up = log_prob(likes_a, ord("a")) + math.log(257)
    down = log_prob(likes_a, ord("b")) + math.log(257)
    # Each response has a space in front and an end-of-text token behind it.
    expected = [(up + 2 * down) / 3, (3 * up + 3 * down) / 6, down]
    assert results["log_prob_improvements"] == pytest.approx(expected, rel=1e-9)
    assert all(type(value) is float for value in results["log_prob_improvements"])


def test_improvements_keep_the_order_of_more_rows_than_one_batch(
    likes_a, uniform, make_triple, tokenizer
):
    triples = [make_triple("a" * (i % 7)) for i in range(70)]
    together = evaluate_personalization(likes_a, uniform, triples, tokenizer, 0.5)
    singly = [
        evaluate_personalization(likes_a, uniform, [triple], tokenizer, 0.5)
        for triple in triples[:7]
    ]
    expected = [result["log_prob_improvements"][0] for result in singly] * 10
    assert together["log_prob_improvements"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # a response of "a" moves up, one of "b" moves down
        ([("aaaa", "thanks"), ("bbbb", "no")], 1.0),
        ([("bbbb", "thanks"), ("aaaa", "no")], 0.0),
        ([("aaaa", "thanks"), ("aaaa", "no")], 0.5),  # raising everything earns .5
        ([("bbbb", "thanks"), ("bbbb", "no")], 0.5),  # and so does lowering everything
        ([("aaaa", "thanks")] * 9 + [("aaaa", "no")], 0.5),  # however rare a kind is
        ([("aaaa", "great"), ("bbbb", "great"), ("bbbb", "no")], 0.75),
        ([("aaaa", "thanks"), ("bbbb", "yes"), ("bbbb", "perfect")], 1 / 3),  # no correction
        ([("bbbb", "no"), ("aaaa", "hm")], 1.0),  # no praise; neutral rows do not count
        ([("aaaa", "hm"), ("bbbb", "well")], 0.0),  # neither
    ],
)
def test_preference_accuracy_by_hand(likes_a, uniform, make_triple, tokenizer, rows, expected):
    triples = [make_triple(response, feedback) for response, feedback in rows]
    assert accuracy(likes_a, uniform, triples, tokenizer) == pytest.approx(expected)


def test_a_policy_that_did_not_move_is_wrong_everywhere(likes_a, make_triple, tokenizer):
    triples = [make_triple("aaaa", "thanks"), make_triple("bbbb", "no")]
    assert accuracy(likes_a, likes_a, triples, tokenizer) == 0.0


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        (0.0, 0.75),  # rate 1 to .25
        (0.5, 0.5),  # .5 to .25
        (0.75, 0.0),
        (0.9, -1.5),  # .1 to .25: worse than the baseline
        (1.0, 0.0),  # the baseline leaves nothing to correct
    ],
)
def test_correction_rate_reduction_by_hand(
    likes_a, uniform, make_triple, tokenizer, baseline, expected
):
    triples = [make_triple("aaaa", "yes"), make_triple("bbbb", "yes"), make_triple("bbbb", "no")]
    results = evaluate_personalization(likes_a, uniform, triples, tokenizer, baseline)
    assert results["preference_accuracy"] == 0.75
    assert results["correction_rate_reduction"] == pytest.approx(expected)


def test_mean_kl_is_k3_over_all_response_tokens(make_policy, make_triple, tokenizer):
    policy, ref_policy = make_policy(1), make_policy(2)
    triples = [make_triple("a" * (i % 5)) for i in range(40)]  # two batches, unequal lengths
    k3, tokens = 0.0, 0
    for triple in triples:
        batch = encode_examples([triple], tokenizer)
        log_ratio = response_log_probs(ref_policy, batch) - response_log_probs(policy, batch)
        k3 += (log_ratio.exp() - log_ratio - 1).sum().item()
        tokens += log_ratio.numel()
    results = evaluate_personalization(policy, ref_policy, triples, tokenizer, 0.5)
    assert results["mean_kl"] == pytest.approx(k3 / tokens, rel=1e-9)
    assert results["mean_kl"] > 0
    assert evaluate_personalization(policy, policy, triples, tokenizer, 0.5)["mean_kl"] == 0.0


def test_evaluation_changes_no_weight_and_makes_no_gradient(make_policy, make_triple, tokenizer):
    policy = make_policy(1)
    before = policy.head.bias.clone()
    results = evaluate_personalization(policy, make_policy(2), [make_triple("a")], tokenizer, 0.5)
    assert set(results) == {
        "preference_accuracy",
        "mean_kl",
        "correction_rate_reduction",
        "log_prob_improvements",
    }
    assert torch.equal(policy.head.bias, before)
    assert policy.head.bias.grad is None


def test_no_test_triples_is_an_error(uniform, tokenizer):
    with pytest.raises(ValueError, match="test_triples: expected at least one triple, got none"):
        evaluate_personalization(uniform, uniform, [], tokenizer, 0.5)


def test_exact_kl_of_two_unigram_policies_equals_that_of_torch(
    unigram_policy, make_triple, tokenizer
):
    policy = unigram_policy({"a": 1.5, "b": -2.0, 256: 0.7})
    ref_policy = unigram_policy({"a": -0.3, "c": 4.0})
    expected = kl_divergence(
        Categorical(logits=policy.head.bias.data), Categorical(logits=ref_policy.head.bias.data)
    ).item()
    batch = encode_examples([make_triple("abc"), make_triple("")], tokenizer)
    assert exact_kl(policy, ref_policy, batch) == pytest.approx(expected, rel=1e-9)
    assert exact_kl(ref_policy, policy, batch) != pytest.approx(expected, rel=1e-3)


def test_exact_kl_is_a_mean_over_response_tokens_alone(make_policy, make_triple, tokenizer):
    policy, ref_policy = make_policy(3), make_policy(4)
    triples = [make_triple("ab", request="Hi"), make_triple("abcdef", request="A longer one")]
    values = []
    for triple in triples:
        batch = encode_examples([triple], tokenizer)
        time = batch["response_ids"].shape[1]
        logits = [model(batch["input_ids"])[0, -time - 1 : -1] for model in (policy, ref_policy)]
        values += kl_divergence(*(Categorical(logits=x) for x in logits)).tolist()
    found = exact_kl(policy, ref_policy, encode_examples(triples, tokenizer))
    assert len(values) == 4 + 8
    assert found == pytest.approx(sum(values) / len(values), rel=1e-9)


def wilson(successes, trials):
    """Solve |p - share| = z * sqrt(p (1 - p) / trials) for p, as Wilson (1927) did."""
    z2, share = stats.norm.ppf(0.975) ** 2, successes / trials
    roots = np.roots([1 + z2 / trials, -(2 * share + z2 / trials), share**2])
    return tuple(np.sort(roots.real))


@pytest.mark.parametrize(("successes", "trials"), [(60, 100), (1, 36), (36, 36), (0, 7), (3, 5)])
def test_proportion_interval_solves_wilsons_equation(successes, trials):
    found = proportion_interval(successes, trials)
    assert found == pytest.approx(wilson(successes, trials), abs=1e-7)
    assert all(type(bound) is float for bound in found)


def test_sixty_of_a_hundred_lie_between_50_and_69_percent():
    assert [round(bound, 2) for bound in proportion_interval(60, 100)] == [0.50, 0.69]


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_an_impossible_proportion_is_an_error(successes, trials):
    with pytest.raises(ValueError, match="must"):
        proportion_interval(successes, trials)


def test_preference_interval_holds_the_accuracy_and_repeats_with_its_seed():
    labels = [1] * 40 + [-1] * 40 + [0] * 20
    improvements = [1.0] * 30 + [-1.0] * 10 + [-1.0] * 20 + [1.0] * 20 + [1.0] * 20
    low, high = preference_interval(improvements, labels)
    assert low < (30 / 40 + 20 / 40) / 2 < high
    assert (low, high) == preference_interval(improvements, labels)
    # The normal approximation of the mean of two independent shares.
    error = math.sqrt(0.75 * 0.25 / 40 + 0.5 * 0.5 / 40) / 2
    assert (low, high) == pytest.approx((0.625 - 1.96 * error, 0.625 + 1.96 * error), abs=0.02)


def test_preference_interval_counts_no_move_as_wrong_and_follows_the_signs():
    labels = [1, 1, 1, -1, -1]
    assert preference_interval([1, 2, 3, -1, -2], labels) == (1.0, 1.0)
    assert preference_interval([-1, -2, -3, 1, 2], labels) == (0.0, 0.0)
    assert preference_interval([0, 0, 0, 0, 0], labels) == (0.0, 0.0)


@pytest.mark.parametrize("labels", [[1, 1, 1, -1], [1, 1, 0, 0], [0, 0, 0, 0]])
def test_preference_interval_needs_two_rows_of_each_kind(labels):
    assert all(math.isnan(bound) for bound in preference_interval([1.0] * 4, labels))


def test_pairwise_accuracy_compares_mean_log_probs_a_token(likes_a, tokenizer):
    context = [{"role": "user", "content": "Hi"}]
    pairs = [
        {"context": context, "chosen": "aaaa", "rejected": "bbbb"},
        {"context": context, "chosen": "bbbb", "rejected": "aaaa"},
        # The sum of the longer one is lower, its mean is higher.
        {"context": context, "chosen": "aaaaaaaabbbb", "rejected": "b"},
        {"context": context, "chosen": "same", "rejected": "same"},  # a tie is no win
    ] * 10
    share, interval = pairwise_accuracy(likes_a, pairs, tokenizer)
    assert share == 0.5
    assert interval == proportion_interval(20, 40)


def test_no_pairs_is_an_error(uniform, tokenizer):
    with pytest.raises(ValueError, match="pairs: expected at least one pair, got none"):
        pairwise_accuracy(uniform, [], tokenizer)


def test_satisfaction_asks_the_developer_and_not_the_prm(uniform, tokenizer, monkeypatch):
    developer, seen = DEVELOPERS[3], []

    def responses(policy, contexts, tokenizer, prefix=""):
        """Answer every second request right, in the developer's own style."""
        seen.append((contexts, prefix))
        goals = [context[-1]["content"] for context in contexts]
        tasks = [next(task for task in TASKS if task.goal in goal) for goal in goals]
        texts = [write_response(task, developer.style) for task in tasks]
        return [{"response": text if i % 2 else "?"} for i, text in enumerate(texts)]

    monkeypatch.setattr("nexa_helpers.evaluation.sample_responses", responses)
    share, interval = satisfaction(uniform, developer, tokenizer, 20, prefix="notes", seed=4)
    assert share == 0.5
    assert interval == proportion_interval(10, 20)
    satisfaction(uniform, developer, tokenizer, 20, seed=4)
    assert [prefix for _, prefix in seen] == ["notes", ""]
    assert seen[0][0] == seen[1][0]  # the same seed, the same requests


def test_the_comparison_is_a_bar_chart_with_labels():
    figure = plot_comparison(0.4, 0.7, (0.3, 0.5), (0.6, 0.8))
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.patches] == [0.4, 0.7]
    assert axis.get_xlabel()
    assert axis.get_ylabel()
    assert axis.get_title()
    assert len(axis.collections) == 2  # a whisker each
    plt.close(figure)
    figure = plot_comparison(0.4, 0.7)
    assert len(figure.axes[0].collections) == 0
    plt.close(figure)


@pytest.mark.parametrize(("window", "first"), [(1, 0), (4, 1.5), (5, 2), (7, 3), (50, 3)])
def test_smoothing_a_straight_line_changes_nothing(window, first):
    steps, means = centred_mean([10.0 + 2 * step for step in range(7)], window)
    assert steps[0] == first
    assert len(steps) == len(means) == 7 - min(window, 7) + 1
    assert means == pytest.approx(10 + 2 * steps)


def test_the_satisfaction_plot_has_a_bar_and_an_interval_for_each_result():
    names = [("ann", "old"), ("bo", "old"), ("ann", "new"), ("bo", "new")]
    shares = [0.1, 0.2, 0.7, 0.8]
    results = {
        name: (share, (share - 0.1, share + 0.1)) for name, share in zip(names, shares, strict=True)
    }
    figure = plot_satisfaction(results)
    (axis,) = figure.axes
    assert [bar.get_height() for bar in axis.patches] == shares
    assert len(axis.collections) == 4
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["old", "new"]
    assert axis.get_xlabel()
    assert axis.get_ylabel()
    assert axis.get_title()
    plt.close(figure)
