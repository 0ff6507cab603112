"""Section 4.1: what the reward model reads, how it votes, and how it learns."""

import random
import re
import statistics
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import balanced_accuracy_score
from torch.testing import assert_close

from nexa_helpers import process_reward
from nexa_helpers.feedback import keyword_labels
from nexa_helpers.process_reward import (
    ProcessRewardModel,
    encode_feedback,
    plot_confusions,
    predict_rewards,
    train_prm,
    without_keywords,
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


def test_words_speak_louder_than_positions_before_training():
    prm = ProcessRewardModel(500)
    assert prm.embedding.weight.std().item() == pytest.approx(0.1, rel=0.03)
    assert prm.position_embedding.weight.std().item() == pytest.approx(0.02, rel=0.03)


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
    assert longest == 32 + 64
    assert longest <= ProcessRewardModel(5, 4, 1).position_embedding.num_embeddings


def test_no_triples_to_encode_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="triples: expected at least one triple, got none"):
        encode_feedback([], tokenizer)


# Feedback without its keywords


QUIET = ["It is in my style.", "Ah:", "Why?", "My next step is to sort.", "I want notes."]
LOUD = ["Thanks!", "That is wrong.", "So, no:", "I can't use it.", "GREAT."]
A_KEYWORD = re.compile(r"(?i)\b(thanks|wrong|no|can't|great)\b")


def test_the_test_sentences_are_quiet_and_loud():
    labels = keyword_labels([{"response": "", "feedback": text} for text in QUIET + LOUD])
    assert labels == [0] * 5 + [1, -1, -1, -1, 1]


@pytest.mark.parametrize("seed", range(20))
def test_no_keyword_is_left_and_some_quiet_sentences_stay_in_order(seed):
    rng = random.Random(seed)
    sentences = rng.sample(LOUD + QUIET[:2], 4) + QUIET[2:]
    rng.shuffle(sentences)
    kept = without_keywords(rng, " ".join(sentences))
    assert not A_KEYWORD.search(kept)
    left = [sentence for sentence in sentences if sentence in QUIET and sentence in kept]
    assert left
    assert kept == " ".join(left)


@pytest.mark.parametrize("mark", ".:?!")
def test_a_sentence_ends_at_its_mark(mark):
    assert without_keywords(random.Random(0), f"Ah{mark} No.") == f"Ah{mark}"
    assert without_keywords(random.Random(0), f"No{mark} Ah.") == "Ah."
    assert (
        without_keywords(random.Random(0), "Ah, no. Yes, 3.5 it is; so.")
        == "Ah, no. Yes, 3.5 it is; so."
    )


def test_about_half_of_the_quiet_sentences_are_dropped():
    rng = random.Random(0)
    texts = [without_keywords(rng, " ".join(["Thanks!", *QUIET])) for _ in range(1000)]
    for sentence in QUIET:
        found = sum(sentence in text for text in texts)
        # 1/2, and a little more: where all five are dropped (1/32), all stay.
        assert stats.binomtest(found, 1000, 0.5 + 1 / 32).pvalue > 0.001


@pytest.mark.parametrize("text", ["Thanks!", "No. Thanks! It is wrong.", "no", ""])
def test_a_feedback_without_a_quiet_sentence_stays_as_it_is(text):
    assert without_keywords(random.Random(0), text) == text


class ConstantPRM(torch.nn.Module):
    """Reads nothing; it is fast."""

    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(3))

    def forward(self, input_ids, attention_mask):
        return self.bias.expand(len(input_ids), 3)


@pytest.fixture
def read_texts(monkeypatch):
    """Record the triples that the PRM is trained on."""
    seen = []
    real = process_reward.encode_feedback
    monkeypatch.setattr(
        process_reward, "encode_feedback", lambda t, *a, **k: seen.extend(t) or real(t, *a, **k)
    )
    return seen


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 0), (1.0, 2000), (None, 1700)])
def test_keywords_are_hidden_as_often_as_was_asked(
    read_texts, make_triple, tokenizer, probability, expected
):
    triples = [make_triple(f"r{i}", f"Thanks! {text}") for i, text in enumerate(QUIET)]
    options = {} if probability is None else {"hide_probability": probability}
    train_prm(ConstantPRM(), triples, [1] * 5, tokenizer, 20, batch_size=100, **options)
    hidden = [triple for triple in read_texts if "Thanks" not in triple["feedback"]]
    assert len(read_texts) == 2000
    assert len(hidden) == pytest.approx(expected, abs=64 * (probability is None))  # four errors
    # What is left of a feedback still stands with its own response.
    originals = {triple["response"]: triple["feedback"] for triple in triples}
    assert all(
        triple["feedback"] in (originals[triple["response"]], originals[triple["response"]][8:])
        for triple in read_texts
    )


@pytest.mark.parametrize("labels", [[0] * 20 + [-1] * 4 + [1] * 10, [-1, 1, 1, 1, 1], [0, -1]])
def test_opinions_are_drawn_three_times_as_often_as_none(
    read_texts, make_triple, tokenizer, labels
):
    triples = [make_triple(str(label), f"x{i}") for i, label in enumerate(labels)]
    train_prm(ConstantPRM(), triples, labels, tokenizer, 40, batch_size=50)
    kinds = sorted(set(labels))
    weights = np.array([1 if kind == 0 else 3 for kind in kinds])
    found = [sum(t["response"] == str(kind) for t in read_texts) for kind in kinds]
    assert sum(found) == 2000
    assert stats.chisquare(found, 2000 * weights / weights.sum()).pvalue > 0.001
    assert {t["feedback"] for t in read_texts} == {t["feedback"] for t in triples}


def test_the_prm_judges_new_sentences_that_hold_no_keyword(make_prm, tokenizer):
    def world(openers, things):
        tails = {1: "I use the {}.", -1: "Add a {}."}
        return [
            (truth, {"response": "", "feedback": f"{opener} {tails[truth].format(x)}".strip()})
            for truth in (1, -1)
            for opener in openers[truth]
            for x in things
        ]

    openers = {1: ["Thanks.", "Great.", "Yes."], -1: ["No.", "Wrong.", "Bad."]}
    _, training = zip(*world(openers, ["list", "loop", "name", "file"]), strict=True)
    truth, new = zip(*world({1: [""], -1: [""]}, ["hash", "tree", "queue"]), strict=True)
    prm = make_prm(1)
    train_prm(prm, training, keyword_labels(training), tokenizer, 40, batch_size=16, lr=5e-3)
    assert balanced_accuracy_score(truth, predict_rewards(prm, new, tokenizer)) == 1.0
    assert keyword_labels(new) == [0] * 6  # the labels that it has learned from are blind here


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
def test_one_label_per_triple_is_needed(make_prm, make_triple, tokenizer, labels):
    with pytest.raises(
        ValueError, match=rf"labels: expected one per triple.*got {len(labels)} labels"
    ):
        train_prm(make_prm(), [make_triple("a")], labels, tokenizer)


def test_no_training_triples_is_an_error(make_prm, tokenizer):
    with pytest.raises(ValueError, match="at least one"):
        train_prm(make_prm(), [], [], tokenizer)


def test_the_confusion_plot_shows_the_counts_and_names_both_sides():
    counts = np.array([[30, 1, 2], [3, 4, 5], [0, 0, 0]])  # a class without a row
    rows = [(x - 1, y - 1) for (x, y), count in np.ndenumerate(counts) for _ in range(count)]
    labels, predictions = map(list, zip(*rows, strict=True))
    figure = plot_confusions(
        {
            "PRM against truth": (labels, predictions),
            "keywords against truth": (predictions, labels),
        }
    )
    first, second = figure.axes
    assert (first.get_xlabel(), first.get_ylabel()) == ("PRM", "truth")
    assert (second.get_xlabel(), second.get_ylabel()) == ("keywords", "truth")
    assert first.get_title() == "PRM against truth"
    for axis, matrix in ((first, counts), (second, counts.T)):
        texts = {text.get_position(): text.get_text() for text in axis.texts}
        assert texts == {(x, y): str(matrix[y, x]) for x in range(3) for y in range(3)}
        for ticks in (axis.get_xticklabels(), axis.get_yticklabels()):
            assert [tick.get_text() for tick in ticks] == ["−1", "0", "+1"]
        shades = np.asarray(axis.images[0].get_array())
        rows = matrix.sum(axis=1)
        assert shades.sum(axis=1) == pytest.approx(np.where(rows > 0, 1, 0))
        assert shades[0, 0] == pytest.approx(matrix[0, 0] / rows[0])
    plt.close(figure)
