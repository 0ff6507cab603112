"""Chat batches and log-probs in chunks, against transformers' own template and scores."""

import pytest
import torch
import torch.nn.functional as F

from nexa_helpers import chat
from nexa_helpers.adapter_training import new_adapter
from nexa_helpers.chat import (
    chunked_log_probs,
    chunked_reverse_kl,
    encode_chat,
    reference_log_probs,
    response_states,
    sample_answers,
)
from nexa_helpers.model_sources import make_tiny_model, make_tiny_tokenizer


@pytest.fixture
def tokenizer():
    return make_tiny_tokenizer()


@pytest.fixture
def model(tokenizer):
    return make_tiny_model(len(tokenizer), seed=1)


def turns(request, response=None):
    told = [{"role": "user", "content": request}]
    return told + ([] if response is None else [{"role": "assistant", "content": response}])


CHATS = [turns("Hi", "def f(x): return x"), turns("Write a sorting function, please.", "no")]


def plain_log_probs(model, batch):
    """The plain way, one row at a time and without padding: all logits at once."""
    rows = []
    for ids, seen, mask in zip(
        batch["input_ids"], batch["attention_mask"].bool(), batch["response_mask"], strict=True
    ):
        logits = model(ids[seen][None]).logits[0, :-1]
        scores = F.log_softmax(logits, dim=-1).gather(1, ids[seen][1:, None])[:, 0]
        rows.append(scores[-int(mask.sum()) :])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def test_the_whole_conversation_is_the_templates(tokenizer):
    """Up to the end token; the line feed behind it is the template's, not the model's."""
    batch = encode_chat(CHATS, tokenizer)
    for row, conversation in enumerate(CHATS):
        seen = batch["input_ids"][row][batch["attention_mask"][row].bool()]
        text = tokenizer.apply_chat_template(conversation, tokenize=False)
        assert tokenizer.decode(seen) + "\n" == text


def test_prompts_end_and_responses_start_in_the_same_column(tokenizer):
    batch = encode_chat(CHATS, tokenizer)
    start = batch["prompt_width"]
    for row, conversation in enumerate(CHATS):
        response = [*tokenizer.encode(conversation[-1]["content"]), tokenizer.eos_token_id]
        mask = batch["response_mask"][row]
        assert mask.nonzero()[:, 0].tolist() == list(range(start, start + len(response)))
        assert batch["input_ids"][row][mask].tolist() == response
        assert batch["attention_mask"][row, start - 1] == 1
    assert batch["attention_mask"][0, 0] == 0, "the shorter prompt is padded on the left"
    assert batch["attention_mask"][1, -1] == 0, "the shorter response is padded on the right"


def test_a_prompt_without_a_response_has_none(tokenizer):
    batch = encode_chat([turns("Hi"), turns("Hello there")], tokenizer)
    assert batch["input_ids"].shape[1] == batch["prompt_width"]
    assert not batch["response_mask"].any()


def test_a_long_response_is_cut_and_has_no_end_token(tokenizer):
    batch = encode_chat([turns("Hi", "x" * 50)], tokenizer, max_response_tokens=10)
    assert batch["response_mask"].sum() == 10
    assert batch["input_ids"][0, -1] != tokenizer.eos_token_id


@pytest.mark.parametrize(
    ("conversation", "says"),
    [
        ("Hi", "expected a list of turns, got 'Hi'"),
        ([], "got []"),
        (turns("x" * 900), "at most 512"),
    ],
)
def test_what_is_no_conversation(tokenizer, conversation, says):
    with pytest.raises(ValueError, match="expected") as error:
        encode_chat([conversation], tokenizer)
    assert says in str(error.value)


@pytest.mark.parametrize("chunk", [1, 3, 256])
def test_log_probs_and_gradients_equal_the_plain_way(model, tokenizer, chunk):
    batch = encode_chat(CHATS, tokenizer)
    model.requires_grad_(True)
    results = []
    for score in (plain_log_probs, lambda *x: chunked_log_probs(*x, chunk_tokens=chunk)):
        model.zero_grad()
        log_probs = score(model, batch)
        (log_probs * torch.linspace(-1, 1, log_probs.shape[1])).sum().backward()
        results.append((log_probs.detach(), [w.grad.clone() for w in model.parameters()]))
    (plain, gradients), (ours, our_gradients) = results
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)
    for one, other in zip(our_gradients, gradients, strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)


def test_log_probs_equal_the_scores_of_generate(model, tokenizer):
    """Oracle: what transformers' ``generate`` says that it sampled from."""
    prompts = encode_chat([turns("Hi"), turns("Write a sorting function.")], tokenizer)
    written = model.generate(
        input_ids=prompts["input_ids"], attention_mask=prompts["attention_mask"],
        max_new_tokens=7, do_sample=True, top_k=0, output_scores=True, eos_token_id=None,
        return_dict_in_generate=True, pad_token_id=2,
    )  # fmt: skip
    new = written.sequences[:, prompts["prompt_width"] :]
    scores = torch.log_softmax(torch.stack(written.scores, dim=1), dim=-1)
    expected = scores.gather(2, new[..., None])[..., 0]
    all_real = torch.ones_like(new)
    batch = {
        "input_ids": written.sequences,
        "attention_mask": torch.cat([prompts["attention_mask"], all_real], dim=1),
        "response_mask": torch.cat([prompts["response_mask"], all_real.bool()], dim=1),
        "prompt_width": prompts["prompt_width"],
    }
    torch.testing.assert_close(chunked_log_probs(model, batch), expected, atol=1e-4, rtol=1e-4)


def test_no_tensor_of_logits_is_larger_than_a_chunk(model, tokenizer):
    batch = encode_chat([turns("Hi", "a b c d e f g h")] * 8, tokenizer)
    sizes = []
    model.lm_head.register_forward_hook(lambda *x: sizes.append(x[2].shape))
    chunked_log_probs(model, batch, chunk_tokens=10)
    tokens = int(batch["response_mask"].sum())
    assert sum(shape[0] for shape in sizes) == tokens
    assert max(shape[0] for shape in sizes) == 10


def test_a_batch_without_a_response_or_too_wide_is_an_error(model, tokenizer):
    with pytest.raises(ValueError, match="at least one response token, got none"):
        response_states(model, encode_chat([turns("Hi")], tokenizer))
    wide = encode_chat([turns("Hi", "x" * 600)], tokenizer, max_response_tokens=600)
    with pytest.raises(ValueError, match=r"expected at most 512 columns, got \d+"):
        response_states(model, wide)


@pytest.fixture
def adapted(model):
    adapted = new_adapter(model)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.3)
    return adapted


def test_the_reference_is_the_base(adapted, tokenizer):
    batch = encode_chat(CHATS, tokenizer)
    base = make_tiny_model(len(tokenizer), seed=1)
    found = reference_log_probs(adapted, batch)
    torch.testing.assert_close(found, plain_log_probs(base, batch), atol=1e-5, rtol=1e-5)
    assert not found.requires_grad
    assert (chunked_log_probs(adapted, batch) - found).abs().max() > 0.01


@pytest.mark.parametrize("training", [True, False])
def test_the_adapter_is_on_again_also_after_an_error(adapted, tokenizer, monkeypatch, training):
    batch = encode_chat(CHATS, tokenizer)
    adapted.train(training)
    before = chunked_log_probs(adapted.eval(), batch).detach()
    adapted.train(training)

    def fail(*arguments):
        raise MemoryError("too large")

    with monkeypatch.context() as patch:
        patch.setattr(chat, "chunked_log_probs", fail)
        with pytest.raises(MemoryError, match="too large"):
            reference_log_probs(adapted, batch)
    assert adapted.training is training
    torch.testing.assert_close(chunked_log_probs(adapted.eval(), batch), before)


def test_reverse_kl_equals_torchs_own(adapted, tokenizer):
    batch = encode_chat(CHATS, tokenizer)
    with torch.no_grad(), adapted.disable_adapter():
        teacher, _ = response_states(adapted, batch)
        old = torch.log_softmax(adapted.lm_head(teacher), dim=-1)
    kl, log_probs = chunked_reverse_kl(adapted, batch, teacher, chunk_tokens=4)
    new = torch.log_softmax(adapted.lm_head(response_states(adapted, batch)[0]), dim=-1)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=new), torch.distributions.Categorical(logits=old)
    )
    torch.testing.assert_close(kl, expected, atol=1e-5, rtol=1e-4)
    flat = chunked_log_probs(adapted, batch)
    mask = batch["response_mask"][:, batch["prompt_width"] :]
    torch.testing.assert_close(log_probs, flat[mask], atol=1e-5, rtol=1e-5)


def test_sampled_tokens_are_scored_as_they_were_sampled(model, tokenizer):
    prompts = encode_chat([turns("Hi"), turns("Write a sorting function.")], tokenizer)
    batch, texts = sample_answers(model, tokenizer, prompts, max_tokens=5, temperature=1.0)
    assert batch["response_mask"].shape == batch["input_ids"].shape
    for row, text in enumerate(texts):
        ids = batch["input_ids"][row][batch["response_mask"][row]]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
        assert (ids[:-1] != tokenizer.eos_token_id).all()
    assert not chunked_log_probs(model, batch).isnan().any()


def test_what_follows_the_end_token_is_padding(tokenizer):
    prompts = encode_chat([turns("Hi")] * 2, tokenizer)
    ids = torch.tensor([[9, 2, 2, 2], [9, 8, 7, 6]])
    batch, _ = chat.with_responses(prompts, ids, tokenizer)
    start = prompts["prompt_width"]
    assert batch["response_mask"][:, start:].tolist() == [[True, True, False, False], [True] * 4]
