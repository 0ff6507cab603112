"""Section 4.1: a process reward model (PRM) that reads a response and its feedback.

It is trained on keyword labels and then frozen. Its votes come from dropout. In training it
often reads the feedback without the sentences that hold a keyword, and so it learns what else
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
from torch import nn
from tqdm import tqdm

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
        """Make the layers; dropout is 0.1."""
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

        Raises:
            ValueError: ``num_votes`` is less than 1.
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
    longest = max(map(len, rows))
    padding = tokenizer.eos_token_id
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in rows], device=device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    mask = torch.arange(longest, device=device) < lengths.unsqueeze(1)
    return {"input_ids": ids, "attention_mask": mask.long()}


def without_keywords(rng: random.Random, text: str) -> str:
    """Drop the sentences that hold a keyword, and about half of the others.

    Args:
        rng: The source of chance.
        text: A feedback.

    Returns:
        What is left; the text as it was, where each sentence holds a keyword.
    """
    keywords = POSITIVE_WORDS | NEGATIVE_WORDS
    sentences = re.split(r"(?<=[.:?!])\s+", text)
    quiet = [sentence for sentence in sentences if not keywords & set(words(sentence))]
    kept = [sentence for sentence in quiet if rng.random() < 0.5] or quiet
    return " ".join(kept) or text


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

    -1 and +1 are drawn three times as often as 0, whatever their number: a keyword says
    something, no keyword says little. Most feedback is read without its keywords
    (``without_keywords``), so that the PRM cannot just learn the list of keywords.

    Args:
        prm: The model; it is changed.
        triples: Training triples.
        labels: One label a triple: -1, 0 or +1.
        tokenizer: Turns text into ids.
        num_steps: Number of updates.
        batch_size: Triples an update.
        lr: Highest learning rate of AdamW; it rises for a tenth of the steps, then falls to 0.
        seed: Seed of the draws.
        hide_probability: Share of the feedback that is read without its keywords.

    Returns:
        The cross-entropy (nats) at each step.

    Raises:
        ValueError: No triples, or not one label a triple.
    """
    if not triples or len(triples) != len(labels):
        raise ValueError(
            f"labels: expected one a triple and at least one, got {len(labels)} labels "
            f"for {len(triples)} triples"
        )
    rng = random.Random(seed)
    device = next(prm.parameters()).device
    rows_of_label = {
        label: [row for row, x in enumerate(labels) if x == label] for label in sorted(set(labels))
    }
    weights = [1 if label == 0 else 3 for label in rows_of_label]
    optimizer = torch.optim.AdamW(prm.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps, pct_start=0.1)
    losses = []
    prm.train()
    for _ in tqdm(range(num_steps), desc="PRM"):
        drawn = rng.choices(list(rows_of_label), weights, k=batch_size)
        rows = [rng.choice(rows_of_label[label]) for label in drawn]
        examples = []
        for row in rows:
            feedback = triples[row]["feedback"]
            if rng.random() < hide_probability:
                feedback = without_keywords(rng, feedback)
            examples.append({"response": triples[row]["response"], "feedback": feedback})
        batch = encode_feedback(examples, tokenizer, device=device)
        targets = torch.tensor([labels[row] + 1 for row in rows], device=device)
        loss = F.cross_entropy(prm(**batch), targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prm.parameters(), 1.0)
        optimizer.step()
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
        batch_size: Triples a forward pass.

    Returns:
        One score a triple: -1, 0 or +1.
    """
    prm.eval()
    device = next(prm.parameters()).device
    scores: list[int] = []
    for start in range(0, len(triples), batch_size):
        batch = encode_feedback(triples[start : start + batch_size], tokenizer, device=device)
        scores += (prm(**batch).argmax(dim=1) - 1).tolist()
    return scores


def balanced_accuracy(labels: list[int], predictions: list[int]) -> float:
    """Mean over the classes of the share of their rows that are predicted right.

    Args:
        labels: True classes.
        predictions: Predicted classes, as many.

    Returns:
        A number in [0, 1]; guessing earns 1 / (number of classes present).

    Raises:
        ValueError: No labels, or lists of different lengths.
    """
    if not labels or len(labels) != len(predictions):
        raise ValueError(
            f"predictions: expected {len(labels)} (and at least one), got {len(predictions)}"
        )
    recalls = []
    for label in sorted(set(labels)):
        hits = [p == label for x, p in zip(labels, predictions, strict=True) if x == label]
        recalls.append(sum(hits) / len(hits))
    return sum(recalls) / len(recalls)


def confusion_counts(labels: list[int], predictions: list[int]) -> np.ndarray:
    """Count each pair of label and prediction.

    Args:
        labels: True classes: -1, 0 or +1.
        predictions: Predicted classes, as many.

    Returns:
        Counts (3, 3): labels in rows, predictions in columns, in the order -1, 0, +1.

    Raises:
        ValueError: Lists of different lengths.
    """
    if len(labels) != len(predictions):
        raise ValueError(f"predictions: expected {len(labels)}, got {len(predictions)}")
    counts = np.zeros((3, 3), dtype=int)
    np.add.at(counts, (np.array(labels, int) + 1, np.array(predictions, int) + 1), 1)
    return counts


def plot_confusions(matrices: dict[str, np.ndarray]) -> Figure:
    """Draw confusion matrices side by side; shades show shares of a row, numbers show counts.

    Args:
        matrices: For each title "predictions against labels" a matrix of ``confusion_counts``.

    Returns:
        A figure with one axis a matrix.
    """
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(4 * len(matrices), 3.6), layout="constrained", squeeze=False
    )
    for axis, (title, counts) in zip(axes[0], matrices.items(), strict=True):
        shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axis.imshow(shares, cmap="cividis", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            color = "black" if shares[row, column] > 0.5 else "white"
            axis.text(column, row, str(count), ha="center", va="center", color=color)
        axis.set_xticks(range(3), ["−1", "0", "+1"])
        axis.set_yticks(range(3), ["−1", "0", "+1"])
        predictions, labels = title.split(" against ")
        axis.set(xlabel=predictions, ylabel=labels, title=title)
    return figure
