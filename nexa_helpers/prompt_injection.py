"""Section 3: the prompt-injection baseline, NexaCode's approach of today.

Recent corrections are kept and written in front of the conversation. The model itself does not
change.
"""

from collections import deque
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from nexa_helpers.developers import write_preferences
from nexa_helpers.evaluation import evaluate_personalization
from nexa_helpers.feedback import analyze_feedback_signals


class PrefixedPolicy(nn.Module):
    """The same policy with fixed token ids in front of every input.

    The prefix is read, and then its positions are cut off, so that this policy can stand
    wherever the plain one can.
    """

    def __init__(self, policy: nn.Module, prefix_ids: torch.Tensor):
        """Wrap ``policy``; ``prefix_ids`` has the shape (prefix,)."""
        super().__init__()
        self.policy = policy
        self.head = policy.head
        self.register_buffer("prefix_ids", prefix_ids)

    def features(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        num_last: int | None = None,
    ) -> torch.Tensor:
        """Hidden states of the input, or of its last positions, the prefix having been read."""
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        prefix = self.prefix_ids.expand(len(input_ids), -1)
        ids = torch.cat([prefix, input_ids], dim=1)
        mask = torch.cat([torch.ones_like(prefix), attention_mask], dim=1)
        asked = num_last or input_ids.shape[1]
        return self.policy.features(ids, mask, num_last=asked)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits (batch, time, vocab) of the input, the prefix having been read."""
        return self.head(self.features(input_ids, attention_mask))

    def get_log_probs(
        self,
        input_ids: torch.Tensor,
        target_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Log-probability (batch, time) of target t under logits t, as ``SimplePolicy`` has it."""
        logits = self.forward(input_ids, attention_mask)
        return -F.cross_entropy(logits.transpose(1, 2), target_ids, reduction="none")


class PromptInjectionBaseline:
    """Keep the last corrections and write them in front of the conversation."""

    def __init__(self, max_corrections: int = 10):
        """Keep at most ``max_corrections`` corrections; the oldest ones are dropped."""
        self.correction_cache: deque[str] = deque(maxlen=max_corrections)

    def add_correction(self, correction: str) -> None:
        """Add a developer's correction to the cache, without line breaks, 100 characters long."""
        self.correction_cache.append(" ".join(correction.split())[:100])

    def learn(self, triples: list[dict[str, Any]]) -> None:
        """Add every correction (negative feedback) of some triples, in order."""
        sentiments = analyze_feedback_signals(triples)["sentiments"]
        for triple, sentiment in zip(triples, sentiments, strict=True):
            if sentiment == "negative":
                self.add_correction(triple["feedback"])

    def build_prompt(self, user_query: str) -> str:
        """Write the corrections, then the query or the whole conversation."""
        if not self.correction_cache:
            return user_query
        return f"{write_preferences(self.correction_cache)}\n\n{user_query}"

    def prefix(self) -> str:
        """The corrections as a turn of their own, or an empty text where there are none."""
        corrections = self.correction_cache
        return f"\n\nHuman: {write_preferences(corrections)}" if corrections else ""

    def inject_into(self, policy: nn.Module, tokenizer: Any) -> PrefixedPolicy:
        """Return the policy as it is with the corrections in front of its input.

        Where the model has too few positions for all of them, the newest tokens are kept.
        """
        room = policy.max_positions - 256 - 128  # the longest context and response of a batch
        prefix_ids = torch.tensor(tokenizer.encode(self.prefix())[-room:], dtype=torch.long)
        return PrefixedPolicy(policy, prefix_ids.to(next(policy.parameters()).device))

    def evaluate(self, triples: list[dict[str, Any]], policy: nn.Module, tokenizer: Any) -> float:
        """Score the baseline with the metric of section 6, on the rows that the policy gets.

        Args:
            triples: Test triples.
            policy: The model that is deployed today.
            tokenizer: Its tokenizer.

        Returns:
            The preference accuracy in [0, 1] of the same model with the corrections in front.
        """
        injected = self.inject_into(policy, tokenizer)
        results = evaluate_personalization(injected, policy, triples, tokenizer, 0.0)
        return results["preference_accuracy"]
