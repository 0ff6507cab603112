"""What the probes of several TODOs need.

The probes of NexaCode say what the second look asks of each function: one row per graded cell, by
its grade id. A probe looks at what its cell looks at, and at no more: an honest mistake that the
cell lets pass must not hold a submission. ``draw_*`` and what compares run outside the sandbox,
``call_*`` inside (docs/security.md). Nothing in this folder is a secret.
"""

import random
from typing import Any

Namespace = dict[str, Any]
GOOD, BAD, NEUTRAL = "Perfect, thanks.", "No, that is wrong.", "Okay."
VOCABULARY = ("alpha", "beta", "gamma", "delta")  # words that the tiny tokenizer has


def prepare(namespace: Namespace) -> None:
    """Set what the notebook's own lines would have set, whatever an answer has switched.

    Runs in the sandbox, after all definitions.
    """
    torch = namespace["torch"]
    torch.set_num_threads(1)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)  # "cpu" would do, but put a Python function before each call
    namespace["device"] = torch.device("cpu")


def word(rng: random.Random) -> str:
    """Make a word that has no word of any lexicon in it."""
    return "".join(rng.choice("klmrvz") + rng.choice("aou") for _ in range(3))


def phrase(rng: random.Random) -> str:
    """Make one to four words."""
    return " ".join(word(rng) for _ in range(rng.randint(1, 4)))


def shuffled(rng: random.Random, values: list[Any]) -> list[Any]:
    """Give the values in another order."""
    return rng.sample(values, len(values))


def sizes_of_bars(axis: Any) -> list[float]:
    """List widths and heights of what an axis shows."""
    boxes = [part.get_bbox() for part in axis.patches if hasattr(part, "get_bbox")]
    return [round(abs(float(size)), 6) for box in boxes for size in (box.width, box.height)]


def number(value: Any) -> float:
    """Make a float of a number or of a tensor of one."""
    value = value.detach() if hasattr(value, "detach") else value
    return float(value.item() if hasattr(value, "item") else value)


def lively_policy(namespace: Namespace, tokenizer: Any, seed: int) -> Any:
    """Make a policy with large weights: each token of the context changes the log-probs."""
    model = namespace["tiny_policy"](tokenizer, seed)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            namespace["nn"].init.normal_(parameter, std=0.3)
    return model


def triples_of(namespace: Namespace, rows: list[list[str]]) -> list[dict[str, Any]]:
    """Make triples of response, feedback and perhaps the request."""
    return [namespace["check_triple"](*row) for row in rows]
