"""Section 5, given: a small causal language model, and how text becomes its batches.

``SimplePolicy`` is a small transformer: pre-norm, causal self-attention, rotary positions (RoPE),
input and output embeddings shared. It leaves out dropout: log-probs must be equal for equal
weights.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from nexa_helpers.batches import pad_rows
from nexa_helpers.conversations import render_context

Cache = list[tuple[torch.Tensor, torch.Tensor]]


def rotate(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Turn each pair of numbers of a query or key by an angle (RoPE; Su et al. 2021, Eq. 34).

    The dot product of a query and a key that are turned by their positions depends on the
    distance of the two positions alone.

    Args:
        x: (batch, heads, time, size).
        angles: (batch, 1, time, size / 2), in radians.

    Returns:
        The same shape as ``x``.
    """
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class PolicyBlock(nn.Module):
    """One transformer block: causal self-attention and a two-layer network, both pre-norm."""

    def __init__(self, hidden_size: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(hidden_size)
        self.query_key_value = nn.Linear(hidden_size, 3 * hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 4 * hidden_size),
            nn.GELU(),
            nn.Linear(4 * hidden_size, hidden_size),
        )

    def forward(
        self,
        x: torch.Tensor,
        visible: torch.Tensor,
        angles: torch.Tensor,
        past: tuple[torch.Tensor, torch.Tensor] | None = None,
        num_last: int | None = None,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Run the block.

        Args:
            x: (batch, time, hidden).
            visible: (batch, 1, time, past + time), True where a query may look at a key.
            angles: (batch, 1, time, size / 2), the positions as angles, for ``rotate``.
            past: Keys and values of earlier positions, or None.
            num_last: Compute the new x at that many last positions only; None: at all.

        Returns:
            The new x, and the keys and values of all positions.
        """
        batch, time, _ = x.shape
        heads = self.query_key_value(self.attention_norm(x))
        heads = heads.view(batch, time, 3, self.num_heads, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (batch, heads, time, size)
        query, key = rotate(query, angles), rotate(key, angles)
        if past is not None:
            key = torch.cat([past[0], key], dim=2)
            value = torch.cat([past[1], value], dim=2)
        if num_last is not None:
            x, query, visible = x[:, -num_last:], query[:, :, -num_last:], visible[:, :, -num_last:]
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        x = x + self.output(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.feedforward(x), (key, value)


class SimplePolicy(nn.Module):
    """A small causal language model (policy) for one GPU or two CPU cores.

    A position counts real tokens only, so padding on either side changes nothing.
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int = 128,
        num_heads: int = 4,
        num_layers: int = 2,
        max_positions: int = 640,
    ):
        """Make the model with small random weights (standard deviation 0.02, as GPT-2)."""
        super().__init__()
        self.max_positions = max_positions
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.blocks = nn.ModuleList(PolicyBlock(hidden_size, num_heads) for _ in range(num_layers))
        self.norm = nn.LayerNorm(hidden_size)
        self.head = nn.Linear(hidden_size, vocab_size)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.head.weight = self.embedding.weight  # shared: half the parameters, better learning
        size = hidden_size // num_heads
        frequencies = 1000.0 ** (-torch.arange(0, size, 2) / size)  # radians per position
        self.register_buffer("frequencies", frequencies, persistent=False)

    def features(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        cache: Cache | None = None,
        num_last: int | None = None,
    ) -> torch.Tensor:
        """Compute the last hidden states.

        Args:
            input_ids: (batch, time) token ids.
            attention_mask: (batch, past + time), 1 for real tokens, 0 for padding.
            cache: Keys and values of earlier positions, one entry per block. It is extended in
                place; start with ``[]``.
            num_last: Only these last positions are asked for: the last block computes no others.

        Returns:
            (batch, time or num_last, hidden).

        Raises:
            ValueError: The input has more positions than the model.
        """
        batch, time = input_ids.shape
        past = cache[0][0].shape[2] if cache else 0
        if past + time > self.max_positions:
            raise ValueError(
                f"input_ids: expected at most {self.max_positions} positions, got {past + time}"
            )
        if attention_mask is None:
            attention_mask = input_ids.new_ones(batch, past + time)
        positions = (attention_mask.long().cumsum(dim=1) - 1).clamp(min=0)[:, past:]
        here = torch.ones(time, past + time, dtype=torch.bool, device=input_ids.device)
        visible = here.tril(past) & attention_mask[:, None, None, :].bool()
        # A padding position sees itself: a softmax over nothing would be NaN.
        visible = visible | (here.tril(past) & ~here.tril(past - 1))
        angles = (positions.unsqueeze(-1) * self.frequencies).unsqueeze(1)
        x = self.embedding(input_ids)
        for i, block in enumerate(self.blocks):
            past_keys = cache[i] if cache and i < len(cache) else None
            asked = num_last if block is self.blocks[-1] else None
            x, keys_values = block(x, visible, angles, past_keys, asked)
            if cache is not None:
                cache[i : i + 1] = [keys_values]
        return self.norm(x)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute next-token logits.

        Args:
            input_ids: (batch, time) token ids.
            attention_mask: (batch, time), 1 for real tokens, 0 for padding.

        Returns:
            Logits (batch, time, vocab). Logits t depend on the tokens up to t alone.
        """
        return self.head(self.features(input_ids, attention_mask))

    def get_log_probs(
        self,
        input_ids: torch.Tensor,
        target_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Log-probability of target t under logits t; the caller does the shift.

        Args:
            input_ids: (batch, time) token ids.
            target_ids: (batch, time) token ids to score.
            attention_mask: (batch, time), 1 for real tokens, 0 for padding.

        Returns:
            (batch, time), in nats.
        """
        logits = self.forward(input_ids, attention_mask)
        return -F.cross_entropy(logits.transpose(1, 2), target_ids, reduction="none")


def encode_examples(
    triples: list[dict[str, Any]],
    tokenizer: Any,
    max_context: int = 256,
    max_response: int = 128,
    device: torch.device | str = "cpu",
    response_ids: list[list[int]] | None = None,
) -> dict[str, torch.Tensor]:
    r"""Turn triples into one batch for the policy.

    The template is ``render_context(context)``, a space, the response, and the end-of-text
    token. A context that is too long keeps its end, a response keeps its start (and then has no
    end-of-text token). Contexts are padded on the left and responses on the right, so every
    response starts in the same column.

    Args:
        triples: Triples with the keys ``context`` and ``response``.
        tokenizer: Its end-of-text token ends a response and fills the padding.
        max_context: Most tokens of a context.
        max_response: Most tokens of a response, the end-of-text token included.
        device: Where the tensors go.
        response_ids: Token ids to use in place of the responses' text, where it is known which
            tokens were sampled.

    Returns:
        A dict of integer tensors: ``input_ids`` and ``attention_mask`` (batch, time),
        ``response_ids`` (batch, response time; the last columns of ``input_ids``) and
        ``response_lengths`` (batch,).

    Raises:
        ValueError: ``triples`` is empty.
    """
    if not triples:
        raise ValueError("triples: expected at least one triple, got none")
    contexts = tokenizer([render_context(triple["context"]) for triple in triples])["input_ids"]
    contexts = [ids[-max_context:] for ids in contexts]
    if response_ids is None:
        texts = [" " + triple["response"] for triple in triples]
        response_ids = [ids + [tokenizer.eos_token_id] for ids in tokenizer(texts)["input_ids"]]
    responses = [ids[:max_response] for ids in response_ids]
    left_ids, left_mask = pad_rows(contexts, tokenizer.eos_token_id, side="left")
    right_ids, right_mask = pad_rows(responses, tokenizer.eos_token_id)
    batch = {
        "input_ids": torch.cat([left_ids, right_ids], dim=1),
        "attention_mask": torch.cat([left_mask, right_mask], dim=1),
        "response_ids": right_ids,
        "response_lengths": right_mask.sum(dim=1),
    }
    return {name: tensor.to(device) for name, tensor in batch.items()}


IGNORED = -100  # marks positions that are not scored


def encode_conversations(
    conversations: list[list[dict[str, str]]], tokenizer: Any, max_tokens: int = 384
) -> list[tuple[list[int], list[int]]]:
    """Turn whole conversations into ids and targets, with the template of ``encode_examples``.

    Args:
        conversations: Lists of turns.
        tokenizer: Its end-of-text token ends a response.
        max_tokens: A longer conversation keeps its start.

    Returns:
        One pair per conversation: the token ids; and for each position the id that comes next,
        where that is part of a response (or ends it), else ``IGNORED``.
    """
    header = tokenizer("\n\nAssistant:")["input_ids"]
    texts = [
        f" {turn['content']}" if turn["role"] == "assistant" else f"\n\nHuman: {turn['content']}"
        for turns in conversations
        for turn in turns
    ]
    pieces = iter(tokenizer(texts)["input_ids"] if texts else [])
    encoded = []
    for turns in conversations:
        ids: list[int] = []
        targets: list[int] = []
        for turn in turns:
            piece = next(pieces)
            if turn["role"] == "assistant":
                ids += header + piece
                targets += [IGNORED] * (len(header) - 1) + piece + [tokenizer.eos_token_id]
            else:
                ids += piece
                targets += [IGNORED] * len(piece)
        encoded.append((ids[:max_tokens], targets[:max_tokens]))
    return encoded


def pad_conversations(
    encoded: list[tuple[list[int], list[int]]],
    tokenizer: Any,
    device: torch.device | str = "cpu",
) -> dict[str, torch.Tensor]:
    """Pad encoded conversations on the right into one batch.

    Args:
        encoded: Some of what ``encode_conversations`` returns.
        tokenizer: Its end-of-text token fills the padding.
        device: Where the tensors go.

    Returns:
        ``input_ids``, ``attention_mask`` and ``target_ids``, integer tensors (batch, time).
    """
    ids, mask = pad_rows([ids for ids, _ in encoded], tokenizer.eos_token_id)
    target_ids, _ = pad_rows([targets for _, targets in encoded], IGNORED)
    batch = {"input_ids": ids, "attention_mask": mask, "target_ids": target_ids}
    return {name: tensor.to(device) for name, tensor in batch.items()}


def response_mask(response_lengths: torch.Tensor, time: int) -> torch.Tensor:
    """Mark the real tokens of right-padded responses.

    Args:
        response_lengths: (batch,) token counts; a count beyond ``time`` means a full row.
        time: Number of columns.

    Returns:
        (batch, time) booleans, True for real tokens.
    """
    return torch.arange(time, device=response_lengths.device) < response_lengths.unsqueeze(1)


def response_log_probs(policy: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Log-probability of each response token, given the context and the tokens before it.

    Only what is needed is computed. Rows of like length go through the model together, cut to the
    longest of them. The last block and the output layer see the positions that predict a response
    token: with a vocabulary of 50,257 the output layer is nearly all of the work.

    Args:
        policy: A ``SimplePolicy``.
        batch: What ``encode_examples`` returns.

    Returns:
        (batch, response time) in nats; padding has 0.0.
    """
    time = batch["response_ids"].shape[1]
    mask = response_mask(batch["response_lengths"], time)
    order = batch["attention_mask"].sum(dim=1).argsort(stable=True)
    found = []
    for rows in order.chunk(4):
        real, width = batch["attention_mask"][rows], int(batch["response_lengths"][rows].max())
        first = min(int(real.any(dim=0).int().argmax()), real.shape[1] - time - 1)
        columns = slice(first, real.shape[1] - time + width)
        # The token in column t is predicted at column t - 1.
        hidden = policy.features(
            batch["input_ids"][rows, columns], real[:, columns], num_last=width + 1
        )[:, :-1]
        chosen = mask[rows, :width]
        logits = policy.head(hidden[chosen])  # (real tokens, vocab)
        targets = batch["response_ids"][rows, :width][chosen]
        found.append(-F.cross_entropy(logits, targets, reduction="none"))
    log_probs = torch.cat(found)
    padded = torch.zeros_like(mask, dtype=log_probs.dtype).masked_scatter(mask[order], log_probs)
    return padded[order.argsort()]


def encode_prompts(
    contexts: list[list[dict[str, str]]],
    tokenizer: Any,
    max_tokens: int,
    prefix: str = "",
    max_context: int = 256,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn contexts into one left-padded batch: what a response is sampled after.

    Args:
        contexts: Lists of turns.
        tokenizer: Its end-of-text token fills the padding.
        max_tokens: Most tokens of a prompt; its end is kept.
        prefix: Text in front of every conversation (the baseline's corrections).
        max_context: Most tokens of a context without the prefix; its end is kept.

    Returns:
        Token ids and mask (batch, time).
    """
    prefix_ids = tokenizer.encode(prefix)
    prompts = tokenizer([render_context(context) for context in contexts])["input_ids"]
    prompts = [(prefix_ids + ids[-max_context:])[-max_tokens:] for ids in prompts]
    return pad_rows(prompts, tokenizer.eos_token_id, side="left")


@torch.no_grad()
def sample_tokens(
    policy: nn.Module,
    ids: torch.Tensor,
    mask: torch.Tensor,
    end: int,
    max_new_tokens: int,
    temperature: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample one token after another, for all rows at once.

    Args:
        policy: A ``SimplePolicy``.
        ids: (batch, time) left-padded prompts.
        mask: (batch, time), 1 for real tokens.
        end: The id of the end-of-text token.
        max_new_tokens: Most tokens of a response.
        temperature: The logits are divided by it.

    Returns:
        The tokens, -1 behind the end of a row, and their log-probs (nats): (batch, new time).
    """
    cache: Cache = []
    running = torch.ones(len(ids), dtype=torch.bool, device=ids.device)
    tokens, log_probs = [], []
    for _ in range(max_new_tokens):
        logits = policy.head(policy.features(ids, mask, cache)[:, -1])
        distribution = torch.distributions.Categorical(logits=logits / temperature)
        token = distribution.sample()
        tokens.append(token.where(running, -1))
        log_probs.append(distribution.log_prob(token))
        running = running & (token != end)
        if not running.any():
            break
        ids = token.unsqueeze(1)
        mask = torch.cat([mask, running.long().unsqueeze(1)], dim=1)
    return torch.stack(tokens, dim=1), torch.stack(log_probs, dim=1)


def sample_responses(
    policy: nn.Module,
    contexts: list[list[dict[str, str]]],
    tokenizer: Any,
    max_new_tokens: int = 96,
    prefix: str = "",
    max_context: int = 256,
    temperature: float = 1.0,
) -> list[dict[str, Any]]:
    """Sample one response for each context.

    Chance comes from torch's global generator; ``set_seed`` fixes it.

    Args:
        policy: A ``SimplePolicy``; it is used in eval mode.
        contexts: Lists of turns.
        tokenizer: The tokenizer of the policy.
        max_new_tokens: A response without an end-of-text token is cut at this length.
        prefix: Text in front of every conversation (the baseline's corrections).
        max_context: Most tokens of a context; its end is kept, as in ``encode_examples``.
        temperature: The logits are divided by it. Rollouts need 1, the policy itself; below 1,
            unlikely tokens, and the slips that they are, become rarer.

    Returns:
        One dict per context: ``response`` (text), ``response_ids`` (list of int, with the
        end-of-text token where one came) and ``log_probs`` (list of float, in nats: the
        log-prob of each sampled token, at this temperature).
    """
    policy.eval()
    device = next(policy.parameters()).device
    room = policy.max_positions - max_new_tokens
    ids, mask = encode_prompts(contexts, tokenizer, room, prefix, max_context)
    tokens, log_probs = sample_tokens(
        policy, ids.to(device), mask.to(device), tokenizer.eos_token_id, max_new_tokens, temperature
    )
    samples = []
    for row_tokens, row_log_probs in zip(tokens.tolist(), log_probs.tolist(), strict=True):
        response_ids = [token for token in row_tokens if token >= 0]
        samples.append(
            {
                "response": tokenizer.decode(response_ids, skip_special_tokens=True).strip(),
                "response_ids": response_ids,
                "log_probs": row_log_probs[: len(response_ids)],
            }
        )
    return samples
