"""The policy and its batches: causal, blind to padding, aware of order, equal when sampling."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from trl.trainer.utils import selective_log_softmax

from nexa_helpers.conversations import parse_conversation
from nexa_helpers.data import train_tokenizer
from nexa_helpers.developers import simulate_conversations
from nexa_helpers.policy import (
    IGNORED,
    SimplePolicy,
    encode_conversations,
    encode_examples,
    pad_conversations,
    response_log_probs,
    response_mask,
    rotate,
    sample_responses,
)
from nexa_helpers.training import encode_rollouts

IDS = torch.tensor([[72, 105, 33, 32, 10, 65], [1, 2, 3, 4, 5, 6]])
EXACT = {"rtol": 1e-10, "atol": 1e-10}
REL = {"rel": 1e-10, "abs": 1e-10}


def test_a_later_token_never_moves_an_earlier_logit(make_policy):
    policy = make_policy(1)
    before = policy(IDS)
    for column in range(6):
        changed = IDS.clone()
        changed[:, column] = 200
        after = policy(changed)
        assert_close(after[:, :column], before[:, :column], rtol=0, atol=0)
        assert not torch.allclose(after[:, column:], before[:, column:])


def test_the_gradient_of_a_logit_stops_at_its_own_token(make_policy):
    policy = make_policy(1)
    embedded = []
    policy.embedding.register_forward_hook(lambda *call: embedded.append(call[-1]))
    policy(IDS)[:, 2].sum().backward(inputs=embedded)
    moved = embedded[0].grad.abs().sum(dim=(0, 2))
    assert moved[:3].gt(0).all()
    assert moved[3:].eq(0).all()


@pytest.mark.parametrize("left", [0, 3])
@pytest.mark.parametrize("right", [0, 2])
@pytest.mark.parametrize("padding", [0, 256])
def test_padding_on_either_side_changes_no_logit(make_policy, left, right, padding):
    policy = make_policy(2)
    padded = torch.full((2, left + 6 + right), padding)
    padded[:, left : left + 6] = IDS
    mask = torch.zeros_like(padded)
    mask[:, left : left + 6] = 1
    logits = policy(padded, mask)
    assert logits.isfinite().all()
    assert_close(logits[:, left : left + 6], policy(IDS), **EXACT)


def test_the_mask_may_hold_floats_or_booleans(make_policy):
    policy = make_policy(2)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]])
    assert_close(policy(IDS, mask.float()), policy(IDS, mask), rtol=0, atol=0)
    assert_close(policy(IDS, mask.bool()), policy(IDS, mask), rtol=0, atol=0)


def test_a_row_of_padding_alone_is_finite(make_policy):
    assert make_policy(2)(IDS, torch.zeros_like(IDS)).isfinite().all()


def test_the_order_of_earlier_tokens_counts(make_policy):
    policy = make_policy(3)
    swapped = IDS[:, [1, 0, 2, 3, 4, 5]]
    assert (policy(swapped)[:, 5] - policy(IDS)[:, 5]).abs().max() > 1e-3


def random_numbers(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_rotate_turns_pairs_of_numbers_as_complex_numbers_do():
    x, angles = random_numbers(1, 2, 3, 5, 8), random_numbers(2, 2, 1, 5, 4)
    turned = torch.complex(x[..., :4], x[..., 4:]) * torch.exp(1j * angles)
    assert_close(rotate(x, angles), torch.cat([turned.real, turned.imag], dim=-1), **EXACT)


@pytest.mark.filterwarnings("default")  # what the import warns about is not ours
def test_rotate_equals_that_of_llama():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    query, key, angles = (random_numbers(i, 2, 1, 5, 8) for i in (1, 2, 3))
    angles = angles[..., :4]
    both_halves = torch.cat([angles, angles], dim=-1)[:, 0]
    expected = apply_rotary_pos_emb(query, key, both_halves.cos(), both_halves.sin())
    assert_close(rotate(query, angles), expected[0], **EXACT)
    assert_close(rotate(key, angles), expected[1], **EXACT)


def test_rotate_keeps_lengths_and_changes_nothing_at_position_0():
    x, angles = random_numbers(3, 2, 3, 5, 8), random_numbers(4, 2, 1, 5, 4)
    assert_close(rotate(x, angles).norm(dim=-1), x.norm(dim=-1), **EXACT)
    assert_close(rotate(x, 0 * angles), x, rtol=0, atol=0)


def test_a_product_of_query_and_key_depends_on_their_distance_alone():
    query, key = random_numbers(5, 1, 1, 1, 8), random_numbers(6, 1, 1, 1, 8)
    frequencies = torch.tensor([1.0, 0.3, 0.1, 0.02], dtype=torch.float64)

    def product(query_position, key_position):
        turned_key = rotate(key, key_position * frequencies)
        return (rotate(query, query_position * frequencies) * turned_key).sum().item()

    assert product(9, 4) == pytest.approx(product(5, 0), rel=1e-10)
    assert product(309, 304) == pytest.approx(product(5, 0), rel=1e-10)
    assert abs(product(9, 4) - product(9, 5)) > 1e-2
    assert abs(product(9, 4) - product(4, 9)) > 1e-2  # before is not after


def test_a_block_sees_distances_and_not_places(make_policy):
    policy = make_policy(3)
    block, x = policy.blocks[0], random_numbers(7, 1, 6, 16)
    visible = torch.ones(6, 6, dtype=torch.bool).tril()[None, None]
    positions = torch.arange(6)[None, None, :, None]
    found, _ = block(x, visible, positions * policy.frequencies)
    shifted, _ = block(x, visible, (positions + 100) * policy.frequencies)
    apart, _ = block(x, visible, 2 * positions * policy.frequencies)
    assert_close(shifted, found, **EXACT)
    assert (apart - found)[:, 1:].abs().amax(dim=-1).min() > 1e-3


def test_the_angles_are_the_number_of_real_tokens_before_times_the_frequencies(make_policy):
    policy, seen = make_policy(3), []
    policy.blocks[1].register_forward_pre_hook(lambda block, inputs: seen.append(inputs[2]))
    policy(IDS, torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 0]]))
    frequencies = 1000.0 ** (-np.arange(4) / 4)  # 16 numbers, two heads: four pairs each
    found = seen[0][:, 0].numpy()
    assert found[0, 2:] == pytest.approx(np.outer([0, 1, 2, 3], frequencies), rel=1e-6)
    assert found[1, :5] == pytest.approx(np.outer([0, 1, 2, 3, 4], frequencies), rel=1e-6)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_reading_in_parts_with_a_cache_equals_reading_at_once(make_policy, step):
    policy, cache, parts = make_policy(4), [], []
    ids = torch.cat([IDS, IDS.flip(1)], dim=1)
    mask = torch.ones_like(ids)
    mask[0, :3] = 0  # padding on the left, as in sampling
    for end in range(step, 13, step):
        part = policy.features(ids[:, end - step : end], mask[:, :end], cache)
        parts.append(policy.head(part).log_softmax(dim=-1))
    log_probs = torch.cat(parts, dim=1)
    real = mask.bool()
    assert_close(log_probs[real], policy(ids, mask).log_softmax(dim=-1)[real], **EXACT)
    assert len(cache) == len(policy.blocks)


def test_train_mode_changes_nothing(make_policy):
    policy = make_policy(3)
    expected = policy(IDS)
    assert_close(policy.train()(IDS), expected, rtol=0, atol=0)


def test_the_policy_has_at_least_640_positions_and_names_an_input_that_is_too_long(make_policy):
    assert SimplePolicy(5, 4, 1).max_positions >= 640
    policy = make_policy(4, max_positions=5)
    with pytest.raises(ValueError, match="input_ids: expected at most 5 positions, got 6"):
        policy(IDS)
    cache = []
    policy.features(IDS[:, :5], cache=cache)
    with pytest.raises(ValueError, match="expected at most 5 positions, got 6"):
        policy.features(IDS[:, 5:], torch.ones(2, 6), cache)


def test_get_log_probs_equals_trl_without_a_shift(make_policy):
    policy = make_policy(5)
    targets = torch.randint(257, IDS.shape, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    expected = selective_log_softmax(policy(IDS, mask), targets)
    assert_close(policy.get_log_probs(IDS, targets, mask), expected, **EXACT)


TRIPLES = [
    {"context": [{"role": "user", "content": "Hi"}], "response": "Hello there"},
    {"context": [], "response": "x"},
    {
        "context": [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "Two\n\nplease"},
        ],
        "response": "",
    },
]


def test_response_log_probs_equal_log_softmax_and_gather_over_the_vocabulary(
    make_policy, tokenizer
):
    policy = make_policy(6)
    log_probs = response_log_probs(policy, encode_examples(TRIPLES, tokenizer))
    for row, triple in enumerate(TRIPLES):  # one row at a time, without padding
        turns = triple["context"]
        names = {"user": "Human", "assistant": "Assistant"}
        text = "".join(f"\n\n{names[turn['role']]}: {turn['content']}" for turn in turns)
        context = tokenizer.encode(text + "\n\nAssistant:")
        response = [*tokenizer.encode(" " + triple["response"]), tokenizer.eos_token_id]
        everything = policy(torch.tensor([context + response])).log_softmax(dim=-1)[0]
        expected = everything[len(context) - 1 : -1].gather(1, torch.tensor(response)[:, None])
        assert_close(log_probs[row, : len(response)], expected[:, 0], **EXACT)
        assert log_probs[row, len(response) :].eq(0).all()


def test_gradients_through_response_log_probs_equal_those_of_the_full_vocabulary(
    make_policy, tokenizer
):
    policy = make_policy(6)
    batch = encode_examples(TRIPLES, tokenizer)
    weights = torch.randn(batch["response_ids"].shape, dtype=torch.float64)
    time = weights.shape[1]
    full = policy.get_log_probs(
        batch["input_ids"][:, :-1], batch["input_ids"][:, 1:], batch["attention_mask"][:, :-1]
    )[:, -time:]
    mask = response_mask(batch["response_lengths"], time)
    expected = torch.autograd.grad((full * mask * weights).sum(), policy.parameters())
    ours = (response_log_probs(policy, batch) * weights).sum()
    assert_close(torch.autograd.grad(ours, policy.parameters()), expected, **EXACT)


def test_every_response_starts_in_the_same_column(tokenizer):
    batch = encode_examples(TRIPLES, tokenizer)
    time = batch["response_ids"].shape[1]
    assert batch["response_lengths"].tolist() == [13, 3, 2]  # a space and an end-of-text token
    assert_close(batch["input_ids"][:, -time:], batch["response_ids"])
    real = batch["attention_mask"].bool()
    for row, length in enumerate([13, 3, 2]):
        assert real[row, -time : real.shape[1] - time + length].all()
        assert not real[row, real.shape[1] - time + length :].any()
        start = real.shape[1] - time - int(real[row, :-time].sum())
        assert real[row, start:-time].all()  # the context touches the response
        assert not real[row, :start].any()
    assert batch["input_ids"][~real].eq(tokenizer.eos_token_id).all()


def test_contexts_keep_their_end_and_responses_their_start(tokenizer):
    triples = [{"context": [{"role": "user", "content": "abc" * 20}], "response": "xyz" * 20}]
    batch = encode_examples(triples, tokenizer, max_context=14, max_response=4)
    assert tokenizer.decode(batch["input_ids"][0].tolist()) == "bc\n\nAssistant: xyz"
    assert tokenizer.eos_token_id not in batch["response_ids"]
    assert batch["response_lengths"].tolist() == [4]


def test_no_triples_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="triples: expected at least one triple, got none"):
        encode_examples([], tokenizer)


# Whole conversations


def turns_of(roles):
    """Make turns of different lengths: "u" stands for the developer, "a" for the assistant."""
    names = {"u": "user", "a": "assistant"}
    return [
        {"role": names[role], "content": f"{role}{i} " * i + "x"} for i, role in enumerate(roles)
    ]


CONVERSATIONS = ["ua", "uaua", "uaau", "a", "aua", "uua", "aa"]


@pytest.mark.parametrize("roles", CONVERSATIONS)
def test_a_conversation_scores_what_its_examples_score(make_policy, tokenizer, roles):
    policy, turns = make_policy(6), turns_of(roles)
    examples = [
        {"context": turns[:i], "response": turn["content"]}
        for i, turn in enumerate(turns)
        if turn["role"] == "assistant"
    ]
    ((ids, targets),) = encode_conversations([turns], tokenizer)
    assert len(ids) == len(targets)
    logits = policy(torch.tensor([ids]))[0]
    found = torch.nn.functional.cross_entropy(
        logits, torch.tensor(targets), ignore_index=IGNORED, reduction="sum"
    )
    expected = -response_log_probs(policy, encode_examples(examples, tokenizer)).sum()
    assert_close(found, expected, **EXACT)


def test_the_targets_are_the_responses_and_their_ends_and_nothing_else(tokenizer):
    text = "\n\nHuman: Hi\n\nAssistant: one\n\nHuman: Yo\n\nAssistant: two"
    ((ids, targets),) = encode_conversations([parse_conversation(text)], tokenizer)
    assert tokenizer.decode(ids) == text
    end = tokenizer.eos_token_id
    scored = [target for target in targets if target != IGNORED]
    assert scored == [*tokenizer.encode(" one"), end, *tokenizer.encode(" two"), end]
    followers = zip(targets, ids[1:], strict=False)
    assert all(target in (IGNORED, end, token) for target, token in followers)


def test_a_conversation_keeps_its_start(tokenizer):
    turns = turns_of("uaua")
    ((ids, targets),) = encode_conversations([turns], tokenizer)
    ((short_ids, short_targets),) = encode_conversations([turns], tokenizer, max_tokens=25)
    assert len(ids) > 25
    assert (short_ids, short_targets) == (ids[:25], targets[:25])
    ((longest, _),) = encode_conversations([turns_of("u" * 99)], tokenizer)
    assert len(longest) == 384 <= SimplePolicy(5, 4, 1).max_positions


def test_several_conversations_are_encoded_one_by_one(tokenizer):
    conversations = [turns_of(roles) for roles in [*CONVERSATIONS, "", "u"]]
    singly = [encode_conversations([turns], tokenizer)[0] for turns in conversations]
    assert encode_conversations(conversations, tokenizer) == singly
    assert singly[-2] == ([], [])
    assert set(singly[-1][1]) == {IGNORED}
    assert encode_conversations([], tokenizer) == []


def check_that_turns_are_read_as_the_whole_text_is(rows):
    tokenizer = train_tokenizer([row["chosen"] for row in rows])
    conversations = [parse_conversation(row["chosen"]) for row in rows]
    names = {"user": "Human", "assistant": "Assistant"}
    differing = 0
    for turns, (ids, _) in zip(
        conversations, encode_conversations(conversations, tokenizer, 10**9), strict=True
    ):
        text = "".join(f"\n\n{names[turn['role']]}: {turn['content']}" for turn in turns)
        differing += tokenizer(text)["input_ids"] != ids
    assert differing == 0


def test_simulated_turns_are_read_as_the_whole_text_is():
    check_that_turns_are_read_as_the_whole_text_is(simulate_conversations(50, seed=1))


def test_real_turns_are_read_as_the_whole_text_is(hh_rows):
    check_that_turns_are_read_as_the_whole_text_is(hh_rows[:300])


def test_padding_conversations_changes_no_logit_and_no_target(make_policy, tokenizer):
    policy = make_policy(6)
    encoded = encode_conversations([turns_of(roles) for roles in CONVERSATIONS], tokenizer)
    batch = pad_conversations(encoded, tokenizer)
    assert {name: tensor.shape for name, tensor in batch.items()} == dict.fromkeys(
        ["input_ids", "attention_mask", "target_ids"], (7, max(len(ids) for ids, _ in encoded))
    )
    logits = policy(batch["input_ids"], batch["attention_mask"])
    for row, (ids, targets) in enumerate(encoded):
        assert_close(logits[row, : len(ids)], policy(torch.tensor([ids]))[0], **EXACT)
        assert batch["target_ids"][row, : len(ids)].tolist() == targets
        assert batch["target_ids"][row, len(ids) :].eq(IGNORED).all()
        assert batch["input_ids"][row, len(ids) :].eq(tokenizer.eos_token_id).all()


# Sampling


CONTEXTS = [[{"role": "user", "content": text}] for text in ("Hi", "A longer request", "Yo")]


def test_sampled_log_probs_equal_those_of_a_full_pass_over_the_same_tokens(make_policy, tokenizer):
    policy = make_policy(7)
    policy.head.bias.data[tokenizer.eos_token_id] += 2.0  # so that rows end at different times
    samples = sample_responses(policy, CONTEXTS, tokenizer, max_new_tokens=12)
    records = [
        {
            "context": context,
            "response": sample["response"],
            "response_ids": sample["response_ids"],
            "log_probs_old": sample["log_probs"],
        }
        for context, sample in zip(CONTEXTS, samples, strict=True)
    ]
    assert len({len(sample["response_ids"]) for sample in samples}) > 1
    batch, log_probs_old = encode_rollouts(records, tokenizer)
    assert batch["response_lengths"].tolist() == [len(s["response_ids"]) for s in samples]
    for sample, row in zip(samples, response_log_probs(policy, batch), strict=True):
        assert sample["log_probs"] == pytest.approx(row[: len(sample["log_probs"])].tolist(), **REL)
    # encode_rollouts keeps float32
    assert_close(response_log_probs(policy, batch).float(), log_probs_old, rtol=1e-5, atol=1e-6)


# "a" has the logit log 3, "b" has 0: probabilities 3/4 and 1/4. At temperature 1/2 the logits
# double, so they are 9/10 and 1/10; at 2 they halve: sqrt(3) / (sqrt(3) + 1) is 0.634.
@pytest.mark.parametrize(("temperature", "share"), [(1.0, 0.75), (0.5, 0.9), (2.0, 0.634)])
def test_sampling_follows_the_probabilities(unigram_policy, tokenizer, temperature, share):
    policy = unigram_policy({"a": math.log(3), "b": 0.0}, elsewhere=-50.0)  # and no end
    samples = sample_responses(
        policy, CONTEXTS * 20, tokenizer, max_new_tokens=20, temperature=temperature
    )
    tokens = [token for sample in samples for token in sample["response_ids"]]
    assert len(tokens) == 1200
    assert set(tokens) == {ord("a"), ord("b")}
    assert abs(tokens.count(ord("a")) / 1200 - share) < 0.056  # four standard errors, or more
    assert samples[0]["log_probs"][0] == pytest.approx(
        math.log({ord("a"): share, ord("b"): 1 - share}[tokens[0]]), abs=2e-4
    )


def test_a_response_ends_with_its_first_end_of_text_token(unigram_policy, tokenizer):
    policy = unigram_policy({"a": 1.0, tokenizer.eos_token_id: 1.0}, elsewhere=-50.0)
    for sample in sample_responses(policy, CONTEXTS * 5, tokenizer, max_new_tokens=8):
        ids = sample["response_ids"]
        assert tokenizer.eos_token_id not in ids[:-1]
        assert ids[-1] == tokenizer.eos_token_id or len(ids) == 8
        assert len(ids) == len(sample["log_probs"])
        assert sample["response"] == "a" * ids.count(ord("a"))


def test_the_same_seed_samples_the_same_responses(make_policy, tokenizer):
    policy = make_policy(8)
    samples = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        samples.append(sample_responses(policy, CONTEXTS, tokenizer, max_new_tokens=5))
    assert samples[0] == samples[1]
    assert samples[0] != samples[2]


def test_a_prompt_that_is_too_long_to_sample_from_keeps_its_end(make_policy, tokenizer):
    policy = make_policy(8, max_positions=40)
    seen = []
    policy.embedding.register_forward_pre_hook(lambda module, ids: seen.append(ids[0]))
    contexts = [[{"role": "user", "content": "x" * 100}]]
    sample_responses(policy, contexts, tokenizer, max_new_tokens=10)
    assert seen[0].shape == (1, 30)
    assert tokenizer.decode(seen[0][0].tolist()).endswith("xx\n\nAssistant:")


def test_a_context_keeps_the_tokens_that_training_reads_and_the_prefix_is_never_cut(
    make_policy, tokenizer
):
    policy = make_policy(8)
    seen = []
    policy.embedding.register_forward_pre_hook(lambda module, ids: seen.append(ids[0]))
    contexts = [[{"role": "user", "content": "x" * 300}]]
    sample_responses(policy, contexts, tokenizer, max_new_tokens=1, prefix="wishes")
    batch = encode_examples([{"context": contexts[0], "response": "a"}], tokenizer)
    assert tokenizer.decode(seen[0][0][:6].tolist()) == "wishes"
    assert seen[0][0][6:].tolist() == batch["input_ids"][0, :256].tolist()


def test_lengths_that_differ_change_neither_log_probs_nor_gradients(make_policy):
    # The plain way: the whole padded batch, every position, then the columns of the responses.
    policy = make_policy(2).double()
    generator = torch.Generator().manual_seed(0)
    left, lengths = torch.tensor([9, 1, 4, 12, 2, 7]), torch.tensor([3, 5, 1, 2, 0, 4])
    columns = torch.arange(17)
    real = (columns >= 12 - left.unsqueeze(1)) & (columns < 12 + lengths.unsqueeze(1))
    ids = torch.randint(1, 256, real.shape, generator=generator)
    batch = {
        "input_ids": ids, "attention_mask": real.long(), "response_ids": ids[:, 12:],
        "response_lengths": lengths,
    }  # fmt: skip
    logits = policy(ids, batch["attention_mask"])[:, 11:-1]
    plain = selective_log_softmax(logits, ids[:, 12:]) * response_mask(lengths, 5)
    weights = torch.randn(plain.shape, generator=generator, dtype=torch.double)
    parameters = list(policy.parameters())
    expected = torch.autograd.grad((plain * weights).sum(), parameters)
    found = response_log_probs(policy, batch)
    assert_close(found, plain, **EXACT)
    moved = torch.autograd.grad((found * weights).sum(), parameters)
    for mine, other in zip(moved, expected, strict=True):
        assert_close(mine, other, **EXACT)
