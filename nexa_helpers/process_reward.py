"""Section 4.1: a process reward model (PRM) that reads a response and its feedback.

It is trained on keyword labels and then frozen. Its votes come from dropout. In training it
often reads the feedback without the sentences that contain a keyword, and so it learns what else
praise and corrections have in common. Where the labels are wrong in a regular way that no other
sentence betrays, it can be no better than they are.
"""

import random
import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from torch import nn
from tqdm import tqdm

from nexa_helpers.batches import one_cycle, pad_rows, take_step
from nexa_helpers.feedback import NEGATIVE_WORDS, POSITIVE_WORDS, words


class ProcessRewardModel(nn.Module):
    """Score (response, feedback) pairs with -1, 0 or +1.

    Token and position embeddings, a transformer encoder of two layers, the mean over
    the real tokens, and a linear layer with three outputs (for -1, 0, +1).
    """

    def __init__(
        self,
        vocab_size: int,
        hidden_size: int = 128,
        num_heads: int = 4,
        max_positions: int = 256,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.position_embedding = nn.Embedding(max_positions, hidden_size)
        layer = nn.TransformerEncoderLayer(
            hidden_size, num_heads, dim_feedforward=256, dropout=0.1, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Linear(hidden_size, 3)
        # torch's default of 1.0 drowns the words in position noise: learning slows.
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the logits of the three scores.

        Args:
            input_ids: (batch, time) token ids.
            attention_mask: (batch, time), 1 for real tokens, 0 for padding; None: all
                real.

        Returns:
            Logits (batch, 3). Padding changes nothing; the order of the tokens counts.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        real = attention_mask.bool()
        positions = (real.long().cumsum(dim=1) - 1).clamp(min=0)
        x = self.embedding(input_ids) + self.position_embedding(positions)
        # A row of padding alone hides nothing: attention over nothing would be NaN.
        x = self.encoder(x, src_key_padding_mask=~real & real.any(dim=1, keepdim=True))
        weights = real.unsqueeze(-1).to(x.dtype)
        mean = (x * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return self.classifier(mean)

    def majority_vote(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        num_votes: int = 5,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Let the model vote several times with dropout on; take the most common vote.

        Args:
            input_ids: (batch, time) token ids.
            attention_mask: (batch, time), 1 for real tokens, 0 for padding.
            num_votes: Number of votes m, at least 1.

        Returns:
            rewards (batch,), floats in {-1, 0, 1}, 0 where two or more share the lead;
            and all_votes (num_votes, batch) with the single votes. No graph is
            recorded, and the model is in eval mode afterwards.
        """
        if num_votes < 1:
            raise ValueError(f"num_votes: expected 1 or more, got {num_votes}")
        # All votes are one batch: row r of vote v is row v * batch + r.
        repeated_ids = input_ids.repeat(num_votes, 1)
        repeated_mask = None if attention_mask is None else attention_mask.repeat(num_votes, 1)
        self.train()  # dropout makes the votes differ
        with torch.no_grad():
            classes = self(repeated_ids, repeated_mask).argmax(dim=1).view(num_votes, -1)
        self.eval()
        counts = F.one_hot(classes, num_classes=3).sum(dim=0)  # (batch, 3)
        most, winner = counts.max(dim=1)
        tied = (counts == most.unsqueeze(1)).sum(dim=1) > 1
        rewards = (winner - 1).masked_fill(tied, 0).float()
        return rewards, (classes - 1).float()


def encode_feedback(
    triples: list[dict[str, Any]],
    tokenizer: Any,
    max_response: int = 32,
    max_feedback: int = 64,
    device: torch.device | str = "cpu",
) -> dict[str, torch.Tensor]:
    r"""Turn (response, feedback) pairs into one batch for the PRM.

    The template is ``"Assistant: "`` and the response, then ``"\n\nHuman: "`` and the feedback.
    Both keep their start where they are too long. Rows are padded on the right.

    Args:
        triples: Triples with the keys ``response`` and ``feedback``.
        tokenizer: Its end-of-text token fills the padding.
        max_response: Most tokens of a response.
        max_feedback: Most tokens of a feedback.
        device: Where the tensors go.

    Returns:
        ``input_ids`` and ``attention_mask``, integer tensors (batch, time).

    Raises:
        ValueError: ``triples`` is empty.
    """
    if not triples:
        raise ValueError("triples: expected at least one triple, got none")
    responses = tokenizer([f"Assistant: {t['response']}" for t in triples])["input_ids"]
    feedback = tokenizer([f"\n\nHuman: {t['feedback']}" for t in triples])["input_ids"]
    rows = [a[:max_response] + b[:max_feedback] for a, b in zip(responses, feedback, strict=True)]
    ids, mask = pad_rows(rows, tokenizer.eos_token_id)
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def without_keywords(rng: random.Random, text: str) -> str:
    """Drop the sentences that contain a keyword, and about half of the others.

    Args:
        rng: The source of chance.
        text: A feedback.

    Returns:
        What is left; the text as it was, where each sentence contains a keyword.
    """
    keywords = POSITIVE_WORDS | NEGATIVE_WORDS
    sentences = re.split(r"(?<=[.:?!])\s+", text)
    quiet = [sentence for sentence in sentences if not keywords & set(words(sentence))]
    kept = [sentence for sentence in quiet if rng.random() < 0.5] or quiet
    return " ".join(kept) or text


def hide_keywords(rng: random.Random, triple: dict[str, Any], probability: float) -> dict[str, Any]:
    """Copy a triple for the PRM, now and then with a feedback without its keywords."""
    feedback = triple["feedback"]
    if rng.random() < probability:
        feedback = without_keywords(rng, feedback)
    return {"response": triple["response"], "feedback": feedback}


def train_prm(
    prm: nn.Module,
    triples: list[dict[str, Any]],
    labels: list[int],
    tokenizer: Any,
    num_steps: int = 300,
    batch_size: int = 32,
    lr: float = 2e-3,
    seed: int = 0,
    hide_probability: float = 0.85,
) -> list[float]:
    """Train the PRM to predict the labels, then put it in eval mode.

    -1 and +1 are drawn three times as often as 0, whatever their number. Most feedback is read
    without its keywords, so that the PRM cannot just learn the list of keywords.

    Args:
        prm: The model; it is changed.
        triples: Training triples.
        labels: One label per triple: -1, 0 or +1.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Triples per update.
        lr: Highest learning rate of AdamW; it rises for a tenth of the steps, then falls to 0.
        seed: Seed of the draws.
        hide_probability: Share of the feedback that is read without its keywords.

    Returns:
        The cross-entropy (nats) at each step.

    Raises:
        ValueError: No triples, or not one label per triple.
    """
    if not triples or len(triples) != len(labels):
        raise ValueError(
            f"labels: expected one per triple and at least one, got {len(labels)} labels "
            f"for {len(triples)} triples"
        )
    rng = random.Random(seed)
    device = next(prm.parameters()).device
    rows_of_label: dict[int, list[int]] = {label: [] for label in sorted(set(labels))}
    for row, label in enumerate(labels):
        rows_of_label[label].append(row)
    weights = [1 if label == 0 else 3 for label in rows_of_label]
    optimizer = torch.optim.AdamW(prm.parameters(), lr=lr, weight_decay=0.01)
    schedule = one_cycle(optimizer, lr, num_steps)
    losses = []
    prm.train()
    for _ in tqdm(range(num_steps), desc="PRM"):
        drawn = rng.choices(list(rows_of_label), weights, k=batch_size)
        rows = [rng.choice(rows_of_label[label]) for label in drawn]
        examples = [hide_keywords(rng, triples[row], hide_probability) for row in rows]
        batch = encode_feedback(examples, tokenizer, device=device)
        targets = torch.tensor([labels[row] + 1 for row in rows], device=device)
        loss = F.cross_entropy(prm(**batch), targets)
        take_step(optimizer, prm, loss)
        schedule.step()
        losses.append(loss.item())
    prm.eval()
    return losses


@torch.no_grad()
def predict_rewards(
    prm: nn.Module, triples: list[dict[str, Any]], tokenizer: Any, batch_size: int = 64
) -> list[int]:
    """Score triples without dropout.

    Args:
        prm: The model; it is put in eval mode.
        triples: Triples with the keys ``response`` and ``feedback``.
        tokenizer: Turns text into ids.
        batch_size: Triples per forward pass.

    Returns:
        One score per triple: -1, 0 or +1.
    """
    prm.eval()
    device = next(prm.parameters()).device
    scores: list[int] = []
    for start in range(0, len(triples), batch_size):
        batch = encode_feedback(triples[start : start + batch_size], tokenizer, device=device)
        scores += (prm(**batch).argmax(dim=1) - 1).tolist()
    return scores


def plot_confusions(pairs: dict[str, tuple[list[int], list[int]]]) -> Figure:
    """Draw confusion matrices side by side; shades show shares of a row, numbers show counts.

    Args:
        pairs: For each title "predictions against labels" the labels and the predictions: lists
            of -1, 0 and +1 of the same length.

    Returns:
        A figure with one axis per pair.
    """
    width = 4 * len(pairs)
    figure, axes = plt.subplots(
        1, len(pairs), figsize=(width, 3.6), layout="constrained", squeeze=False
    )
    for axis, (title, (labels, predictions)) in zip(axes[0], pairs.items(), strict=True):
        counts = confusion_matrix(labels, predictions, labels=[-1, 0, 1])
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        table = ConfusionMatrixDisplay(shares, display_labels=["−1", "0", "+1"])
        table.plot(ax=axis, cmap="cividis", im_kw={"vmin": 0, "vmax": 1}, colorbar=False)
        for place, count in np.ndenumerate(counts):
            table.text_[place].set_text(str(count))
        predicted, true = title.split(" against ")
        axis.set(xlabel=predicted, ylabel=true, title=title)
    return figure
