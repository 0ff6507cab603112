"""Section 5: warm start, logged turns, rollouts and on-policy training, in tiny worlds."""

import functools
import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from nexa_helpers import training
from nexa_helpers.conversations import parse_conversation
from nexa_helpers.developers import ADA, DEVELOPERS, LiveSession, Reply, simulate_conversations
from nexa_helpers.grpo_tcr import per_response_loss
from nexa_helpers.policy import encode_examples, response_log_probs
from nexa_helpers.training import (
    OnPolicySettings,
    clipped_share,
    collect_rollouts,
    encode_rollouts,
    frozen_copy,
    group_advantages,
    rollout_rewards,
    train_grpo_tcr,
    train_on_policy,
    warm_start,
)


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same_weights(model, before):
    assert_close(model.state_dict(), before, rtol=0, atol=0)


class LetterDeveloper:
    """Likes an "a" in a response, says nothing of one with a "b" alone, and dislikes the rest."""

    name = "letter"

    def ask(self, rng, task):
        return "go"

    def reply(self, rng, task, response, task_split="train", sentence_split="train"):
        text = "+" if "a" in response else "?" if "b" in response else "-"
        return Reply(text, task, verdict=0, complaint=None)


class ContentDeveloper(LetterDeveloper):
    """Likes every response."""

    def reply(self, rng, task, response, task_split="train", sentence_split="train"):
        return Reply("+", task, verdict=1, complaint=None)


@pytest.fixture
def make_sessions(monkeypatch):
    """Set how probable it is that a developer leaves without an answer."""

    def make(leave_probability):
        session = functools.partial(LiveSession, leave_probability=leave_probability)
        monkeypatch.setattr(training, "LiveSession", session)

    return make


class RecordedLoss:
    """The real loss, and what it was called with."""

    def __init__(self):
        self.real, self.calls = training.grpo_tcr_loss, []

    def __call__(self, *args, **kwargs):
        call = inspect.signature(self.real).bind(*args, **kwargs).arguments
        short = {"log_probs_new": "new", "log_probs_ref": "ref", "response_lengths": "lengths"}
        self.calls.append({short.get(name, name): value for name, value in call.items()})
        return self.real(*args, **kwargs)


@pytest.fixture
def recorded_loss():
    return RecordedLoss()


@pytest.fixture
def loss_calls(monkeypatch, recorded_loss):
    """Record what training on logged turns calls the loss with."""
    monkeypatch.setattr(training, "grpo_tcr_loss", recorded_loss)
    return recorded_loss.calls


@pytest.fixture
def learning_rates(monkeypatch):
    """Record the learning rate of each update."""
    rates = []

    class Watched(torch.optim.AdamW):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    return rates


@pytest.fixture
def separable(make_triple):
    return [make_triple("aa", "thanks +"), make_triple("bb", "wrong -")] * 2


# Warm start


def test_warm_start_lowers_the_loss_and_ends_in_eval_mode(make_policy, make_row, tokenizer):
    policy = make_policy(1).train()
    losses = warm_start(policy, [make_row("Hi", "abc")], tokenizer, 40, batch_size=2, lr=1e-2)
    assert len(losses) == 40
    assert losses[-1] < losses[0] / 2
    assert not policy.training


def test_the_warm_start_scores_each_assistant_token_given_all_before_it(
    make_policy, make_row, tokenizer
):
    rows = [
        make_row("Hi", "one", "And now something longer?", "two, three, four"),
        make_row("Yo", "five"),
        make_row("An unanswered one"),
    ]
    total, tokens = 0.0, 0
    for row in rows:  # one turn at a time, without other conversations beside it
        turns = parse_conversation(row["chosen"])
        for i in range(1, len(turns), 2):
            example = {"context": turns[:i], "response": turns[i]["content"]}
            log_probs = response_log_probs(make_policy(2), encode_examples([example], tokenizer))
            total -= log_probs.sum().item()
            tokens += log_probs.numel()
    losses = warm_start(make_policy(2), rows, tokenizer, num_steps=1, batch_size=3)
    assert losses == [pytest.approx(total / tokens, rel=1e-10)]


def test_the_warm_start_reads_the_whole_context_of_a_turn(make_policy, tokenizer):
    rows = [
        {"chosen": f"\n\nHuman: {first}\n\nHuman: go on\n\nAssistant: same"}
        for first in ("Hi", "Yo")
    ]
    losses = [warm_start(make_policy(3), [row], tokenizer, num_steps=1) for row in rows]
    assert abs(losses[0][0] - losses[1][0]) > 1e-4


def test_a_batch_of_the_warm_start_holds_conversations_of_like_length(
    make_policy, make_row, tokenizer, monkeypatch
):
    batches = []
    real = training.pad_conversations
    monkeypatch.setattr(
        training, "pad_conversations", lambda rows, *a: batches.append(rows) or real(rows, *a)
    )
    rows = [make_row("Hi", "a" * n) for n in (9, 1, 8, 2, 7)]
    warm_start(make_policy(4), rows, tokenizer, num_steps=30, batch_size=2)
    lengths = {tuple(targets.count(ord("a")) for _, targets in batch) for batch in batches}
    assert lengths == {(1, 2), (7, 8), (9,)}


def test_the_warm_start_repeats_with_its_seed(make_policy, make_row, tokenizer):
    rows, runs = [make_row("Hi", "ab" * n) for n in range(1, 7)], []
    for seed in (1, 1, 2):
        runs.append(warm_start(make_policy(5), rows, tokenizer, 8, batch_size=2, seed=seed))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_the_learning_rate_of_the_warm_start_rises_then_falls_to_zero(
    make_policy, make_row, tokenizer, learning_rates
):
    warm_start(make_policy(5), [make_row("Hi", "a")], tokenizer, num_steps=40, lr=1e-3)
    assert max(learning_rates) == learning_rates[3] == pytest.approx(1e-3)  # after a tenth
    assert np.all(np.diff(learning_rates[:4]) > 0)
    assert np.all(np.diff(learning_rates[3:]) < 0)
    assert learning_rates[-1] < 1e-7


def test_no_rows_for_the_warm_start_is_an_error(make_policy, tokenizer):
    for rows in ([], [{"chosen": "nothing"}], [{"chosen": "\n\nHuman: Hi"}]):
        with pytest.raises(ValueError, match=f"found none in {len(rows)} rows"):
            warm_start(make_policy(), rows, tokenizer)


def test_a_frozen_copy_is_equal_frozen_and_apart(make_policy):
    policy = make_policy(1).train()
    copy = frozen_copy(policy)
    assert_same_weights(copy, policy.state_dict())
    assert not copy.training
    assert not any(parameter.requires_grad for parameter in copy.parameters())
    assert all(parameter.requires_grad for parameter in policy.parameters())
    policy.head.bias.data += 1
    assert not torch.equal(copy.head.bias, policy.head.bias)
    assert policy.training


# Logged turns


def test_logged_training_changes_the_policy_alone(make_policy, make_prm, separable, tokenizer):
    policy, prm = make_policy(2), make_prm(2)
    ref_policy = frozen_copy(policy)
    before = weights_of(policy), weights_of(ref_policy), weights_of(prm)
    # A random PRM may give one score to all; five steps with four rows will not all be equal.
    train_grpo_tcr(policy, ref_policy, prm, separable, tokenizer, num_steps=5, lr=1e-2)
    assert not torch.equal(policy.state_dict()["norm.weight"], before[0]["norm.weight"])
    assert_same_weights(ref_policy, before[1])
    assert_same_weights(prm, before[2])
    assert all(parameter.grad is None for parameter in ref_policy.parameters())
    assert all(parameter.grad is None for parameter in prm.parameters())


def test_logged_training_returns_four_lists_of_floats(
    make_policy, keyword_prm, separable, tokenizer
):
    policy = make_policy(2)
    metrics = train_grpo_tcr(
        policy, frozen_copy(policy), keyword_prm, separable, tokenizer, num_steps=3, batch_size=4
    )
    assert set(metrics) == {"losses", "kl_divs", "mean_rewards", "prm_accuracies"}
    for values in metrics.values():
        assert len(values) == 3
        assert all(type(value) is float for value in values)
    assert metrics["kl_divs"][0] == 0.0  # policy and reference are still equal
    assert metrics["kl_divs"][-1] > 0.0


def test_logged_training_raises_praised_and_lowers_corrected_responses(
    make_policy, keyword_prm, separable, tokenizer
):
    policy = make_policy(3)
    batch = encode_examples(separable[:2], tokenizer)
    before = response_log_probs(policy, batch).sum(dim=1)
    train_grpo_tcr(
        policy, frozen_copy(policy), keyword_prm, separable, tokenizer, num_steps=10, lr=1e-2
    )
    praised, corrected = (response_log_probs(policy, batch).sum(dim=1) - before).tolist()
    assert praised > 0.1
    assert corrected < -0.1


def test_one_step_equals_a_step_derived_by_hand(make_policy, keyword_prm, make_triple, tokenizer):
    triples = [make_triple("aa", "thanks +"), make_triple("bbbb", "no -"), make_triple("c", "hm")]
    policy = make_policy(4)
    expected = make_policy(4)
    metrics = train_grpo_tcr(
        policy, frozen_copy(policy), keyword_prm, triples, tokenizer, num_steps=1, lr=1e-2
    )
    # Rewards 1, -1, 0 are their own advantages (mean 0, unbiased std 1). The ratio is 1.
    advantages = torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    log_probs = response_log_probs(expected, encode_examples(triples, tokenizer)).sum(dim=1)
    num_tokens = 4 + 6 + 3  # each with a space and an end-of-text token
    loss = -(advantages * log_probs).sum() / num_tokens
    optimizer = torch.optim.AdamW(expected.parameters(), lr=1e-2, weight_decay=0.01)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(expected.parameters(), 1.0)
    optimizer.step()
    assert_close(policy.state_dict(), expected.state_dict(), rtol=1e-5, atol=1e-6)
    assert metrics["losses"] == pytest.approx([-(4 - 6) / num_tokens])


def test_optimizer_and_gradient_norm_are_those_of_the_contract(
    make_policy, keyword_prm, separable, tokenizer, monkeypatch
):
    options, norms = [], []
    adamw, clip = torch.optim.AdamW, torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(torch.optim, "AdamW", lambda p, **kw: options.append(kw) or adamw(p, **kw))
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda p, norm: norms.append(norm) or clip(p, norm)
    )
    policy = make_policy(5)
    train_grpo_tcr(policy, frozen_copy(policy), keyword_prm, separable, tokenizer, 2, lr=3e-4)
    assert options == [{"lr": 3e-4, "weight_decay": 0.01, "fused": True}]  # fused: only faster
    assert norms == [1.0, 1.0]


def test_shaping_enters_the_rewards_and_not_the_reported_mean(
    make_policy, keyword_prm, make_triple, tokenizer, monkeypatch
):
    triples = [make_triple("aa", "thanks +"), make_triple("bbbb", "thanks +")]
    shaped = []
    real = training.compute_grpo_advantages
    monkeypatch.setattr(training, "overlong_reward", lambda length, *others: -length / 10)
    monkeypatch.setattr(
        training, "compute_grpo_advantages", lambda rewards: shaped.append(rewards) or real(rewards)
    )
    policy = make_policy(5)
    metrics = train_grpo_tcr(policy, frozen_copy(policy), keyword_prm, triples, tokenizer, 1)
    assert sorted(shaped[0].tolist()) == pytest.approx([1 - 0.6, 1 - 0.4])
    assert metrics["mean_rewards"] == [1.0]


def test_prm_accuracy_is_the_share_of_rewards_equal_to_the_keyword_label(
    make_policy, keyword_prm, make_triple, tokenizer
):
    feedback = ["thanks +", "thanks -", "wrong -", "hm +"]  # the second and the last are misread
    triples = [make_triple("a", text) for text in feedback]
    policy = make_policy(5)
    metrics = train_grpo_tcr(policy, frozen_copy(policy), keyword_prm, triples, tokenizer, 2)
    assert metrics["prm_accuracies"] == [0.5, 0.5]
    assert metrics["mean_rewards"] == [0.0, 0.0]


def test_the_context_is_read(make_policy, keyword_prm, make_triple, tokenizer, loss_calls):
    triples = [make_triple("aa", "+", request=request) for request in ("Hi", "Yo")]
    policy = make_policy(6)
    train_grpo_tcr(policy, frozen_copy(policy), keyword_prm, triples, tokenizer, 1)
    first, second = loss_calls[0]["new"]
    assert (first - second).abs().max() > 1e-4
    assert loss_calls[0]["lengths"].tolist() == [4, 4]  # response tokens alone are scored


def test_beta_reaches_the_loss(make_policy, keyword_prm, separable, tokenizer, loss_calls):
    policy = make_policy(6)
    train_grpo_tcr(policy, frozen_copy(policy), keyword_prm, separable, tokenizer, 1, beta_kl=0.3)
    assert loss_calls[0]["beta_kl"] == 0.3


def test_a_batch_is_drawn_at_random_and_holds_no_row_twice(
    make_policy, keyword_prm, make_triple, tokenizer, loss_calls
):
    triples = [make_triple("a" * n, "+") for n in range(12)]
    policy = make_policy(6)
    train_grpo_tcr(
        policy, frozen_copy(policy), keyword_prm, triples, tokenizer, num_steps=6, batch_size=5
    )
    drawn = [call["lengths"].tolist() for call in loss_calls]
    assert all(len(set(lengths)) == 5 for lengths in drawn)
    assert len({tuple(lengths) for lengths in drawn}) > 1


def test_logged_training_without_triples_is_an_error(make_policy, keyword_prm, tokenizer):
    policy = make_policy()
    with pytest.raises(ValueError, match="train_triples: expected at least one triple, got none"):
        train_grpo_tcr(policy, policy, keyword_prm, [], tokenizer)


# Rollouts


def test_a_rollout_record_holds_all_that_training_needs(make_policy, tokenizer, make_sessions):
    make_sessions(0.0)
    records = collect_rollouts(
        make_policy(7), DEVELOPERS[0], tokenizer, 3, 2, group_size=4, max_new_tokens=5
    )
    assert len(records) == 3 * 2 * 4
    for record in records:
        assert set(record) == {
            "session",
            "turn",
            "context",
            "response",
            "feedback",
            "response_ids",
            "log_probs_old",
            "loss_mask",
        }
        assert record["context"][-1]["role"] == "user"
        assert isinstance(record["response"], str)
        assert isinstance(record["feedback"], str)
        assert record["loss_mask"] == 1.0
        assert 1 <= len(record["response_ids"]) == len(record["log_probs_old"]) <= 5
        assert max(record["log_probs_old"]) <= 0


def test_the_responses_of_a_group_stand_together_and_share_their_context(
    make_policy, tokenizer, make_sessions
):
    make_sessions(0.0)
    records = collect_rollouts(
        make_policy(7), DEVELOPERS[0], tokenizer, 3, 2, group_size=4, max_new_tokens=5
    )
    groups = [records[start : start + 4] for start in range(0, 24, 4)]
    for group in groups:
        assert len({(record["session"], record["turn"]) for record in group}) == 1
        assert all(record["context"] == group[0]["context"] for record in group)
        assert len({tuple(record["response_ids"]) for record in group}) > 1
    keys = [(group[0]["session"], group[0]["turn"]) for group in groups]
    assert keys == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]


def test_a_session_goes_on_from_the_first_response_of_its_group(
    make_policy, tokenizer, make_sessions
):
    make_sessions(0.0)
    records = collect_rollouts(
        make_policy(7), DEVELOPERS[0], tokenizer, 1, 2, group_size=3, max_new_tokens=5
    )
    first, second = records[0], records[3]
    assert second["context"] == [
        *first["context"],
        {"role": "assistant", "content": first["response"]},
        {"role": "user", "content": first["feedback"]},
    ]


def test_a_group_whose_developer_left_is_masked_and_ends_its_session(
    make_policy, tokenizer, make_sessions
):
    make_sessions(0.5)
    records = collect_rollouts(
        make_policy(7), DEVELOPERS[0], tokenizer, 8, 3, group_size=2, max_new_tokens=2
    )
    ended = {}
    for record in records:
        assert (record["feedback"] is None) == (record["loss_mask"] == 0.0)
        if record["feedback"] is None:
            ended.setdefault(record["session"], []).append(record["turn"])
    assert 0 < len(ended) < 8
    for session, turns in ended.items():
        assert turns == [turns[0]] * 2  # the whole group
        assert max(r["turn"] for r in records if r["session"] == session) == turns[0]


def test_rollouts_stop_when_every_developer_has_left(make_policy, tokenizer, make_sessions):
    make_sessions(1.0)
    records = collect_rollouts(
        make_policy(7), DEVELOPERS[0], tokenizer, 2, 3, group_size=2, max_new_tokens=2
    )
    assert len(records) == 4
    assert all(record["loss_mask"] == 0.0 for record in records)


def test_rollouts_repeat_with_both_seeds(make_policy, tokenizer):
    policy, runs = make_policy(7), []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        runs.append(
            collect_rollouts(policy, DEVELOPERS[0], tokenizer, 2, 1, 2, max_new_tokens=3, seed=seed)
        )
    assert runs[0] == runs[1]
    assert [r["context"] for r in runs[0]] != [r["context"] for r in runs[2]]


def test_old_log_probs_equal_those_of_the_policy_that_sampled(
    make_policy, tokenizer, make_sessions
):
    make_sessions(0.0)
    policy = make_policy(8)
    records = collect_rollouts(
        policy, LetterDeveloper(), tokenizer, 2, 2, group_size=3, max_new_tokens=6
    )
    batch, log_probs_old = encode_rollouts(records, tokenizer)
    for row, record in enumerate(records):
        length = int(batch["response_lengths"][row])
        assert batch["response_ids"][row, :length].tolist() == record["response_ids"]
        assert log_probs_old[row, length:].eq(0).all()
    assert_close(response_log_probs(policy, batch).float(), log_probs_old, rtol=1e-5, atol=1e-5)


def test_old_log_probs_fit_a_context_that_is_too_long(make_policy, tokenizer):
    policy = make_policy(8)
    context = [{"role": "user", "content": "x" * 300}]
    sample = training.sample_responses(policy, [context], tokenizer, 6)[0]
    record = {"context": context, "response": sample["response"]}
    record |= {"response_ids": sample["response_ids"], "log_probs_old": sample["log_probs"]}
    batch, log_probs_old = encode_rollouts([record], tokenizer)
    assert_close(response_log_probs(policy, batch).float(), log_probs_old, rtol=1e-5, atol=1e-5)


def test_the_prm_scores_answered_rollouts_and_the_others_get_zero(
    keyword_prm, make_triple, tokenizer
):
    records = [
        make_triple("a", "+") | {"loss_mask": 1.0},
        make_triple("b", None) | {"loss_mask": 0.0},
        make_triple("c", "-") | {"loss_mask": 1.0},
    ]
    assert rollout_rewards(keyword_prm, records, tokenizer).tolist() == [1.0, 0.0, -1.0]
    assert rollout_rewards(keyword_prm, records[1:2], tokenizer).tolist() == [0.0]


# Advantages of rollouts


def advantages_of(rewards, lengths=None, **options):
    """Compute advantages in float64, as a table with a row for each group."""
    table = torch.tensor(rewards, dtype=torch.float64)
    lengths = torch.tensor(lengths) if lengths else torch.ones_like(table)
    found, constant = group_advantages(
        table.flatten(), lengths.flatten(), len(rewards[0]), **options
    )
    return found.view_as(table).numpy(), constant


def standardised(values):
    """Compare the values of a group with each other, with numpy."""
    values = np.array(values)
    return (values - values.mean()) / values.std(ddof=1)


def test_groups_are_compared_with_themselves_alone():
    found, constant = advantages_of([[1, -1, -1, -1], [1, 1, 1, -1]])
    assert found[0] == pytest.approx(standardised([1, -1, -1, -1]), rel=1e-12)
    assert found[1] == pytest.approx(standardised([1, 1, 1, -1]), rel=1e-12)
    assert constant == 0.0
    alone, _ = advantages_of([[1, 1, 1, -1]])
    assert found[1] == pytest.approx(alone[0], rel=1e-12)


def test_no_opinion_takes_the_mean_of_the_opinions_of_its_group_and_so_the_advantage_zero():
    found, constant = advantages_of([[1, 0, -1, -1, 0, 1, 1, 1]])
    mean = (1 - 1 - 1 + 1 + 1 + 1) / 6
    assert found[0] == pytest.approx(standardised([1, mean, -1, -1, mean, 1, 1, 1]), rel=1e-9)
    assert found[0][[1, 4]] == pytest.approx(0.0, abs=1e-12)
    assert constant == 0.0


def test_overlong_responses_are_punished_before_they_are_compared():
    # Ten tokens are safe; from there on the punishment grows by 1/4 a token.
    lengths = [[3, 10, 11, 14, 12, 99]]
    found, _ = advantages_of([[1, -1, 1, 1, 0, -1]], lengths, L_max=14, L_cache=4)
    shaped = [1, -1, 1 - 0.25, 1 - 1, 1 / 5 - 0.5, -1 - 1]  # five opinions, 1/5 on average
    assert found[0] == pytest.approx(standardised(shaped), rel=1e-12)


def test_the_defaults_shape_the_last_32_of_96_tokens():
    found, _ = advantages_of([[1, 1, 1]], [[64, 80, 96]])
    assert found[0] == pytest.approx(standardised([1, 0.5, 0]), rel=1e-12)


@pytest.mark.parametrize("group", [[1, 1, 1], [-1, -1, -1], [0, 0, 0], [1, 0, 1], [0, -1, 0]])
def test_a_group_of_one_opinion_or_none_is_constant(group):
    found, constant = advantages_of([group, [1, -1, 1]])
    assert np.all(found[0] == 0)
    assert np.all(found[1] != 0)
    assert constant == 0.5


def test_lengths_alone_keep_a_group_from_being_constant():
    found, constant = advantages_of([[0, 0, 0], [0, 0, 0]], [[1, 2, 3], [1, 2, 96]])
    assert found[1] == pytest.approx(standardised([0, 0, -1]), rel=1e-12)
    assert np.all(found[0] == 0)
    assert constant == 0.5


def test_groups_of_one_have_nothing_to_compare():
    found, constant = advantages_of([[1], [-1]])
    assert np.all(found == 0)
    assert constant == 1.0


# On-policy training


@pytest.fixture
def letter_policy(unigram_policy):
    """Writes "a", "b", "c", "d" or the end, equally often."""
    return unigram_policy(dict.fromkeys(["a", "b", "c", "d", 256], 0.0), elsewhere=-50.0)


@pytest.fixture
def rollouts(monkeypatch):
    """Record the rollouts of each round."""
    rounds = []
    monkeypatch.setattr(
        training,
        "collect_rollouts",
        lambda *a, **k: rounds.append(collect_rollouts(*a, **k)) or rounds[-1],
    )
    return rounds


TINY = {"num_sessions": 2, "turns_per_session": 1, "group_size": 8, "L_max": 4, "L_cache": 2}


def test_on_policy_training_raises_the_reward(letter_policy, keyword_prm, tokenizer, make_sessions):
    make_sessions(0.0)
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=20, lr=0.02, **TINY,
    )  # fmt: skip
    start, end = sum(metrics["mean_rewards"][:2]) / 2, sum(metrics["mean_rewards"][-2:]) / 2
    assert end > start + 0.25
    assert set(metrics) >= {"losses", "kl_divs", "mean_rewards"}
    for values in metrics.values():
        assert len(values) == 20
        assert all(type(value) is float for value in values)
    assert metrics["clip_fractions"][0] > 0  # two epochs a batch: the second one can be clipped


def test_on_policy_training_changes_the_policy_alone(letter_policy, make_prm, tokenizer):
    ref_policy, prm = frozen_copy(letter_policy), make_prm(1)
    before = weights_of(letter_policy), weights_of(ref_policy), weights_of(prm)
    train_on_policy(
        letter_policy, ref_policy, prm, LetterDeveloper(), tokenizer, num_iterations=2, **TINY
    )
    assert not torch.equal(letter_policy.head.bias, before[0]["head.bias"])
    assert_same_weights(ref_policy, before[1])
    assert_same_weights(prm, before[2])


def test_groups_without_an_answer_give_no_gradient(
    letter_policy, keyword_prm, tokenizer, make_sessions
):
    make_sessions(1.0)
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=1, **TINY,
    )  # fmt: skip
    assert metrics["losses"] == [0.0]
    assert all(parameter.grad.eq(0).all() for parameter in letter_policy.parameters())


def test_the_loss_gets_groups_behaviour_and_mask(
    letter_policy, keyword_prm, tokenizer, make_sessions, recorded_loss, rollouts
):
    make_sessions(0.5)
    train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=1, num_sessions=6, turns_per_session=1, group_size=4, L_max=4, L_cache=2,
        eps_low=0.1, eps_high=0.4, beta_kl=0.05, loss_function=recorded_loss,
    )  # fmt: skip
    (records,) = rollouts
    loss_calls = recorded_loss.calls
    assert {record["loss_mask"] for record in records} == {0.0, 1.0}
    assert {record["feedback"] for record in records} == {"+", "?", "-", None}
    assert len(loss_calls) == 2  # two epochs on the same rollouts
    for call in loss_calls:
        _, log_probs_old = encode_rollouts(records, tokenizer)
        assert_close(call["log_probs_old"], log_probs_old)
        assert (call["L_max"], call["L_cache"]) == (4, 2)
        assert (call["eps_low"], call["eps_high"], call["beta_kl"]) == (0.1, 0.4, 0.05)
        for row, record in enumerate(records):
            expected = len(record["response_ids"]) if record["loss_mask"] else 0
            assert call["lengths"][row] == expected
        shaped = []
        for start in range(0, 24, 4):
            group = records[start : start + 4]
            rewards = [{"+": 1, "-": -1}.get(record["feedback"], 0) for record in group]
            opinions = [reward for reward in rewards if reward]
            mean = sum(opinions) / max(len(opinions), 1)
            sizes = [len(record["response_ids"]) for record in group]
            shaped.append(
                [(r or mean) - max(0, n - 2) / 2 for r, n in zip(rewards, sizes, strict=True)]
            )
        groups = torch.tensor(shaped)
        spread = groups.std(dim=1, keepdim=True)
        expected = (groups - groups.mean(dim=1, keepdim=True)) / spread.where(spread > 1e-6, 1.0)
        assert_close(call["advantages"], expected.flatten(), rtol=1e-4, atol=1e-5)


def test_prm_accuracy_counts_answered_responses_alone(
    letter_policy, keyword_prm, tokenizer, make_sessions, monkeypatch, rollouts
):
    make_sessions(0.5)
    votes = []
    real_vote = keyword_prm.majority_vote
    keyword_prm.majority_vote = lambda *a, **k: votes.append(k["num_votes"]) or real_vote(*a, **k)
    monkeypatch.setattr(training, "keyword_labels", lambda triples: [1] * len(triples))
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=1, num_sessions=6, turns_per_session=1, group_size=4, L_max=4, L_cache=2,
        num_votes=3,
    )  # fmt: skip
    answers = [record["feedback"] for record in rollouts[0] if record["loss_mask"]]
    assert 0 < len(answers) < 24
    assert metrics["prm_accuracies"] == [pytest.approx(answers.count("+") / len(answers))]
    assert votes == [3]


def test_metrics_of_a_round_by_hand(letter_policy, keyword_prm, tokenizer, make_sessions, rollouts):
    make_sessions(0.3)
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=3, **TINY,
    )  # fmt: skip
    for i, records in enumerate(rollouts):
        log_probs = [x for record in records for x in record["log_probs_old"]]
        lengths = [len(record["log_probs_old"]) for record in records]
        assert metrics["entropies"][i] == pytest.approx(-np.mean(log_probs), rel=1e-5)
        assert metrics["mean_lengths"][i] == pytest.approx(np.mean(lengths))
        answers = [record["feedback"] for record in records if record["feedback"]]
        total = answers.count("+") - answers.count("-")
        assert metrics["mean_rewards"][i] == pytest.approx(total / max(len(answers), 1))
    assert metrics["entropies"][0] == pytest.approx(np.log(5), rel=1e-5)  # five equal tokens


def test_constant_groups_are_counted(letter_policy, keyword_prm, tokenizer, make_sessions):
    make_sessions(0.0)
    shares = []
    for developer in (LetterDeveloper(), ContentDeveloper()):
        metrics = train_on_policy(
            frozen_copy(letter_policy).requires_grad_(), letter_policy, keyword_prm, developer,
            tokenizer, num_iterations=2, num_sessions=3, turns_per_session=1, group_size=8,
            L_max=4, L_cache=0,
        )  # fmt: skip
        shares.append(metrics["constant_groups"])
    assert shares == [[0.0, 0.0], [1.0, 1.0]]


def test_the_learning_rate_falls_to_a_tenth_in_even_steps(
    letter_policy, keyword_prm, tokenizer, learning_rates
):
    train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=4, lr=0.02, **TINY,
    )  # fmt: skip
    falling = np.linspace(0.02, 0.002, 5)[:4]  # the fifth round would have a tenth
    assert learning_rates == pytest.approx(np.repeat(falling, 2))  # two epochs a round


def test_the_policy_ends_with_the_mean_weights_of_the_second_half(
    letter_policy, keyword_prm, tokenizer, monkeypatch
):
    after_each_update = []

    class Watched(torch.optim.AdamW):
        def step(self, closure=None):
            super().step(closure)
            after_each_update.append(letter_policy.head.bias.detach().clone())

    monkeypatch.setattr(torch.optim, "AdamW", Watched)
    train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=5, lr=0.02, **TINY,
    )  # fmt: skip
    rounds = torch.stack(after_each_update[1::2])  # two updates a round
    assert len(rounds.unique(dim=0)) == 5
    assert_close(letter_policy.head.bias, rounds[2:].mean(dim=0))


def test_on_policy_training_repeats_with_its_seeds(unigram_policy, keyword_prm, tokenizer):
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(0)
        policy = unigram_policy(dict.fromkeys(["a", "b", "c", 256], 0.0), elsewhere=-50.0)
        metrics = train_on_policy(
            policy, frozen_copy(policy), keyword_prm, ADA, tokenizer,
            num_iterations=3, seed=seed, **TINY,
        )  # fmt: skip
        runs.append(metrics)
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_another_loss_can_take_the_place_of_the_given_one(
    letter_policy, keyword_prm, tokenizer, make_sessions
):
    def seven(log_probs_new, *others, **settings):
        return 7 + 0 * log_probs_new.sum(), {"mean_kl": 0.5}

    make_sessions(0.0)
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=2, loss_function=seven, **TINY,
    )  # fmt: skip
    assert metrics["losses"] == [7.0, 7.0]
    assert metrics["kl_divs"] == [0.5, 0.5]
    assert metrics["clip_fractions"] == [0.0, 0.0]  # counted here: a loss need not report it


def test_the_clipped_share_by_hand():
    """Of five real tokens, the ratios 1.3 and .75 are outside of .8 to 1.28; padding is not."""
    ratios = torch.tensor([[1.3, 1.0, 0.75], [1.2, 0.85, 9.0], [9.0, 9.0, 9.0]])
    played = SimpleNamespace(
        learned_lengths=torch.tensor([3, 2, 0]), log_probs_old=torch.full((3, 3), -2.0)
    )
    assert clipped_share(played, ratios.log() - 2, 0.2, 0.28) == pytest.approx(2 / 5)


def test_without_t_the_first_loss_is_minus_the_mean_advantage_and_that_is_zero(
    letter_policy, keyword_prm, tokenizer, make_sessions
):
    make_sessions(0.0)
    metrics = train_on_policy(
        letter_policy, frozen_copy(letter_policy), keyword_prm, LetterDeveloper(), tokenizer,
        num_iterations=1, num_epochs=1, loss_function=per_response_loss, **TINY,
    )  # fmt: skip
    assert metrics["losses"] == [pytest.approx(0.0, abs=1e-6)]
    assert letter_policy.head.bias.grad.abs().max() > 1e-3


def test_the_defaults_of_on_policy_training_let_r_and_c_act():
    defaults = OnPolicySettings()
    assert (defaults.L_max, defaults.L_cache, defaults.num_epochs) == (96, 32, 2)


def test_an_unknown_setting_of_on_policy_training_is_named(letter_policy, keyword_prm, tokenizer):
    with pytest.raises(TypeError, match="num_rounds"):
        train_on_policy(
            letter_policy, letter_policy, keyword_prm, LetterDeveloper(), tokenizer, num_rounds=1
        )


def test_simulated_conversations_train_every_piece_together(make_policy, make_prm, tokenizer):
    policy = make_policy(9)
    rows = simulate_conversations(4, seed=3)
    assert len(warm_start(policy, rows, tokenizer, 2, batch_size=2)) == 2
    metrics = train_on_policy(
        policy, frozen_copy(policy), make_prm(9), ADA, tokenizer,
        num_iterations=1, num_sessions=1, turns_per_session=2, group_size=2, L_max=6, L_cache=2,
    )  # fmt: skip
    assert len(metrics["losses"]) == 1


def test_integer_rewards_are_shaped_as_floats_are():
    rewards, lengths = torch.tensor([1, -1, 0, 1]), torch.tensor([10, 80, 70, 96])
    found, _ = group_advantages(rewards, lengths, 4)
    expected, _ = group_advantages(rewards.float(), lengths, 4)
    assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize(("rows", "size"), [(0, 4), (6, 4), (4, 0)])
def test_rewards_that_are_no_whole_groups_are_an_error(rows, size):
    message = f"rewards: expected groups of {size}, got {rows}"
    with pytest.raises(ValueError, match=message):
        group_advantages(torch.ones(rows), torch.ones(rows), size)


def test_a_reward_that_is_no_number_silences_no_group():
    rewards = torch.tensor([1.0, float("nan"), -1.0, 1.0])
    with pytest.raises(ValueError, match=r"rewards: expected finite numbers, got nan"):
        group_advantages(rewards, torch.ones(4), 4)
