"""Tools of the graded cells: fakes and tiny models, so that each cell stands alone."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from nexa_helpers.data import train_tokenizer
from nexa_helpers.policy import SimplePolicy

CHECK_TEXTS = [
    "\n\nHuman: Write a function.\n\nAssistant: alpha alpha beta gamma delta",
    "\n\nHuman: Perfect, thanks.\n\nAssistant: beta gamma delta",
    "\n\nHuman: No, that is wrong.\n\nAssistant: delta delta alpha",
]


@contextlib.contextmanager
def checking(ready_made: bool, looked_at: str = "") -> Iterator[None]:
    """Say what a check looked at. Where the TODO is ready-made, an error does not stop the run.

    While the notebook is graded, every error counts.

    Args:
        ready_made: Whether the TODO's number is in ``READY_MADE``.
        looked_at: What the check looks at; "" for an example, which says nothing.
    """
    try:
        yield
    except Exception as error:
        if not ready_made or os.environ.get("NBGRADER_EXECUTION"):
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")
        print(f"Not solved yet ({said}). The run goes on.")
    else:
        if looked_at:
            print(f"Passed: {looked_at}.")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars out of a graded cell: stock nbgrader gives no points for stderr."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def replaced(namespace: dict[str, Any], **fakes: Any) -> Iterator[None]:
    """Put fakes in the place of other TODOs' functions, and put the originals back.

    Args:
        namespace: ``globals()`` of the notebook.
        fakes: One fake a name.
    """
    originals = {name: namespace[name] for name in fakes if name in namespace}
    namespace.update(fakes)
    try:
        yield
    finally:
        for name in fakes:
            namespace.pop(name, None)
        namespace.update(originals)


def check_triple(
    response: str, feedback: str = "Okay.", request: str = "Write a function."
) -> dict[str, Any]:
    """Make a triple with a context of one turn."""
    context = [{"role": "user", "content": request}]
    return {"context": context, "response": response, "feedback": feedback}


def check_tokenizer() -> Any:
    """Train a tiny tokenizer on three sentences."""
    return train_tokenizer(CHECK_TEXTS, vocab_size=320)


def tiny_policy(tokenizer: Any, seed: int = 0) -> SimplePolicy:
    """Make a random policy of 16 hidden units."""
    torch.manual_seed(seed)
    return SimplePolicy(len(tokenizer), hidden_size=16, num_heads=2, num_layers=1)


def unigram_policy(tokenizer: Any, scores: dict[str, float]) -> SimplePolicy:
    """Make a policy that ignores its input: the logit of a token is its word's score.

    Args:
        tokenizer: Turns each word, with a space in front, into tokens.
        scores: Logit of the tokens of each word; every other token has the logit 0.

    Returns:
        The policy.
    """
    policy = tiny_policy(tokenizer)
    nn.init.zeros_(policy.norm.weight)  # the hidden state becomes 0, only the bias is left
    with torch.no_grad():
        for word, score in scores.items():
            policy.head.bias[tokenizer.encode(f" {word}")] = score
    return policy


def simple_sentiments(triples: list[dict[str, Any]]) -> dict[str, Any]:
    """Stand in for ``analyze_feedback_signals`` where the feedback is one of a few sentences."""
    known = {"Perfect, thanks.": "positive", "No, that is wrong.": "negative"}
    return {"sentiments": [known.get(triple["feedback"], "neutral") for triple in triples]}


class ScriptedPRM(nn.Module):
    """Stand in for a PRM: one fixed reward for each word that it finds in its input."""

    def __init__(self, tokenizer: Any, rewards: dict[str, float]):
        """Give ``rewards[word]`` to inputs that contain the word, and 0 to all others."""
        super().__init__()
        self.tokenizer, self.rewards = tokenizer, rewards
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Refuse a single pass: the rewards come from votes."""
        raise AssertionError("rewards: expected prm.majority_vote(...), got a single pass prm(...)")

    def majority_vote(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        num_votes: int = 5,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scripted rewards, and the same vote ``num_votes`` times."""
        texts = self.tokenizer.batch_decode(input_ids)
        found = [[r for word, r in self.rewards.items() if word in text] for text in texts]
        rewards = torch.tensor([hits[0] if hits else 0.0 for hits in found])
        return rewards, rewards.repeat(num_votes, 1)
