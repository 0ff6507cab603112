"""TODO 3: votes of a model whose logits are drawn, so that they are known."""

import random
from collections import Counter
from functools import partial
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import Namespace, shuffled


def draw_votes(rng: random.Random, num_votes: int = 5) -> dict[str, Any]:
    """Draw which class a row gets each time that the model reads it, whatever its mode."""
    rows = rng.randint(40, 60)
    return {
        "num_votes": num_votes,
        "ids": [
            [row, *(rng.randrange(60) for _ in range(4))]
            for row in shuffled(rng, list(range(rows)))
        ],
        "classes": [[rng.choices(range(3), (6, 3, 1), k=8)] * 4 for _ in range(rows)],
    }


def draw_ties(rng: random.Random) -> dict[str, Any]:
    """The same, for another number of votes."""
    return draw_votes(rng, rng.randint(2, 7))


def draw_same_votes(rng: random.Random, classes: int = 3) -> dict[str, Any]:
    """Draw classes that are the same each time; the cell asks for three votes, and for four."""
    given = draw_votes(rng, rng.randint(3, 4))
    return given | {"classes": [[[rng.randrange(classes)]] * 4 for _ in given["classes"]]}


def draw_two_classes(rng: random.Random) -> dict[str, Any]:
    """The same, with two classes."""
    return draw_same_votes(rng, 2)


def drawn_model(namespace: Namespace, classes: list[Any]) -> Any:
    """Make a model whose logits depend on the row, the mode and how often it has read the row."""
    torch, nn = namespace["torch"], namespace["nn"]
    seen: Counter[int] = Counter()

    class DrawnModel(namespace["ProcessRewardModel"]):  # type: ignore[misc]
        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            layers = [m for m in self.modules() if isinstance(m, nn.TransformerEncoderLayer)]
            is_training = all(layer.training for layer in layers) and bool(layers)
            has_graph = torch.is_grad_enabled() and any(p.requires_grad for p in self.parameters())
            mode = 2 * is_training + has_graph
            logits = torch.zeros(len(input_ids), 3)
            for place, row in enumerate(input_ids[:, 0].tolist()):
                passes = classes[row][mode]
                logits[place, passes[seen[row] % len(passes)]] = 5.0
                seen[row] += 1
            return logits

        def read(self) -> int:
            return seen.total()

    return DrawnModel(100, 16, 2)


def call_vote(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Let the drawn model vote; the reward and the votes of each row."""
    torch = namespace["torch"]
    model = drawn_model(namespace, given["classes"])
    ids = torch.tensor(given["ids"])
    mask = torch.ones_like(ids)
    rewards, votes = namespace["check_votes"](model, ids, mask, num_votes=given["num_votes"])
    return {"rewards": rewards.float(), "votes": votes.float(), "read": model.read()}


def rewards_and_votes(result: dict[str, Any]) -> list[Any]:
    """Look at both, not at how they came about."""
    return [result["rewards"], result["votes"]]


def are_mostly_equal(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether four of five rewards and votes are those of a model that is sure.

    Who lets chance into the votes at another place earns this cell, and no other.
    """
    tables = [[one["rewards"], *one["votes"]] for one in (expected, got)]
    if [len(row) for row in tables[0]] != [len(row) for row in tables[1]]:
        return False
    pairs = [pair for rows in zip(*tables, strict=True) for pair in zip(*rows, strict=True)]
    return sum(a == b for a, b in pairs) >= 0.8 * len(pairs)


def majority(column: list[float]) -> float | None:
    """Find the most common vote, None for a tie."""
    counts = Counter(column).most_common()
    is_tied = len(counts) > 1 and counts[0][1] == counts[1][1]
    return None if is_tied else counts[0][0]


def columns_of(result: dict[str, Any]) -> list[list[float]]:
    """List the votes of each row."""
    return [list(column) for column in zip(*result["votes"], strict=True)]


def are_majorities(expected: dict[str, Any], got: dict[str, Any], ties: bool = False) -> bool:
    """Tell whether rewards are the majority of votes that differ, and the model was asked for them.

    Which class a vote names, and of which row, other cells look at.
    """
    columns = columns_of(got)
    if len(columns) != len(expected["rewards"]) or len(got["rewards"]) != len(columns):
        return False
    for reward, column in zip(got["rewards"], columns, strict=True):
        most = majority(column)
        if (most is not None or ties) and reward != (most or 0):
            return False
    is_read = got["read"] >= len(columns) * (1 if ties else len(expected["votes"]))
    return is_read and len({vote for column in columns for vote in column}) == 3


def draw_mode(rng: random.Random) -> dict[str, Any]:
    """Draw votes that differ from pass to pass with dropout on and gradients off alone."""
    given = draw_votes(rng)
    modes = [[[rng.randrange(3)]] * 4 for _ in given["classes"]]
    for rows in modes:
        rows[2] = [rng.randrange(3) for _ in range(8)]
    return given | {"classes": modes, "train": rng.random() < 0.5}


def call_vote_modes(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Vote with the model in either mode; say what mode is left."""
    torch, results = namespace["torch"], []
    for train in (given["train"], not given["train"]):
        model = drawn_model(namespace, given["classes"]).train(train)
        with namespace["quiet"](), torch.enable_grad():
            _, votes = model.majority_vote(torch.tensor(given["ids"]), num_votes=given["num_votes"])
            is_on = torch.is_grad_enabled()
        left = any(module.training for module in model.modules())
        results.append({"votes": votes.float(), "left": [is_on, left], "read": model.read()})
    return results


def are_of_the_same_modes(expected: list[Any], got: list[Any]) -> bool:
    """Tell whether votes differ from pass to pass, and the same mode is left."""
    for right, mine in zip(expected, got, strict=True):
        shapes = [[len(row) for row in one["votes"]] for one in (right, mine)]
        rows = {tuple(row) for row in mine["votes"]}
        is_read = mine["read"] >= shapes[0][0]
        if right["left"] != mine["left"] or shapes[0] != shapes[1] or not is_read:
            return False
        if len(rows) != len(mine["votes"]):
            return False
    return True


def draw_masked(rng: random.Random) -> dict[str, Any]:
    """Draw rows with padding; the class depends on the real tokens."""
    rows = rng.randint(20, 40)
    return {
        "ids": [[rng.randrange(50) for _ in range(70)] for _ in range(rows)],
        "lengths": [rng.randint(2, 70) for _ in range(rows)],
        "classes": [rng.randrange(3) for _ in range(600)],
    }


def call_vote_masked(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Vote on rows with padding."""
    torch = namespace["torch"]
    classes = torch.tensor(given["classes"])

    class DrawnModel(namespace["ProcessRewardModel"]):  # type: ignore[misc]
        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
            chosen = classes[(input_ids * mask).sum(dim=1).long() % len(classes)]
            return 5.0 * torch.nn.functional.one_hot(chosen, 3).float()

    ids, lengths = torch.tensor(given["ids"]), torch.tensor(given["lengths"])
    mask = (torch.arange(70) < lengths.unsqueeze(1)).long()
    _, votes = namespace["check_votes"](DrawnModel(60, 16, 2), ids, mask, num_votes=3)
    return votes.float()


def same_rows(expected: list[list[float]], got: list[list[float]]) -> bool:
    """Tell whether rows of one class have one vote, whatever it is called; another class another."""
    pairs = {pair for rows in zip(expected, got, strict=True) for pair in zip(*rows, strict=True)}
    firsts, seconds = ({pair[i] for pair in pairs} for i in (0, 1))
    return len(pairs) == len(firsts) == len(seconds)


PROBES = [
    Probe(("todo3-test-shapes",), draw_two_classes, call_vote, agrees=are_mostly_equal),
    Probe(("todo3-test-scores",), draw_same_votes, call_vote, rewards_and_votes),
    Probe(("todo3-test-majority",), draw_votes, call_vote, agrees=are_majorities),
    Probe(
        ("todo3-test-ties",), draw_ties, call_vote, agrees=partial(are_majorities, ties=True), cases=6
    ),
    Probe(("todo3-test-mode",), draw_mode, call_vote_modes, agrees=are_of_the_same_modes),
    Probe(("todo3-test-mask",), draw_masked, call_vote_masked, agrees=same_rows),
]  # fmt: skip
