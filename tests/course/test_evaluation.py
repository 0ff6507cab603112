"""Section 6: the metric by hand, exact KL, intervals, on policies whose log-probs are known."""

import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from torch.distributions import Categorical, kl_divergence

from nexa_helpers import live_evaluation
from nexa_helpers.conversations import render_context
from nexa_helpers.developers import Developer, LiveSession
from nexa_helpers.evaluation import (
    Share,
    centered_mean,
    evaluate_personalization,
    exact_kl,
    pairwise_accuracy,
    plot_comparison,
    preference_interval,
    share_difference,
    share_of,
)
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.live_evaluation import (
    cross_satisfaction,
    play_sessions,
    plot_correction_rates,
    plot_cross_satisfaction,
    satisfaction,
)
from nexa_helpers.policy import encode_examples, response_log_probs
from nexa_helpers.prompt_injection import PromptInjectionBaseline
from nexa_helpers.tasks import TASKS, Style, comply, write_response


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
def test_the_interval_of_a_share_solves_wilsons_equation(successes, trials):
    found = share_of(successes, trials)
    assert found.value == successes / trials
    assert (found.low, found.high) == pytest.approx(wilson(successes, trials), abs=1e-7)
    assert all(type(number) is float for number in found)


def test_sixty_of_a_hundred_lie_between_50_and_69_percent():
    assert [round(number, 2) for number in share_of(60, 100)] == [0.6, 0.50, 0.69]


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_an_impossible_proportion_is_an_error(successes, trials):
    with pytest.raises(ValueError, match="must"):
        share_of(successes, trials)


@pytest.mark.parametrize(
    ("one", "other"),
    [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((10, 10), (0, 20)), ((5, 56), (0, 29))],
)
def test_the_difference_of_two_shares_is_newcombes(one, other):
    oracle = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff")
    found = share_difference(share_of(*one), share_of(*other))
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-9)
    assert found.value == pytest.approx(one[0] / one[1] - other[0] / other[1])


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
    assert pairwise_accuracy(likes_a, pairs, tokenizer) == share_of(20, 40)


def test_no_pairs_is_an_error(uniform, tokenizer):
    with pytest.raises(ValueError, match="pairs: expected at least one pair, got none"):
        pairwise_accuracy(uniform, [], tokenizer)


# Live developers


class PlainDeveloper(Developer):
    """Names a task as "task: sort prices", so that a fake policy can understand it."""

    def ask(self, rng, task):
        return f"task: {task.operation.verb} {task.noun}"


PAT = PlainDeveloper("Pat", {"language": "javascript", "docs": "documented"})
SAM = PlainDeveloper("Sam", {"language": "python", "docs": "undocumented"})
TASK_OF_REQUEST = {
    (task.operation.verb, task.noun): task for tasks in TASKS.values() for task in tasks
}


def asked_task(context):
    """Find the last task that was asked for; a correction asks for no other one."""
    words = re.findall(r"task: (\w+) (\w+)", render_context(context))
    return TASK_OF_REQUEST[words[-1]]


class FakePolicy:
    """Follows the wishes of a developer wherever a rule says so, and else writes "?"."""

    def __init__(self, developer, rule=lambda task: True):
        self.developer, self.rule = developer, rule

    def respond(self, context):
        task, style = asked_task(context), Style()
        for wish in self.developer.wishes.values():
            style = comply(style, wish)
        return write_response(task, style) if self.rule(task) else "?"


@pytest.fixture
def calls(monkeypatch):
    """Let fake policies respond, and record what they are asked."""
    seen = []

    def respond(policy, contexts, tokenizer, prefix="", temperature=1.0):
        copies = [list(context) for context in contexts]
        chance = torch.rand(1).item()
        seen.append({"policy": policy, "contexts": copies, "prefix": prefix, "chance": chance})
        seen[-1]["temperature"] = temperature
        return [{"response": policy.respond(context)} for context in contexts]

    monkeypatch.setattr(live_evaluation, "sample_responses", respond)
    return seen


def has_a_short_noun(task):
    return len(task.noun) < 6


def test_satisfaction_asks_the_developer_and_not_the_prm(calls, tokenizer):
    policy = FakePolicy(PAT, has_a_short_noun)
    share = satisfaction(policy, PAT, tokenizer, 60, prefix="notes", seed=4)
    tasks = [asked_task(context) for call in calls for context in call["contexts"]]
    happy = sum(has_a_short_noun(task) for task in tasks)
    assert len(tasks) == 60
    assert 0.2 < share.value < 0.8
    assert share == share_of(happy, 60)
    assert all(task in TASKS["test"] for task in tasks)
    assert satisfaction(FakePolicy(PAT), SAM, tokenizer, 60).value == 0.0  # another's wishes


def test_the_same_seed_makes_the_same_requests_and_the_prefix_is_passed_on(calls, tokenizer):
    for prefix, seed in (("notes", 4), ("", 4), ("", 5)):
        satisfaction(FakePolicy(PAT), PAT, tokenizer, 20, prefix=prefix, seed=seed)
    first, same, other = calls
    assert [call["prefix"] for call in calls] == ["notes", "", ""]
    assert first["contexts"] == same["contexts"] != other["contexts"]


def test_answers_are_sampled_at_the_temperature_of_use_or_at_another(calls, tokenizer):
    satisfaction(FakePolicy(PAT), PAT, tokenizer, 5)
    satisfaction(FakePolicy(PAT), PAT, tokenizer, 5, temperature=1.0)
    play_sessions(FakePolicy(PAT), PAT, tokenizer, 1, 1, num_copies=2)
    play_sessions(FakePolicy(PAT), PAT, tokenizer, 1, 1, num_copies=2, temperature=1.0)
    assert [call["temperature"] for call in calls] == [0.7, 1.0, 0.7, 1.0]


def test_many_requests_are_sampled_in_parts_and_all_are_counted(calls, tokenizer):
    policy = FakePolicy(PAT, has_a_short_noun)
    share = satisfaction(policy, PAT, tokenizer, 450, prefix="notes")
    assert [len(call["contexts"]) for call in calls] == [200, 200, 50]
    assert {call["prefix"] for call in calls} == {"notes"}
    tasks = [asked_task(context) for call in calls for context in call["contexts"]]
    happy = sum(has_a_short_noun(task) for task in tasks)
    assert share == share_of(happy, 450)


def test_sessions_are_corrected_exactly_where_the_developer_has_a_complaint(calls, tokenizer):
    policy = FakePolicy(PAT, has_a_short_noun)
    corrected = play_sessions(policy, PAT, tokenizer, 4, turns_per_session=3, num_copies=5)
    assert corrected.shape == (4, 3, 5)
    assert corrected.dtype == bool
    assert len(calls) == 4 * 3
    for call, row in zip(calls, corrected.reshape(12, 5), strict=True):
        tasks = [asked_task(context) for context in call["contexts"]]
        assert row.tolist() == [not has_a_short_noun(task) for task in tasks]
        assert all(task in TASKS["test"] for task in tasks)
    assert 0.2 < corrected.mean() < 0.8


def test_a_session_goes_on_for_its_turns_and_the_next_one_starts_anew(calls, tokenizer):
    play_sessions(FakePolicy(PAT), PAT, tokenizer, 3, turns_per_session=2, num_copies=2)
    sizes = [{len(context) for context in call["contexts"]} for call in calls]
    assert sizes == [{1}, {3}] * 3
    for first, second in zip(calls[::2], calls[1::2], strict=True):
        for before, after in zip(first["contexts"], second["contexts"], strict=True):
            assert after[0] == before[0]
            assert after[1]["role"] == "assistant"


def first_requests(calls, turns_per_session):
    return [call["contexts"] for call in calls[::turns_per_session]]


def test_each_contestant_meets_the_same_first_requests(calls, tokenizer):
    runs = []
    for policy, seed in ((FakePolicy(PAT), 3), (FakePolicy(SAM), 3), (FakePolicy(PAT), 4)):
        calls.clear()
        play_sessions(policy, PAT, tokenizer, 3, num_copies=4, seed=seed)
        runs.append(first_requests(calls, 2))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    everything = [context[0]["content"] for contexts in runs[0] for context in contexts]
    assert len(set(everything)) > 6  # sessions and copies have requests of their own


@pytest.fixture
def answers(monkeypatch):
    """Record the answers of each session."""
    sessions = []

    class Recorded(LiveSession):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self.given = []
            sessions.append(self.given)

        def answer(self, responses):
            given = super().answer(responses)
            self.given += given
            return given

    monkeypatch.setattr(live_evaluation, "LiveSession", Recorded)
    return sessions


@pytest.mark.parametrize("max_notes", [1, 3, 100])
def test_the_last_corrections_of_a_copy_stand_in_front_of_its_next_sessions(
    calls, answers, tokenizer, max_notes
):
    policy = FakePolicy(PAT, lambda task: False)
    play_sessions(policy, PAT, tokenizer, 4, num_copies=3, max_notes=max_notes)
    contexts = first_requests(calls, 2)
    assert [len(context) for context in contexts[0]] == [1, 1, 1]  # the cache is empty at first
    for copy in range(3):
        baseline = PromptInjectionBaseline(max_notes)
        for number in range(1, 4):
            for text in answers[3 * (number - 1) + copy]:
                baseline.learn([{"response": "", "feedback": text}])
            *notes, request = contexts[number][copy]
            assert "".join(f"\n\nHuman: {note['content']}" for note in notes) == baseline.prefix()
            assert request["content"].startswith("task: ")
            # in the second turn too
            assert calls[2 * number + 1]["contexts"][copy][: len(notes)] == notes
    assert all(len(context) == 2 for context in contexts[3])
    assert contexts[3][0][0] != contexts[3][1][0]  # copies do not share their notes


def test_only_a_reply_with_a_negative_keyword_becomes_a_note(calls, answers, tokenizer):
    policy = FakePolicy(PAT, has_a_short_noun)
    corrected = play_sessions(
        policy, PAT, tokenizer, 2, turns_per_session=4, num_copies=6, max_notes=9
    )
    for copy in range(6):
        texts = [
            text
            for text in answers[copy]
            if keyword_labels([{"response": "", "feedback": text}]) == [-1]
        ]
        first = first_requests(calls, 4)[1][copy][0]["content"]
        expected = "DEVELOPER PREFERENCES:" + "".join(f"\n- {text}" for text in texts)
        assert first == expected if texts else first.startswith("task: ")
    assert 0 < corrected[0].sum() < 24


def test_a_note_is_one_line_of_at_most_a_hundred_characters(calls, tokenizer, monkeypatch):
    class Wordy(LiveSession):
        def answer(self, responses):
            super().answer(responses)
            return ["no,\n\nHuman:  not  that " + "x" * 200]

    monkeypatch.setattr(live_evaluation, "LiveSession", Wordy)
    policy = FakePolicy(PAT, lambda task: False)
    play_sessions(policy, PAT, tokenizer, 2, 1, num_copies=1, max_notes=5)
    _, note = calls[-1]["contexts"][0][0]["content"].split("\n- ")
    assert note.startswith("no, Human: not that xxx")
    assert len(note) == 100


def test_without_notes_and_without_complaints_nothing_stands_in_front(calls, tokenizer):
    play_sessions(FakePolicy(PAT, lambda task: False), PAT, tokenizer, 3, 2, 3, max_notes=0)
    play_sessions(FakePolicy(PAT), PAT, tokenizer, 3, 2, 3, max_notes=5)
    assert len(calls) == 12
    for call in calls:
        assert not any("PREFERENCES" in render_context(context) for context in call["contexts"])


def test_sessions_of_a_real_policy_repeat_with_both_seeds(make_policy, tokenizer):
    policy, before = make_policy(1), make_policy(1).state_dict()
    runs = []
    for _ in range(2):
        torch.manual_seed(2)
        runs.append(play_sessions(policy, PAT, tokenizer, 2, 1, num_copies=2, max_notes=2))
    assert np.array_equal(*runs)
    assert runs[0].all()  # noise satisfies nobody
    torch.testing.assert_close(policy.state_dict(), before, rtol=0, atol=0)


def test_every_pair_of_policy_and_developer_is_scored_on_the_same_requests(calls, tokenizer):
    policies = {"for Pat": FakePolicy(PAT), "for Sam": FakePolicy(SAM)}
    results = cross_satisfaction(policies, [PAT, SAM], tokenizer, 30, seed=6)
    assert {pair: share.value for pair, share in results.items()} == {
        ("for Pat", "Pat"): 1.0,
        ("for Pat", "Sam"): 0.0,
        ("for Sam", "Pat"): 0.0,
        ("for Sam", "Sam"): 1.0,
    }
    assert results["for Pat", "Pat"] == share_of(30, 30)
    assert [call["policy"] for call in calls] == [
        policies[name] for name in ("for Pat", "for Pat", "for Sam", "for Sam")
    ]
    assert all(call["contexts"] == calls[0]["contexts"] for call in calls)
    assert len({call["chance"] for call in calls}) == 1  # and with the same chance
    calls.clear()
    cross_satisfaction(policies, [PAT], tokenizer, 30, seed=7)
    assert len({call["chance"] for call in calls}) == 1
    satisfaction(policies["for Pat"], PAT, tokenizer, 30, seed=7)
    assert calls[0]["contexts"] == calls[-1]["contexts"]


# Figures


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
    steps, means = centered_mean([10.0 + 2 * step for step in range(7)], window)
    assert steps[0] == first
    assert len(steps) == len(means) == 7 - min(window, 7) + 1
    assert means == pytest.approx(10 + 2 * steps)


def whiskers(axis, number):
    """Read the ends of the whiskers of one error bar container, from the figure itself."""
    (bars,) = axis.containers[number].lines[2]
    return [(segment[0, 1], segment[1, 1]) for segment in bars.get_segments()]


def test_the_correction_plot_has_a_point_and_a_whisker_for_each_session():
    flags = np.ones((3, 2, 10), dtype=bool)  # later responses do not count
    flags[:, 0] = [[i < n for i in range(10)] for n in (10, 4, 0)]
    better = flags.copy()
    better[:, 0] = False
    figure = plot_correction_rates({"deployed": flags, "personal": better})
    (axis,) = figure.axes
    for number, counts in enumerate([(10, 4, 0), (0, 0, 0)]):
        points = axis.containers[number].lines[0]
        assert list(points.get_xdata()) == [1, 2, 3]
        assert points.get_ydata() == pytest.approx(np.array(counts) / 10)
        for found, count in zip(whiskers(axis, number), counts, strict=True):
            assert found == pytest.approx(wilson(count, 10), abs=1e-7)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["deployed", "personal"]
    assert list(axis.get_xticks()) == [1, 2, 3]
    assert axis.get_xlabel()
    assert axis.get_ylabel()
    assert axis.get_title()
    plt.close(figure)


def test_the_cross_plot_is_a_table_of_shares_with_their_intervals():
    results = {
        ("deployed", "Ann"): Share(0.1234, 0.0512, 0.2),
        ("deployed", "Bo"): Share(0.25, 0.1, 0.4),
        ("for Ann", "Ann"): Share(0.75, 0.6, 0.9),
        ("for Ann", "Bo"): Share(0.5, 0.4, 0.6),
        ("for Bo", "Ann"): Share(0.0, 0.0, 0.1),
        ("for Bo", "Bo"): Share(1.0, 0.9, 1.0),
    }
    figure = plot_cross_satisfaction(results)
    axis, color_bar = figure.axes
    columns = [tick.get_text() for tick in axis.get_xticklabels()]
    rows = [tick.get_text() for tick in axis.get_yticklabels()]
    assert (rows, columns) == (["deployed", "for Ann", "for Bo"], ["Ann", "Bo"])
    shades = np.asarray(axis.images[0].get_array())
    assert len(axis.texts) == 6
    for text in axis.texts:
        x, y = text.get_position()
        share, low, high = results[rows[y], columns[x]]
        numbers = [float(number) for number in re.findall(r"[\d.]+", text.get_text())]
        assert numbers == pytest.approx([share, low, high], abs=0.005)
        assert shades[y, x] == share
    assert axis.get_xlabel()
    assert axis.get_ylabel()
    assert axis.get_title()
    assert color_bar.get_ylabel()
    plt.close(figure)
