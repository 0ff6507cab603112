"""Section 4.1: what the reward model reads, how it votes, and how it learns."""

import statistics
from itertools import product

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score
from torch.testing import assert_close

from nexa_helpers.process_reward import (
    ProcessRewardModel,
    balanced_accuracy,
    encode_feedback,
    predict_rewards,
    train_prm,
)

IDS = torch.tensor([[72, 105, 33, 32], [1, 2, 3, 4], [9, 9, 9, 8]])


@pytest.mark.parametrize("padding", [0, 256])
@pytest.mark.parametrize(("left", "right"), [(0, 3), (2, 0), (2, 3)])
def test_padding_on_either_side_changes_nothing(make_prm, padding, left, right):
    prm = make_prm(1)
    padded = torch.full((3, left + 4 + right), padding)
    padded[:, left : left + 4] = IDS
    mask = torch.zeros_like(padded)
    mask[:, left : left + 4] = 1
    assert_close(prm(padded, mask), prm(IDS), rtol=1e-4, atol=1e-5)


def test_no_token_is_special_to_the_embedding(make_prm):
    prm = make_prm(1)
    assert prm.embedding.padding_idx is None
    assert prm.embedding.weight.abs().sum(dim=1).gt(0).all()


def test_the_order_of_the_tokens_counts(make_prm):
    prm = make_prm(2)
    assert (prm(IDS.flip(1)) - prm(IDS)).abs().max() > 1e-3


def test_a_row_of_padding_alone_is_finite_and_leaves_the_others_alone(make_prm):
    prm = make_prm(2)
    mask = torch.ones_like(IDS)
    mask[1] = 0
    logits = prm(IDS, mask)
    assert logits.isfinite().all()
    assert_close(logits[[0, 2]], prm(IDS)[[0, 2]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [torch.float32, torch.bool])
def test_the_mask_may_hold_floats_or_booleans(make_prm, kind):
    prm = make_prm(2)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]])
    assert_close(prm(IDS, mask.to(kind)), prm(IDS, mask), rtol=0, atol=0)


class ScriptedPRM(ProcessRewardModel):
    """Votes that were written down beforehand, (num_votes, batch) scores in -1, 0, 1."""

    def __init__(self, votes):
        super().__init__(vocab_size=5, hidden_size=4, num_heads=1)
        self.classes = (votes + 1).flatten()
        self.seen = []

    def forward(self, input_ids, attention_mask=None):
        self.seen.append((self.training, torch.is_grad_enabled(), attention_mask))
        rows, self.classes = self.classes[: len(input_ids)], self.classes[len(input_ids) :]
        return torch.nn.functional.one_hot(rows, 3).float() * self.classifier.weight.new_ones(1)


@pytest.mark.parametrize("num_votes", [1, 2, 3, 4, 5])
def test_the_majority_of_every_possible_vote_and_zero_for_a_tie(num_votes):
    patterns = list(product([-1, 0, 1], repeat=num_votes))
    votes = torch.tensor(patterns).T
    prm = ScriptedPRM(votes)
    rewards, all_votes = prm.majority_vote(
        torch.zeros(len(patterns), 2, dtype=torch.long), num_votes=num_votes
    )
    modes = [statistics.multimode(pattern) for pattern in patterns]
    assert rewards.tolist() == [mode[0] if len(mode) == 1 else 0 for mode in modes]
    assert_close(all_votes, votes.float())
    assert rewards.is_floating_point()


def test_voting_has_dropout_and_no_gradients_and_ends_in_eval_mode(make_prm):
    for training in (True, False):
        prm = ScriptedPRM(torch.zeros(5, 3, dtype=torch.long)).train(training)
        rewards, votes = prm.majority_vote(IDS, torch.ones_like(IDS))
        assert not prm.training
        assert not rewards.requires_grad
        assert not votes.requires_grad
        for was_training, gradients, mask in prm.seen:
            assert was_training
            assert not gradients
            assert mask is not None
    assert torch.is_grad_enabled()


def test_votes_of_one_row_differ_by_dropout_and_repeat_with_the_seed(make_prm):
    prm = make_prm(3)
    for module in prm.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    votes = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        votes.append(prm.majority_vote(IDS.repeat(5, 1), num_votes=9)[1])
    assert votes[0].shape == (9, 15)
    assert (votes[0] != votes[0][0]).any()
    assert_close(votes[0], votes[1])
    assert (votes[0] != votes[2]).any()


def test_padding_does_not_reach_the_votes_of_a_model_without_dropout(make_prm):
    prm = make_prm(4)
    for module in prm.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    padded = torch.cat([IDS, torch.full((3, 6), 256)], dim=1)
    mask = torch.cat([torch.ones_like(IDS), torch.zeros(3, 6, dtype=torch.long)], dim=1)
    rewards, votes = prm.majority_vote(padded, mask, num_votes=3)
    expected = (prm(IDS).argmax(dim=1) - 1).float()
    assert_close(rewards, expected)
    assert_close(votes, expected.expand(3, -1))


@pytest.mark.parametrize("num_votes", [0, -1])
def test_fewer_than_one_vote_is_an_error(make_prm, num_votes):
    with pytest.raises(ValueError, match=f"num_votes: expected 1 or more, got {num_votes}"):
        make_prm().majority_vote(IDS, num_votes=num_votes)


def test_the_prm_reads_response_then_feedback_padded_on_the_right(make_triple, tokenizer):
    batch = encode_feedback([make_triple("code", "No."), make_triple("c", "")], tokenizer)
    lengths = batch["attention_mask"].sum(dim=1).tolist()
    texts = [
        tokenizer.decode(row[:n])
        for row, n in zip(batch["input_ids"].tolist(), lengths, strict=True)
    ]
    assert texts == ["Assistant: code\n\nHuman: No.", "Assistant: c\n\nHuman: "]
    assert batch["input_ids"][1, lengths[1] :].eq(tokenizer.eos_token_id).all()
    assert batch["attention_mask"][1, : lengths[1]].all()


def test_long_responses_and_feedback_keep_their_start(make_triple, tokenizer):
    triples = [make_triple("r" * 500, "f" * 500)]
    batch = encode_feedback(triples, tokenizer, max_response=13, max_feedback=11)
    assert tokenizer.decode(batch["input_ids"][0].tolist()) == "Assistant: rr\n\nHuman: ff"
    longest = encode_feedback(triples, tokenizer)["input_ids"].shape[1]
    assert longest <= ProcessRewardModel(5, 4, 1).position_embedding.num_embeddings


def test_no_triples_to_encode_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="triples: expected at least one triple, got none"):
        encode_feedback([], tokenizer)


def test_training_separates_a_rare_class_from_a_common_one(make_prm, make_triple, tokenizer):
    prm = make_prm(5)
    kinds = {1: "yes", 0: "hm", -1: "no"}
    labels = [1] * 12 + [0] * 2 + [-1] * 3
    triples = [make_triple("r" * (i % 3), kinds[label]) for i, label in enumerate(labels)]
    losses = train_prm(prm, triples, labels, tokenizer, num_steps=100, batch_size=12, lr=3e-3)
    assert len(losses) == 100
    assert not prm.training
    assert predict_rewards(prm, triples, tokenizer, batch_size=5) == labels


def test_training_repeats_with_its_seed(make_prm, make_triple, tokenizer):
    triples, losses = [make_triple("a", "yes"), make_triple("a", "no")], []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        losses.append(
            train_prm(make_prm(6), triples, [1, -1], tokenizer, 3, batch_size=3, seed=seed)
        )
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


@pytest.mark.parametrize("labels", [[], [1, 0]])
def test_one_label_a_triple_is_needed(make_prm, make_triple, tokenizer, labels):
    with pytest.raises(
        ValueError, match=rf"labels: expected one a triple.*got {len(labels)} labels"
    ):
        train_prm(make_prm(), [make_triple("a")], labels, tokenizer)


def test_no_training_triples_is_an_error(make_prm, tokenizer):
    with pytest.raises(ValueError, match="at least one"):
        train_prm(make_prm(), [], [], tokenizer)


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@pytest.mark.parametrize("seed", range(5))
def test_balanced_accuracy_equals_that_of_scikit_learn(seed):
    generator = torch.Generator().manual_seed(seed)
    labels, predictions = (torch.randint(3, (2, 11), generator=generator) - 1).tolist()
    assert balanced_accuracy(labels, predictions) == pytest.approx(
        balanced_accuracy_score(labels, predictions), abs=1e-12
    )


def test_balanced_accuracy_of_always_saying_the_common_class_is_one_over_the_classes():
    assert balanced_accuracy([1] * 8 + [-1] * 2, [1] * 10) == 0.5
    assert balanced_accuracy([0, 0], [0, 1]) == 0.5


@pytest.mark.parametrize(("labels", "predictions"), [([], []), ([1], []), ([1], [1, 1])])
def test_balanced_accuracy_names_lists_that_do_not_match(labels, predictions):
    with pytest.raises(ValueError, match=f"predictions: expected {len(labels)}"):
        balanced_accuracy(labels, predictions)
