"""The given training: what the judge reads, what is remembered, what a round teaches."""

import copy
import random

import pytest
import torch
from torch.testing import assert_close

from nexa_helpers.developers import ADA, DARA
from nexa_helpers.distillation_training import (
    FeedbackSettings,
    HintMemory,
    choose_teacher,
    encode_hinted,
    feedback_advantages,
    learn_round,
    play_feedback_round,
    play_with_notes,
    response_logits,
    spoil_hint,
    top_k_loss_without_tail,
    train_from_feedback,
)
from nexa_helpers.hint_judge import HINTS, HintJudge, Judgment, simulate_feedback

GUARD, PYTHON = HINTS["guarded"][2], HINTS["python"][2]
PRAISE = Judgment(1.0, [(-1, "")] * 3)
CORRECTION = Judgment(-1.0, [(1, hint) for hint in HINTS["guarded"]])
SETTINGS = {"num_rounds": 2, "num_requests": 2, "group_size": 2, "max_new_tokens": 8}


class FixedJudge:
    """Says the same of every message, or what a list says in turn."""

    def __init__(self, *judgments):
        self.judgments = judgments

    def judge(self, messages):
        return [self.judgments[i % len(self.judgments)] for i in range(len(messages))]


@pytest.fixture
def policy(make_policy):
    return make_policy().requires_grad_(True)


def play(policy, tokenizer, judge, memory=None, developer=DARA, **changes):
    settings = FeedbackSettings(**(SETTINGS | changes))
    memory = memory or HintMemory(settings.num_notes)
    rng = random.Random(1)
    played = play_feedback_round(policy, judge, developer, tokenizer, settings, rng, memory)
    return played, settings


# The judge


def test_the_judge_reads_the_sentences_that_it_has_learnt():
    judge, rng = HintJudge(seed=3), random.Random(5)
    messages, meanings = zip(*(simulate_feedback(rng, "train") for _ in range(200)), strict=True)
    readings = judge.read(list(messages))
    right = sum(
        reading == [meaning] * 3 for reading, meaning in zip(readings, meanings, strict=True)
    )
    assert right >= 190
    for judgment, meaning in zip(judge.judge(list(messages)), meanings, strict=True):
        for number, (score, text) in enumerate(judgment.votes):
            assert (score, text) == (-1, "") or text in {hints[number] for hints in HINTS.values()}
        if meaning in ("praise", "neutral"):
            assert judgment.reward in (1.0, 0.0)


def test_no_message_no_judgment():
    assert HintJudge(num_messages=60).judge([]) == []


# What is remembered


def test_the_newest_hint_about_a_feature_outdates_the_older_one():
    memory = HintMemory(6)
    for hint in (HINTS["guarded"][0], PYTHON, HINTS["unguarded"][1], GUARD):
        memory.add(hint)
    assert memory.notes == [PYTHON, GUARD]
    assert memory.before(HINTS["unguarded"][0]) == [PYTHON]
    assert memory.before(HINTS["typed"][0]) == [PYTHON, GUARD]


def test_only_so_many_hints_are_remembered():
    memory = HintMemory(1)
    memory.add(PYTHON)
    memory.add(GUARD)
    assert memory.notes == [GUARD]
    assert HintMemory(0).before(GUARD) == []


@pytest.mark.parametrize("number", range(3))
def test_a_wrong_hint_says_the_opposite_in_the_same_readers_words(number):
    rng = random.Random(0)
    assert spoil_hint(rng, HINTS["guarded"][number], 1.0) == HINTS["unguarded"][number]
    assert spoil_hint(rng, HINTS["guarded"][number], 0.0) == HINTS["guarded"][number]
    assert spoil_hint(rng, None, 1.0) is None


# One round


def test_no_correction_at_all_teaches_nothing(policy, tokenizer):
    played, settings = play(policy, tokenizer, FixedJudge(PRAISE))
    assert played.has_hint.tolist() == [0, 0, 0, 0]
    assert feedback_advantages(played, copy.deepcopy(policy), settings).abs().max() == 0.0


def test_all_turns_dropped_leave_no_token_and_no_gradient(policy, tokenizer):
    played, settings = play(policy, tokenizer, FixedJudge(Judgment(0.0, [(-1, "")] * 3)))
    assert played.learned_lengths.tolist() == [0, 0, 0, 0]
    before = copy.deepcopy(policy.state_dict())
    learn_round(policy, policy, torch.optim.SGD(policy.parameters(), 1.0), played, settings)
    for name, tensor in policy.state_dict().items():
        assert_close(tensor, before[name], rtol=0, atol=0)


def test_a_hint_reaches_its_own_response_and_a_reward_the_whole_group(policy, tokenizer):
    played, settings = play(policy, tokenizer, FixedJudge(PRAISE, CORRECTION))
    assert played.rewards.tolist() == [1.0, -1.0, 1.0, -1.0]
    assert played.has_hint.tolist() == [0, 1, 0, 1]
    advantages = feedback_advantages(played, copy.deepcopy(policy), settings)
    for row in (0, 2):  # (1 - 0) / sqrt(2), on every token
        assert_close(advantages[row], torch.full_like(advantages[row], 0.5**0.5))
    lengths = played.batch["response_lengths"]
    told = advantages[1][: lengths[1]] + 0.5**0.5  # what the teacher adds
    assert told.abs().max() <= settings.clip
    assert told.abs().max() > 0


def test_the_teacher_scores_the_very_tokens_that_were_sampled(policy, tokenizer):
    played, _ = play(policy, tokenizer, FixedJudge(CORRECTION))
    assert_close(played.hinted["response_ids"], played.batch["response_ids"])
    width = played.batch["response_ids"].shape[1]
    shown = [tokenizer.decode(ids.tolist()) for ids in played.hinted["input_ids"][:, :-width]]
    assert all(GUARD in text for text in shown)
    assert GUARD not in tokenizer.decode(played.batch["input_ids"][0].tolist())


def test_the_teacher_reads_earlier_hints_about_other_features(policy, tokenizer):
    memory = HintMemory(6)
    memory.add(PYTHON)
    memory.add(HINTS["unguarded"][0])
    played, _ = play(policy, tokenizer, FixedJudge(CORRECTION), memory)
    text = tokenizer.decode(played.hinted["input_ids"][0].tolist())
    assert text.index(PYTHON) < text.index(GUARD)
    assert HINTS["unguarded"][0] not in text
    assert memory.notes == [PYTHON, GUARD]


def test_a_long_request_does_not_cut_the_hint_which_stands_in_front(tokenizer):
    request = {"role": "user", "content": "sort " * 70}
    record = {"context": [request], "response": "x", "response_ids": [120]}
    batch = encode_hinted([record], [GUARD], HintMemory(6), tokenizer, 640, torch.device("cpu"))
    text = tokenizer.decode(batch["input_ids"][0].tolist())
    assert GUARD in text
    assert request["content"].strip() in text


def test_a_hint_longer_than_the_context_is_an_error(tokenizer):
    record = {"context": [{"role": "user", "content": "Sort."}], "response": "x"}
    record["response_ids"] = [120]
    with pytest.raises(ValueError, match=r"hint: expected at most 40 tokens.*got"):
        encode_hinted([record], ["word " * 20], HintMemory(6), tokenizer, 40, torch.device("cpu"))


def test_the_sum_without_a_tail_by_torchs_own_numbers(policy, make_policy, tokenizer):
    played, _ = play(policy, tokenizer, FixedJudge(CORRECTION))
    teacher = make_policy(1)
    loss = top_k_loss_without_tail(policy, teacher, played, top_k=2).detach()
    student = torch.softmax(response_logits(policy, played.batch).detach(), dim=-1)
    goal = torch.softmax(response_logits(teacher, played.hinted).detach(), dim=-1)
    sums, count = 0.0, 0
    for row, length in enumerate(played.batch["response_lengths"].tolist()):
        for place in range(length):
            p, q = student[row, place], goal[row, place]
            for token in p.argsort(descending=True)[:2]:
                sums += float(p[token] * (p[token] / q[token]).log())
            count += 1
    assert float(loss) == pytest.approx(sums / count)


# The whole training


def test_who_teaches(policy, make_policy):
    reference, averaged = make_policy(1), make_policy(2)
    chosen = [
        choose_teacher(n, policy, reference, averaged) for n in ("frozen", "live", "averaged")
    ]
    assert chosen == [reference, policy, averaged]
    with pytest.raises(ValueError, match=r"teacher: expected one of .*, got 'old'"):
        choose_teacher("old", policy, reference, averaged)


@pytest.mark.parametrize("teacher", ["frozen", "live", "averaged"])
def test_every_answer_is_counted_and_the_reference_stays(make_policy, tokenizer, teacher):
    reference, histories, weights = make_policy(), [], []
    before = copy.deepcopy(reference.state_dict())
    for _ in range(2):
        torch.manual_seed(4)
        policy = copy.deepcopy(reference).requires_grad_(True)
        judge, looks = FixedJudge(PRAISE, CORRECTION), []
        history = train_from_feedback(
            policy, reference, judge, ADA, tokenizer, look_every=1, teacher=teacher,
            look=lambda model, looks=looks: looks.append(model) or float(len(looks)), **SETTINGS,
        )  # fmt: skip
        histories.append(history)
        weights.append(policy.state_dict())
        assert looks[-1] is policy
    assert history["answers"] == [0, 4, 8]
    assert history["looks"] == [1.0, 2.0, 3.0]
    assert len(history["corrected"]) == 4  # the first response to each of two requests, two rounds
    assert history["hint_share"] == [0.5, 0.5]
    assert history["mean_rewards"] == [0.0, 0.0]
    assert histories[0] == histories[1]
    for name, tensor in weights[0].items():
        assert_close(tensor, weights[1][name], rtol=0, atol=0)
        assert_close(reference.state_dict()[name], before[name], rtol=0, atol=0)
    assert any((weights[0][name] != before[name]).any() for name in before)


def test_notes_train_nothing_and_cost_one_answer_per_session(policy, tokenizer):
    before = copy.deepcopy(policy.state_dict())
    seen = []
    history = play_with_notes(
        policy, FixedJudge(CORRECTION), DARA, tokenizer, num_sessions=5,
        look=lambda notes: seen.append(list(notes)) or 0.0,
    )  # fmt: skip
    assert history["answers"] == [0, 1, 2, 4, 5]
    assert seen == [[], *[[GUARD]] * 4]
    assert history["notes"] == [GUARD]
    assert len(history["corrected"]) == 5
    for name, tensor in policy.state_dict().items():
        assert_close(tensor, before[name], rtol=0, atol=0)
