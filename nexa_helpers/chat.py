"""Assignment real_model, sections 3 and 5: chat batches, log-probs in chunks, sampling."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

Message = dict[str, str]
Batch = dict[str, Any]


def encode_chat(
    messages: list[list[Message]],
    tokenizer: Any,
    max_prompt_tokens: int = 512,
    max_response_tokens: int = 256,
) -> Batch:
    """Turn conversations into one padded batch, in the model's own chat template.

    A conversation that ends with a turn of the assistant has a response: the tokens of
    that turn's content and the end token. All other turns are the prompt, written by
    the tokenizer's template with its generation prompt. Prompts are padded on the left,
    responses on the right, so that all responses start in the same column.

    Args:
        messages: A conversation each: ``{"role": ..., "content": ...}``, oldest first.
        tokenizer: With ``apply_chat_template``.
        max_prompt_tokens: A longer prompt is an error: without its head the template is
            broken.
        max_response_tokens: Longer responses are cut, and then have no end token.

    Returns:
        ``input_ids`` and ``attention_mask``, both (batch, width) of integers;
        ``response_mask``, (batch, width) of booleans, true at response tokens;
        ``prompt_width``, the column in which responses start.

    Raises:
        ValueError: A conversation is a plain string (no template would be applied, and
            the model would go on with the request in place of an answer) or empty, or a
            prompt is too long.
    """
    prompts, responses = [], []
    for turns in messages:
        if isinstance(turns, str) or not turns:
            raise ValueError(f"messages: expected a list of turns, got {turns!r:.40}")
        has_response = turns[-1]["role"] == "assistant"
        text = tokenizer.apply_chat_template(
            turns[:-1] if has_response else turns, tokenize=False, add_generation_prompt=True
        )
        prompt = tokenizer.encode(text, add_special_tokens=False)
        if len(prompt) > max_prompt_tokens:
            raise ValueError(
                f"prompt: expected at most {max_prompt_tokens} tokens, got {len(prompt)}"
            )
        response = []
        if has_response:
            response = tokenizer.encode(turns[-1]["content"], add_special_tokens=False)
            response = [*response, tokenizer.eos_token_id][:max_response_tokens]
        prompts.append(prompt)
        responses.append(response)
    left, right = max(map(len, prompts)), max(map(len, responses))
    shape = len(messages), left + right
    input_ids = torch.full(shape, tokenizer.pad_token_id)
    response_mask = torch.zeros(shape, dtype=torch.bool)
    attention_mask = torch.zeros(shape, dtype=torch.long)
    for row, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        first, last = left - len(prompt), left + len(response)
        input_ids[row, first:last] = torch.tensor(prompt + response)
        attention_mask[row, first:last] = 1
        response_mask[row, left:last] = True
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "response_mask": response_mask,
        "prompt_width": left,
    }


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """Copy the tensors of a batch to a device."""
    return {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }


def rows_of(batch: Batch, rows: slice) -> Batch:
    """Take some rows of a batch."""
    return {k: v[rows] if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def response_states(model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the model without its last layer: the states that predict responses.

    The state in column t predicts the token in column t + 1. Positions count real
    tokens, so that padding on the left moves nothing.

    Args:
        model: A causal model, or a PEFT model around one.
        batch: From ``encode_chat``.

    Returns:
        States (N, hidden) and the tokens (N,) that they predict, row after row, padding
        left out.

    Raises:
        ValueError: There is no response token, or the batch is wider than the model's
            context.
    """
    mask = batch["response_mask"]
    context = model.config.max_position_embeddings
    if not mask.any():
        raise ValueError("batch: expected at least one response token, got none")
    if mask.shape[1] > context:
        width = mask.shape[1]
        raise ValueError(f"batch: expected at most {context} columns, got {width}")
    positions = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    states = model.get_decoder()(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
        position_ids=positions, use_cache=False,
    ).last_hidden_state  # fmt: skip
    return states[:, :-1][mask[:, 1:]], batch["input_ids"][:, 1:][mask[:, 1:]]


def chunked_log_probs(
    model: Any,
    batch: Batch,
    chunk_tokens: int = 256,
) -> torch.Tensor:
    """Compute the log-probs of response tokens without holding all their logits.

    The last layer runs on ``chunk_tokens`` states at a time, and once more in the
    backward pass (``checkpoint``), so that neither pass holds more than one chunk ×
    vocabulary.

    Args:
        model: See ``response_states``.
        batch: From ``encode_chat``.
        chunk_tokens: Rows of the largest tensor of logits.

    Returns:
        (batch, response time) log-probs in nats, 0.0 at padding; with gradients where
        they are on.
    """
    head = model.get_output_embeddings()

    def score(states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return -F.cross_entropy(head(states).float(), tokens, reduction="none")

    states, tokens = response_states(model, batch)
    pieces = [
        checkpoint(score, *piece, use_reentrant=False)
        for piece in zip(states.split(chunk_tokens), tokens.split(chunk_tokens), strict=True)
    ]
    mask = batch["response_mask"][:, batch["prompt_width"] :]
    log_probs = torch.zeros(mask.shape, device=mask.device)
    return log_probs.masked_scatter(mask, torch.cat(pieces))


def reference_log_probs(model: Any, batch: Batch) -> torch.Tensor:
    """Score responses with the model without its adapter.

    No second copy of the weights is needed: PEFT can switch the adapter off.

    Args:
        model: A PEFT model.
        batch: From ``encode_chat``.

    Returns:
        (batch, response time) log-probs without gradients. The adapter is on again
        afterwards, and the model in the mode that it was in, also when an error occurs.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), model.disable_adapter():
            return chunked_log_probs(model, batch)
    finally:
        model.train(was_training)


def chunked_reverse_kl(
    model: Any, batch: Batch, teacher_states: torch.Tensor, chunk_tokens: int = 256
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the exact reverse KL to a teacher, and the log-probs, per response token.

    Args:
        model: The student.
        batch: What the student reads and wrote.
        teacher_states: (N, hidden) states of the teacher for the same response tokens.
        chunk_tokens: See ``chunked_log_probs``.

    Returns:
        KL(student, teacher) over the whole vocabulary and the log-probs of the tokens, both (N,).
    """
    head = model.get_output_embeddings()

    def compare(
        student: torch.Tensor, teacher: torch.Tensor, tokens: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        new = F.log_softmax(head(student).float(), dim=-1)
        with torch.no_grad():
            old = F.log_softmax(head(teacher).float(), dim=-1)
        kl = (new.exp() * (new - old)).sum(dim=-1)
        return kl, new.gather(1, tokens[:, None]).squeeze(1)

    states, tokens = response_states(model, batch)
    parts = zip(*(x.split(chunk_tokens) for x in (states, teacher_states, tokens)), strict=True)
    pieces = [checkpoint(compare, *part, use_reentrant=False) for part in parts]
    kl, log_probs = (torch.cat(column) for column in zip(*pieces, strict=True))
    return kl, log_probs


@contextmanager
def generating(model: Any) -> Iterator[None]:
    """Put a model into eval mode, gradients off, and back."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def sample_answers(
    model: Any, tokenizer: Any, prompts: Batch, max_tokens: int = 96, temperature: float = 0.7
) -> tuple[Batch, list[str]]:
    """Let a model answer, one answer per prompt.

    Args:
        model: A causal model, with or without an adapter.
        tokenizer: The model's.
        prompts: From ``encode_chat``, without responses.
        max_tokens: An answer is cut there, and then has no end token.
        temperature: 0.0 takes the likeliest token. No top-k, no top-p: every token can come, as
            in the scores.

    Returns:
        The batch with the answers as responses, and their texts.
    """
    draw: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        draw = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    inputs = {name: prompts[name].to(model.device) for name in ("input_ids", "attention_mask")}
    with generating(model):
        ids = model.generate(**inputs, max_new_tokens=max_tokens, **draw)
    return with_responses(prompts, ids[:, prompts["prompt_width"] :].cpu(), tokenizer)


def with_responses(prompts: Batch, ids: torch.Tensor, tokenizer: Any) -> tuple[Batch, list[str]]:
    """Put sampled tokens behind prompts: these tokens are scored, not the text tokenized anew.

    Args:
        prompts: From ``encode_chat``, without responses.
        ids: (batch, time) what ``generate`` wrote; after the first end token all is padding.
        tokenizer: Knows the end token.

    Returns:
        The batch, and the texts of the responses.
    """
    is_end = ids == tokenizer.eos_token_id
    real = (is_end.cumsum(dim=1) - is_end.long()) == 0  # up to the first end token, with it
    texts = [
        tokenizer.decode(row[kept], skip_special_tokens=True)
        for row, kept in zip(ids, real, strict=True)
    ]
    batch = {
        "input_ids": torch.cat([prompts["input_ids"], ids], dim=1),
        "attention_mask": torch.cat([prompts["attention_mask"], real.long()], dim=1),
        "response_mask": torch.cat([torch.zeros_like(prompts["response_mask"]), real], dim=1),
        "prompt_width": prompts["prompt_width"],
    }
    return batch, texts
