"""The probes of NexaCode: what the second look asks of each function.

One row per graded cell, by its grade id. A probe looks at what its cell looks at, and at no more: an
honest mistake that the cell lets pass must not hold a submission. ``draw_*`` and what compares run
outside the sandbox, ``call_*`` inside (docs/security.md). Nothing in this file is a secret.
"""

import random
import string
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from nexa_grade.second_look.probe import Probe, nearly_equal

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
    torch.set_default_device("cpu")
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


# TODO 1


def draw_dialog(rng: random.Random) -> str:
    """Draw a plain dialog: no blank line and no name inside of a turn."""
    turns = []
    for i in range(rng.randint(2, 5)):
        text = f"{phrase(rng)}: {phrase(rng)}, {phrase(rng)}()."
        spaces = " " * rng.randint(0, 2)
        turns.append(f"\n\n{('Human', 'Assistant')[i % 2]}: {spaces}{text}{spaces}")
    return "".join(turns) + "\n" * rng.randint(0, 1)


def call_parse(namespace: Namespace, text: str) -> Any:
    """Parse a text into roles and contents."""
    return namespace["check_parsed"](text)


def draw_paragraphs(rng: random.Random) -> list[str]:
    """Draw dialogs whose first turn has blank lines and names inside."""
    a, b, c = (phrase(rng) for _ in range(3))
    contents = [
        f"{a}\nHuman: {b}\nand Assistant: {c}",
        f"{a}\n\n\n  {b} = 1\n\n  {c}  =  2",
        f"{a}\n\nNote: {b}\n\nTODO: {c}",
        f"{a}:\n\n  Human: {b}\n\nThe Assistant: {c}",
        f"{a}:\n\nhuman: {b}\n\nassistant: {c}",
        f"a {a}: is 'Human: Assistant: {b}' his text?",
    ]
    texts = [f"\n\nAssistant: {content}\n\nHuman: {c}" for content in shuffled(rng, contents)]
    return [*texts, f"\n\nHuman: {a}.\n\n{b}.\n\nAssistant: {c}."]


def call_parse_contents(namespace: Namespace, texts: list[str]) -> Any:
    """Parse texts and keep the contents."""
    return [[content for _, content in namespace["check_parsed"](text)] for text in texts]


def draw_edges(rng: random.Random) -> list[str]:
    """Draw dialogs with text before them, empty turns, or a speaker twice."""
    a, b, c = (phrase(rng) for _ in range(3))
    texts = [
        f"{a}.\n\n{b}.\n\nHuman: {c}",
        f"Human: {a}\n\nAssistant: {b}",
        f"{a} {b}",
        f"\n\nHuman: {a}\n\nHuman: {a}\n\nHuman: {b}",
        f"\n\nHuman: {a}\n\nAssistant:  \n\nHuman: {b}\n\nAssistant:",
        f"\n\nAssistant:{a}\n\nAssistant:{b}",
        "",
    ]
    return shuffled(rng, texts)


def call_parse_edges(namespace: Namespace, texts: list[str]) -> Any:
    """Parse texts, and what is no text."""
    parsed = [namespace["check_parsed"](text) for text in texts]
    refused = []
    for value in (7, None, texts[0].encode(), texts):
        try:
            namespace["parse_conversation"](value)
            refused.append("no error")
        except TypeError:
            refused.append("TypeError")
    return [parsed, refused]


def as_turns(letters: str, texts: list[str]) -> list[dict[str, str]]:
    """Make turns; U stands for the user, A for the assistant."""
    roles = {"U": "user", "A": "assistant"}
    return [{"role": roles[who], "content": text} for who, text in zip(letters, texts, strict=True)]


def draw_turns(rng: random.Random) -> list[list[dict[str, str]]]:
    """Draw a dialog of four turns."""
    return [as_turns("UAUA", [phrase(rng) for _ in range(4)])]


def draw_odd_turns(rng: random.Random) -> list[list[dict[str, str]]]:
    """Draw dialogs of speakers that do not alternate, and of equal texts."""
    a, b = word(rng), word(rng)
    free = [as_turns(letters, [phrase(rng) for _ in letters]) for letters in ("AUUAAUAU", "UAUAA")]
    return [*free, as_turns("UAUAU", [a, b, a, b, a]), []]


def call_extract(namespace: Namespace, dialogs: list[list[dict[str, str]]]) -> Any:
    """Extract triples; tell whether the turns are as they were."""
    results = []
    for turns in dialogs:
        given = namespace["copy"].deepcopy(turns)
        results.append([namespace["check_extracted"](given), given == turns])
    return results


def triples_alone(result: list[list[Any]]) -> list[Any]:
    """Look at the triples, not at what became of the turns."""
    return [triples for triples, _ in result]


# TODO 2


def draw_texts(rng: random.Random) -> list[str]:
    """Draw texts of words, numbers and white space."""
    gaps = (" ", "  ", "\n\n", "\t")
    return [
        "".join(
            rng.choice([word(rng), f"{word(rng)}-{word(rng)};", "=", "[1,", "2]"])
            + rng.choice(gaps)
            for _ in range(rng.randint(1, 30))
        ).strip()
        for _ in range(6)
    ]


def call_lengths(namespace: Namespace, texts: list[str]) -> Any:
    """Measure feedback and responses."""
    pairs = [namespace["check_triple"](*pair) for pair in zip(texts, texts[::-1], strict=True)]
    found = namespace["check_analysis"](pairs, "feedback_lengths", "response_lengths")
    return [[int(n) for n in found[f"{part}_lengths"]] for part in ("feedback", "response")]


def draw_feedback(rng: random.Random) -> list[str]:
    """Draw plain feedback of the three kinds."""
    kinds = [
        lambda: f"Great, that {word(rng)} works",
        lambda: f"No. Use a {word(rng)}.",
        lambda: f"What about {word(rng)}?",
        lambda: "thanks",
    ]
    return [rng.choice(kinds)() for _ in range(20)]


def call_sentiments(namespace: Namespace, feedback: list[str]) -> Any:
    """Judge feedback whose response and request have words of the lexicons; count."""
    triples = [
        namespace["check_triple"]("No errors, good!", text, request="Not this, thanks.")
        for text in feedback
    ]
    found = namespace["check_analysis"](triples, "sentiments")
    return [list(map(str, found["sentiments"])), namespace["check_counts"](found)]


def draw_whole_words(rng: random.Random) -> list[str]:
    """Draw feedback with words of the lexicons, and with words that only contain one."""
    traps = [
        "I know another way", "Nothing, notable", "The goodness of yesterday", "I cannot see it",
        "That is incorrect", "errors and badges", "Don't", "perfectly", "(yes)", "Wrong!",
        "Hm...no...use a loop", "Nice;next", "But why? You should fix it, please. I love tests.",
    ]  # fmt: skip
    lexicon = (
        "thanks thank great perfect good correct yes nice excellent exactly helpful awesome no not "
        "wrong incorrect bad don't doesn't didn't isn't can't won't never useless mistake error "
        "instead"
    ).split()
    texts = [*traps, *(f"Hm, {one}." for one in lexicon)]
    return [f"{text} {word(rng)}" for text in shuffled(rng, texts)]


def call_each_sentiment(namespace: Namespace, feedback: list[str]) -> Any:
    """Judge one feedback after another."""
    return [namespace["check_sentiment"](text) for text in feedback]


def draw_precedence(rng: random.Random) -> list[list[str]]:
    """Draw corrections with thanks; and feedback to be counted."""
    mixed = [
        f"Thanks, but that {word(rng)} is wrong", f"No, great {word(rng)}",
        f"GOOD {word(rng)}, but NOT what I asked", "Nice, good, thanks, but there is one error",
        f"Wrong {word(rng)}. Good style, great names, thanks", f"Not bad {word(rng)}, thanks",
        f"THANKS {word(rng)}", f"And {word(rng)}?",
    ]  # fmt: skip
    kinds = ["THANKS", f"And {word(rng)}?", "No", "Never"]
    return [shuffled(rng, mixed), [rng.choice(kinds) for _ in range(rng.randint(5, 20))], []]


def call_precedence(namespace: Namespace, given: list[list[str]]) -> Any:
    """Judge the first list one by one, and count the others."""
    mixed, *lists = given
    counts = [
        namespace["check_counts"](
            namespace["check_analysis"]([namespace["check_triple"]("r", text) for text in texts])
        )
        for texts in lists
    ]
    return [call_each_sentiment(namespace, mixed), counts]


def draw_analysis(rng: random.Random) -> dict[str, Any]:
    """Draw an analysis with counts that are all different."""
    counts = rng.sample(range(3, 40), 3)
    names = ("neutral", "negative", "positive")
    labels = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    return {
        "feedback_lengths": [rng.randint(1, 60) for _ in labels],
        "response_lengths": [rng.randint(1, 180) for _ in labels],
        "sentiments": shuffled(rng, labels),
        "sentiment_counts": dict(zip(names, counts, strict=True)),
    }


def call_plot_signals(namespace: Namespace, analysis: dict[str, Any]) -> Any:
    """Draw the analysis; return the number of axes and the sizes of all bars."""
    with namespace["quiet"]():
        figure = namespace["plot_feedback_signals"](analysis)
    namespace["plt"].close("all")
    return {
        "axes": len(figure.axes),
        "texts": sum(bool(axis.get_xlabel() and axis.get_ylabel()) for axis in figure.axes),
        "filled": sum(bool(axis.has_data()) for axis in figure.axes),
        "sizes": [sizes_of_bars(axis) for axis in figure.axes],
        "counts": list(analysis["sentiment_counts"].values()),
    }


def sizes_of_bars(axis: Any) -> list[float]:
    """List widths and heights of what an axis shows."""
    boxes = [part.get_bbox() for part in axis.patches if hasattr(part, "get_bbox")]
    return [round(abs(float(size)), 6) for box in boxes for size in (box.width, box.height)]


def axes_and_texts(result: dict[str, Any]) -> list[int]:
    """Look at the number of axes, of their labels, and of those that show something."""
    return [result["axes"], result["texts"], result["filled"]]


def has_bars_of_the_counts(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether one axis has a bar for each of the three counts."""
    counts = {round(float(count), 6) for count in expected["counts"]}
    return any(counts <= set(sizes) for sizes in got["sizes"])


def has_form_and_bars(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether axes and texts are there, and the bars of the counts."""
    is_formed = axes_and_texts(expected) == axes_and_texts(got)
    return is_formed and has_bars_of_the_counts(expected, got)


# TODO 3: a model whose logits are drawn, so that votes are known


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
        "ids": [[rng.randrange(50) for _ in range(10)] for _ in range(rows)],
        "lengths": [rng.randint(2, 10) for _ in range(rows)],
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
    mask = (torch.arange(10) < lengths.unsqueeze(1)).long()
    _, votes = namespace["check_votes"](DrawnModel(60, 16, 2), ids, mask, num_votes=3)
    return votes.float()


def same_rows(expected: list[list[float]], got: list[list[float]]) -> bool:
    """Tell whether rows of one class have one vote, whatever it is called; another class another."""
    pairs = {pair for rows in zip(expected, got, strict=True) for pair in zip(*rows, strict=True)}
    firsts, seconds = ({pair[i] for pair in pairs} for i in (0, 1))
    return len(pairs) == len(firsts) == len(seconds)


# TODO 4


def draw_loss(
    rng: random.Random, low: float = -0.6, high: float = 0.6, size: int = 0
) -> dict[str, Any]:
    """Draw what the loss gets: log-probs, advantages, lengths that fill the rows."""
    rows, columns = size or rng.randint(2, 4), size or rng.randint(3, 6)

    def matrix(least: float, most: float) -> list[list[float]]:
        return [[rng.uniform(least, most) for _ in range(columns)] for _ in range(rows)]

    ref = matrix(-3.0, -0.5)
    moves, older = matrix(low, high), matrix(-0.1, 0.1)
    return {
        "ref": ref,
        "new": added(ref, moves),
        "old": added(added(ref, moves), older),
        "advantages": [
            rng.choice((rng.uniform(-2, -0.3), rng.uniform(0.3, 1))) for _ in range(rows)
        ],
        "lengths": [columns] * rows,
        "beta": rng.uniform(0.1, 3.0),
    }


def added(one: list[list[float]], other: list[list[float]]) -> list[list[float]]:
    """Add two matrices."""
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]


def tensors_of(namespace: Namespace, given: dict[str, Any]) -> dict[str, Any]:
    """Make tensors of what was drawn."""
    torch = namespace["torch"]
    names = ("new", "ref", "old", "advantages", "lengths")
    return {name: torch.tensor(given[name]) for name in names if name in given}


def number(value: Any) -> float:
    """Make a float of a number or of a tensor of one."""
    value = value.detach() if hasattr(value, "detach") else value
    return float(value.item() if hasattr(value, "item") else value)


def call_loss_form(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Say what kind of a loss and of metrics comes back, and which way the gradient points."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    new = t["new"].requires_grad_()
    loss, metrics = namespace["grpo_tcr_loss"](
        new, t["ref"], t["advantages"], t["lengths"], beta_kl=0.0
    )
    loss.backward()
    names = ("mean_advantage", "mean_kl", "mean_length_penalty", "mean_ratio")
    kept = [name for name in names if getattr(metrics[name], "requires_grad", False)]
    is_finite = bool(torch.isfinite(loss))
    advantage = number(metrics["mean_advantage"])
    return [list(loss.shape), is_finite, new.grad.sign(), advantage, kept]


def draw_equal(rng: random.Random) -> dict[str, Any]:
    """Draw equal policies."""
    given = draw_loss(rng)
    return given | {"new": given["ref"]}


def call_loss_equal(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss of equal policies."""
    t = tensors_of(namespace, given)
    loss, metrics = namespace["grpo_tcr_loss"](t["new"], t["ref"], t["advantages"], t["lengths"])
    pair = (("mean_ratio", 1.0), ("mean_kl", 0.0))
    return [number(loss), *(number(metrics.get(name, value)) for name, value in pair)]


def draw_clip(rng: random.Random) -> dict[str, Any]:
    """Draw one row of two tokens, one ratio above and one below the clip range."""
    up, down = rng.uniform(0.35, 0.9), rng.uniform(-0.9, -0.4)
    other = {"eps_low": rng.uniform(0.45, 0.7), "eps_high": rng.uniform(0.05, 0.15)}
    return {"moves": [up, down], "other": other, "advantage": 1.0}


def call_loss_clip(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss for both signs of the advantage and two clip ranges."""
    torch, losses = namespace["torch"], []
    new, ref = torch.tensor([given["moves"]]), torch.zeros(1, 2)
    usual = {"eps_low": 0.2, "eps_high": 0.28}
    for sign in (1, -1):
        for clip in (usual, given["other"]):
            advantages = torch.tensor([sign * given["advantage"]])
            loss, _ = namespace["grpo_tcr_loss"](
                new, ref, advantages, torch.tensor([2]), **clip, beta_kl=0.0
            )
            losses.append(number(loss))
    loss, _ = namespace["grpo_tcr_loss"](new, ref, torch.ones(1), torch.tensor([2]), beta_kl=0.0)
    return [*losses, number(loss)]


def draw_tokens(rng: random.Random) -> dict[str, Any]:
    """Draw rows of other lengths, ratios inside the clip range, and numbers at the padding."""
    given = draw_loss(rng, -0.15, 0.15)
    columns = len(given["new"][0])
    lengths = [
        rng.randint(1, columns - 1),
        *(rng.randint(1, columns + 4) for _ in given["new"][1:]),
    ]
    return given | {"lengths": lengths, "noise": [rng.uniform(-8, 8), rng.uniform(-8, 8)]}


def call_loss_tokens(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute surrogate and KL with padding; the KL minus that of the same tokens in one row."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of, columns = namespace["grpo_tcr_loss"], t["new"].shape[1]
    real = torch.arange(columns) < t["lengths"].unsqueeze(1)
    count = torch.tensor([int(real.sum())])
    one_row = t["new"][real][None], t["ref"][real][None], torch.zeros(1), count
    alone = number(loss_of(*one_row, beta_kl=5.0)[0])
    noisy = [
        t[name].masked_fill(~real, x)
        for name, x in zip(("new", "ref"), given["noise"], strict=True)
    ]
    results = []
    for pair in ((t["new"], t["ref"]), noisy):
        surrogate = loss_of(*pair, t["advantages"], t["lengths"], beta_kl=0.0)[0]
        kl = loss_of(*pair, torch.zeros(len(real)), t["lengths"], beta_kl=5.0)[0]
        results += [number(surrogate), number(kl) - alone]
    return results


def draw_kl(rng: random.Random) -> dict[str, Any]:
    """Draw gaps between reference and policy."""
    return {
        "gaps": [rng.uniform(-1.5, 1.5) for _ in range(rng.randint(1, 4))],
        "beta": rng.uniform(0.2, 3),
    }


def call_loss_kl(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the KL penalty, its gradient and its metric."""
    torch, results = namespace["torch"], []
    count = len(given["gaps"])
    for weight in ({"beta_kl": given["beta"]}, {}):
        new = torch.full((1, count), -4.0, requires_grad=True)
        ref = new.detach() + torch.tensor([given["gaps"]])
        loss, metrics = namespace["grpo_tcr_loss"](
            new, ref, torch.zeros(1), torch.tensor([count]), **weight
        )
        loss.backward()
        results.append([number(loss), new.grad, number(metrics.get("mean_kl", 0.0))])
    return results


def same_but_for_a_missing_metric(expected: list[Any], got: list[Any]) -> bool:
    """Compare; the metric may be missing, which another cell looks for."""
    for right, mine in zip(expected, got, strict=True):
        if not nearly_equal(right[:2], mine[:2]):
            return False
        if mine[2] != 0.0 and not nearly_equal(right[2], mine[2]):
            return False
    return True


def draw_square(rng: random.Random) -> dict[str, Any]:
    """Draw two rows of two tokens, inside the clip range, with advantages of both signs."""
    given = draw_loss(rng, -0.12, 0.12, size=2)
    advantages = shuffled(rng, [rng.uniform(0.3, 1), rng.uniform(-1, -0.3)])
    return given | {"advantages": advantages}


def draw_old(rng: random.Random) -> dict[str, Any]:
    """Draw a policy that sampled, near the new one, and a reference further away."""
    given, new, move = draw_square(rng), rng.uniform(-2, -1), rng.uniform(0.05, 0.15)
    gaps = rng.uniform(0.2, 0.5), rng.uniform(-0.5, -0.2)
    return given | {
        "new": [[new] * 2] * 2, "old": [[new - move] * 2] * 2, "ref": [[new + gap] * 2 for gap in gaps]
    }  # fmt: skip


def call_loss_old(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss against old log-probs; the change of the KL by them; and other gradients."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of, old = namespace["grpo_tcr_loss"], {"log_probs_old": t["old"]}
    fixed, nothing = (t["new"], t["ref"]), torch.zeros(len(t["new"]))
    loss, metrics = loss_of(*fixed, t["advantages"], t["lengths"], beta_kl=0.0, **old)
    pair = [
        number(loss_of(*fixed, nothing, t["lengths"], beta_kl=5.0, **more)[0]) for more in ({}, old)
    ]
    reached = []
    for given_old in (True, False):
        new, ref, older = (t[name].clone().requires_grad_() for name in ("new", "ref", "old"))
        options = {"log_probs_old": older} if given_old else {}
        loss_of(new, ref, t["advantages"], t["lengths"], **options)[0].backward()
        reached += [bool(x.grad is not None and x.grad.any()) for x in (ref, older)]
    ratio = metrics.get("mean_ratio")
    return [number(loss), None if ratio is None else number(ratio), pair[1] - pair[0], *reached]


def same_old(expected: list[Any], got: list[Any]) -> bool:
    """Compare; the ratio may be missing, which another cell looks for."""
    return nearly_equal(expected, [got[0], expected[1] if got[1] is None else got[1], *got[2:]])


def draw_metrics(rng: random.Random) -> dict[str, Any]:
    """Draw rows of different lengths and limits of the length penalty."""
    given = draw_loss(rng)
    columns = len(given["new"][0])
    lengths = [rng.randint(1, columns) for _ in given["new"]]
    return given | {"lengths": lengths, "L_max": columns + 1, "L_cache": rng.randint(2, 3)}


def call_loss_metrics(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the metrics; the KL minus that of the same tokens in one row."""
    torch, t = namespace["torch"], tensors_of(namespace, given)
    loss_of = namespace["grpo_tcr_loss"]
    arguments = t["new"], t["ref"], t["advantages"], t["lengths"]
    loss, metrics = loss_of(*arguments, L_max=given["L_max"], L_cache=given["L_cache"])
    real = torch.arange(t["new"].shape[1]) < t["lengths"].unsqueeze(1)
    count = torch.tensor([int(real.sum())])
    one_row = t["new"][real][None], t["ref"][real][None], torch.zeros(1), count
    alone = number(loss_of(*one_row)[1].get("mean_kl", 0.0))
    names = ("mean_advantage", "mean_ratio", "mean_length_penalty")
    relaxed = number(loss_of(*arguments)[0])
    values = [number(metrics[name]) for name in names]
    return [*values, number(metrics["mean_kl"]) - alone, number(loss) - relaxed]


# TODO 5: training of a tiny policy


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


def metrics_of(kl: float = 0.25) -> dict[str, float]:
    """Make metrics as a fake loss returns them."""
    names = ("mean_advantage", "mean_length_penalty", "mean_ratio", "clip_fraction")
    return dict.fromkeys(names, 0.25) | {"mean_kl": kl}


@contextmanager
def fakes_of_training(namespace: Namespace, loss: Any, **more: Any) -> Iterator[None]:
    """Put fakes in the place of what other TODOs have to do."""
    fakes = {"grpo_tcr_loss": loss, "analyze_feedback_signals": namespace["simple_sentiments"]}
    space = namespace["replaced"](namespace, **fakes, **more)
    with namespace["quiet"](), space:
        yield


def trainees(namespace: Namespace, seeds: tuple[int, int] = (0, 0)) -> tuple[Any, Any, Any, Any]:
    """Make a tokenizer, a policy, its frozen reference, and a PRM that knows praise."""
    tokenizer = namespace["check_tokenizer"]()
    policy, reference = (namespace["tiny_policy"](tokenizer, seed) for seed in seeds)
    judge = namespace["ScriptedPRM"](tokenizer, {"Perfect": 1.0, "wrong": -1.0})
    return tokenizer, policy, reference.requires_grad_(False), judge


def draw_training(rng: random.Random) -> dict[str, Any]:
    """Draw praised and corrected responses, and sizes."""
    words = shuffled(rng, list(VOCABULARY))
    rows = [
        [words[0], GOOD],
        [f"{words[0]} {words[1]}", GOOD],
        [words[2], BAD],
        [f"{words[2]} {words[3]}", BAD],
    ]
    return {
        "rows": rows * 2,
        "steps": rng.randint(2, 6),
        "seed": rng.randrange(10**6),
        "lr": rng.uniform(0.1, 0.9),
        "scale": rng.uniform(500, 2000),
    }


def call_train_lists(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train for some steps; the lengths of the lists, and what no triples give."""
    tokenizer, policy, reference, judge = trainees(namespace)
    triples, train = triples_of(namespace, given["rows"]), namespace["train_grpo_tcr"]
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        history = train(
            policy, reference, judge, triples, tokenizer, num_steps=given["steps"], batch_size=4
        )
        try:
            train(policy, reference, judge, [], tokenizer, num_steps=1)
            error = "none"
        except ValueError:
            error = "ValueError"
    names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
    finite = [all(abs(number(x)) < 1e9 for x in history[name]) for name in names]
    of_one_kind = [numbers_of_one_kind(namespace, said) for said in (GOOD, BAD)]
    return [[len(history[name]) for name in names], finite, error, of_one_kind]


def numbers_of_one_kind(namespace: Namespace, feedback: str) -> list[float]:
    """Train one step on triples of one kind of feedback; mean reward and agreement."""
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, [[word, feedback] for word in VOCABULARY])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        history = namespace["train_grpo_tcr"](
            policy, reference, judge, triples, tokenizer, num_steps=1, batch_size=4
        )
    return [number(history[name][0]) for name in ("mean_rewards", "prm_accuracies")]


def learns(namespace: Namespace) -> bool:
    """Tell whether training moves praise up and corrections down, as the notebook's tool checks."""
    try:
        namespace["check_learning"]()
    except AssertionError:
        return False
    return True


def call_train_changes(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train for two steps; say what has changed."""
    torch, deepcopy = namespace["torch"], namespace["copy"].deepcopy
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, given["rows"])
    trio = (policy, reference, judge)
    before, triples_before = [deepcopy(model.state_dict()) for model in trio], deepcopy(triples)
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        namespace["train_grpo_tcr"](*trio, triples, tokenizer, num_steps=2, batch_size=8)
    same = [
        all(torch.equal(old, model.state_dict()[name]) for name, old in state.items())
        for model, state in zip(trio, before, strict=True)
    ]
    pairs = [VOCABULARY[:2], VOCABULARY[1::-1]]
    moves = [namespace["moves_of"](*pair, num_steps=2, lr=1e-2) for pair in pairs]
    return [*same, triples == triples_before, [up > down for up, down in moves]]


def call_train_optimizer(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train with scripted losses; norms of gradients at each step, and how far weights shrink."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    results = []
    for scales, options in (([given["scale"], 0.0], {}), ([0.0], {"lr": given["lr"]})):
        tokenizer, policy, reference, judge = trainees(namespace)
        calls: list[Any] = []
        norms: list[float] = []

        def loss(
            log_probs_new: Any, *_: Any, scales: Any = scales, calls: Any = calls, **__: Any
        ) -> Any:
            calls.append(scales[min(len(calls), len(scales) - 1)] * log_probs_new.sum())
            return calls[-1], metrics_of()

        def watch(_: Any, *__: Any, policy: Any = policy, norms: Any = norms) -> None:
            parts = [p.grad.norm() ** 2 for p in policy.parameters() if p.grad is not None]
            norms.append(float(sum(parts)) ** 0.5)

        before = [p.detach().clone() for p in policy.parameters()]
        handle = register_optimizer_step_pre_hook(watch)
        triples = triples_of(namespace, given["rows"])
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss):
            namespace["train_grpo_tcr"](
                policy, reference, judge, triples, tokenizer, num_steps=len(scales), **options
            )
        handle.remove()
        pairs = list(zip(policy.parameters(), before, strict=True))
        moved = any(not namespace["torch"].equal(p, old) for p, old in pairs)
        kept = min(float(p.detach().norm() / old.norm()) for p, old in pairs if old.norm() > 0)
        results.append({
            "moved": moved, "called": bool(calls), "norms": norms, "kept": kept,
            "learns": bool(calls) or learns(namespace),
        })  # fmt: skip
    return results


def same_optimizer(expected: list[Any], got: list[Any]) -> bool:
    """Compare as the cell does; a loss that is computed in place is judged by other cells."""
    clipped, shrunk = got
    is_right = all(one["moved"] and one["learns"] for one in got)
    if clipped["called"] and clipped["norms"]:
        large, none = clipped["norms"]
        is_right = is_right and abs(large - 1.0) < 0.01 and none < 1e-6
    if shrunk["called"]:
        is_right = is_right and abs(shrunk["kept"] - expected[1]["kept"]) < 0.001
    return bool(is_right)


def draw_direction(rng: random.Random) -> dict[str, Any]:
    """Draw two responses, which of them is praised, and their order."""
    good, bad = rng.sample(VOCABULARY, 2)
    rows = shuffled(rng, [[f"{good} {good}", GOOD], [bad, BAD]])
    return {"rows": rows * 4, "seed": rng.randrange(10**6)}


def call_train_direction(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train; how far the log-prob of each response has moved."""
    torch = namespace["torch"]
    tokenizer, policy, reference, judge = trainees(namespace)
    triples = triples_of(namespace, given["rows"])
    namespace["set_seed"](given["seed"])
    with fakes_of_training(namespace, namespace["fake_loss"]):
        namespace["train_grpo_tcr"](
            policy, reference, judge, triples, tokenizer, num_steps=30, batch_size=8, lr=1e-2
        )
    batch = namespace["encode_examples"](triples_of(namespace, given["rows"][:2]), tokenizer)
    with torch.no_grad():
        pair = [namespace["response_log_probs"](model, batch) for model in (policy, reference)]
    return (pair[0] - pair[1]).sum(dim=1) / batch["response_lengths"]


def are_of_one_sign(expected: list[float], got: list[float]) -> bool:
    """Tell whether the two numbers have the signs that they should have, but for a small one."""
    least = max(map(abs, got)) / 20
    pairs = zip(expected, got, strict=True)
    are_apart = (expected[0] - expected[1]) * (got[0] - got[1]) > 0
    return are_apart and all(right * mine > 0 or abs(mine) < least for right, mine in pairs)


def draw_loss_inputs(rng: random.Random) -> dict[str, Any]:
    """Draw two responses of different lengths, the weights of two policies, and beta."""
    words = shuffled(rng, list(VOCABULARY))
    rows = [[f"{words[0]} {words[1]}", GOOD], [words[2], BAD, "Write."]]
    return {
        "rows": rows * 4,
        "few": rows[:1] * 5 + rows[1:] * 15,
        "seeds": [rng.randrange(10**6), rng.randrange(10**6)],
        "beta": rng.uniform(0.02, 0.2),
        "seed": rng.randrange(10**6),
    }


def call_train_loss_inputs(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step, and then eight; what has reached the loss."""
    torch = namespace["torch"]
    tokenizer, _, _, judge = trainees(namespace)
    policy, reference = (lively_policy(namespace, tokenizer, seed) for seed in given["seeds"])
    reference.requires_grad_(False)
    calls: list[dict[str, Any]] = []

    def loss(
        log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
        eps_low: float = 0.2, eps_high: float = 0.28, beta_kl: float = 0.01,
        L_max: int = 512, L_cache: int = 100, log_probs_old: Any = None,
    ) -> Any:  # fmt: skip
        old = log_probs_ref if log_probs_old is None else log_probs_old
        calls.append({
            "lengths": [int(n) for n in response_lengths], "beta": float(beta_kl),
            "new": log_probs_new.detach(), "ref": log_probs_ref.detach(),
            "old_is_ref": torch.allclose(old, log_probs_ref),
        })  # fmt: skip
        return 0.0 * (log_probs_new + log_probs_ref).sum(), metrics_of()

    before = [p.detach().clone() for p in policy.parameters()]
    namespace["set_seed"](given["seed"])
    arguments = (policy, reference, judge)
    train, rows = namespace["train_grpo_tcr"], triples_of(namespace, given["rows"])
    with fakes_of_training(namespace, loss):
        train(*arguments, rows, tokenizer, num_steps=1, batch_size=5, beta_kl=given["beta"])
        moved = any(
            not torch.equal(p, old) for p, old in zip(policy.parameters(), before, strict=True)
        )
        first = calls[0] if calls else None
        calls.clear()
        few = triples_of(namespace, given["few"])
        train(*arguments, few, tokenizer, num_steps=8, batch_size=5)
    drawn = sorted({n for call in calls for n in call["lengths"]})
    if first is None:
        return {"moved": moved, "called": False, "learns": learns(namespace)}
    by_length: dict[str, list[Any]] = {}
    spread = 0.0
    for row, n in enumerate(first["lengths"]):
        pair = [first[name][row, :n].float() for name in ("new", "ref")]
        known = by_length.setdefault(str(n), pair)
        spread = max(
            spread, *(float((a - b).abs().max()) for a, b in zip(pair, known, strict=True))
        )
    return {
        "moved": moved, "called": True, "by_length": by_length, "is_equal": spread < 1e-3,
        "count": len(first["lengths"]), "beta": first["beta"], "old": first["old_is_ref"],
        "drawn": drawn,
    }  # fmt: skip


def same_if_called(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Compare; a loss that is computed in place is judged by other cells."""
    if not got["called"]:
        return bool(got["moved"] and got["learns"])
    right, mine = expected["by_length"], got["by_length"]
    others = [
        {name: x for name, x in one.items() if name != "by_length"} for one in (expected, got)
    ]
    return nearly_equal(*others) and all(
        name in right and are_close(right[name], values, 2e-3) for name, values in mine.items()
    )


def are_close(expected: list[Any], got: list[Any], tolerance: float) -> bool:
    """Compare lists of lists of numbers."""
    return all(
        len(a) == len(b) and all(abs(x - y) < tolerance for x, y in zip(a, b, strict=True))
        for a, b in zip(expected, got, strict=True)
    )


def draw_advantages(rng: random.Random) -> dict[str, Any]:
    """Draw how many responses are praised, and how long the long ones are."""
    a, b = rng.sample(VOCABULARY[:2], 2)
    rows = [[f"{a} {a}", GOOD], [b, NEUTRAL]] * rng.randint(5, 9)
    texts = [
        "alpha",
        "alpha " * rng.randint(60, 74) + "alpha",
        "wxyz " * rng.randint(90, 94) + "wxyz",
    ]
    return {
        "rows": rows, "long": [[text, GOOD] for text in texts] * 6, "seed": rng.randrange(10**6),
    }  # fmt: skip


def long_encoder(namespace: Namespace) -> Any:
    """Make an encoder that lets responses be so long that the overlong shaping acts."""
    encode = namespace["encode_examples"]

    def encode_long(
        triples: Any, tokenizer: Any, max_context: int = 256, max_response: int = 128,
        device: Any = "cpu", response_ids: Any = None,
    ) -> Any:  # fmt: skip
        return encode(triples, tokenizer, max_context, 512, device, response_ids)

    return encode_long


def call_train_advantages(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step on each of two batches; advantages and lengths."""
    results = []
    for name in ("rows", "long"):
        tokenizer, policy, reference, _ = trainees(namespace)
        judge = namespace["ScriptedPRM"](tokenizer, {"Perfect": 1.0})
        triples, calls = triples_of(namespace, given[name]), []

        def loss(
            log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
            *_: Any, calls: Any = calls, **__: Any,
        ) -> Any:  # fmt: skip
            lengths = [int(n) for n in response_lengths]
            calls.append([advantages.detach().float().tolist(), lengths])
            return 0.0 * (log_probs_new + log_probs_ref).sum(), metrics_of()

        before = [p.detach().clone() for p in policy.parameters()]
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss, encode_examples=long_encoder(namespace)):
            namespace["train_grpo_tcr"](
                policy, reference, judge, triples, tokenizer, num_steps=1, batch_size=len(triples)
            )
        pairs = zip(policy.parameters(), before, strict=True)
        moved = any(not namespace["torch"].equal(p, old) for p, old in pairs)
        results.append({
            "moved": moved, "called": calls[0] if calls else None,
            "learns": bool(calls) or learns(namespace),
        })  # fmt: skip
    return results


def standardized(values: list[float]) -> list[float]:
    """Compare within a group, as advantages do."""
    mean = sum(values) / len(values)
    std = (sum((x - mean) ** 2 for x in values) / (len(values) - 1)) ** 0.5
    return [(x - mean) / std if std > 1e-6 else 0.0 for x in values]


def same_advantages(_: list[Any], got: list[Any]) -> bool:
    """Compare as the cell does: with the rewards that the advantages themselves tell."""
    if not all(result["moved"] and result["learns"] for result in got):
        return False
    plain, shaped = (result["called"] for result in got)
    if plain:
        values, _ = plain
        mean = sum(values) / len(values)
        right = standardized([float(x > mean) for x in values])
        if not are_close([right], [values], 0.1):
            return False
    if not shaped or max(shaped[1]) <= 412:
        return True
    values, lengths = shaped
    long = [x for x, n in zip(values, lengths, strict=True) if n > 412]
    short = [x for x, n in zip(values, lengths, strict=True) if n <= 412]
    is_apart = max(long) < min(short) - 0.5 and max(short) - min(short) < 0.01
    return abs(sum(values) / len(values)) < 0.01 and is_apart


def draw_rewards(rng: random.Random) -> dict[str, Any]:
    """Draw feedback with the PRM's rewards, and the seed."""
    pairs = [[GOOD, 1.0], [GOOD, -1.0], [NEUTRAL, 0.0], [NEUTRAL, -1.0]]
    return {"pairs": shuffled(rng, pairs)[:3], "seed": rng.randrange(10**6)}


def call_train_rewards(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Train one step on each batch; the four numbers, and what the loss has said."""
    torch, results = namespace["torch"], []
    for feedback, reward in [*given["pairs"], (None, 1.0)]:
        tokenizer, policy, reference, _ = trainees(namespace, (0, 1))
        calls: list[list[float]] = []

        class Jury(namespace["ScriptedPRM"]):  # type: ignore[misc]
            """A PRM whose votes differ; the majority has the scripted reward."""

            def majority_vote(
                self, input_ids: Any, attention_mask: Any = None, num_votes: int = 5
            ) -> Any:
                rewards, votes = super().majority_vote(input_ids, attention_mask, num_votes)
                votes[num_votes // 2 + 1 :] = 0.0
                return rewards, votes

        def loss(
            log_probs_new: Any, log_probs_ref: Any, advantages: Any, response_lengths: Any,
            *_: Any, calls: Any = calls, **__: Any,
        ) -> Any:  # fmt: skip
            mask = namespace["response_mask"](response_lengths, log_probs_new.shape[1])
            gap = (log_probs_ref - log_probs_new).detach()[mask]
            value = 3.0 - 0.1 * (advantages.unsqueeze(1) * log_probs_new * mask).sum()
            kl = float((torch.exp(gap) - gap - 1).mean())
            lengths = [int(n) for n in response_lengths]
            share = sum(n == max(lengths) for n in lengths) / len(lengths)
            calls.append([number(value), kl, 1.0, share])
            return value, metrics_of(kl)

        mixed = [["alpha alpha", GOOD], ["alpha", NEUTRAL]] * 8
        rows = mixed if feedback is None else [["alpha " * 460, feedback]] * 4
        known = {"Perf": 1.0, "Okay": 1.0} if feedback is None else {feedback[:4]: reward}
        triples = triples_of(namespace, rows)
        namespace["set_seed"](given["seed"])
        with fakes_of_training(namespace, loss, encode_examples=long_encoder(namespace)):
            history = namespace["train_grpo_tcr"](
                policy, reference, Jury(tokenizer, known), triples, tokenizer, num_steps=1,
                batch_size=len(triples),
            )  # fmt: skip
        names = ("losses", "kl_divs", "mean_rewards", "prm_accuracies")
        results.append([[number(history[name][0]) for name in names], calls[0] if calls else None])
    return results


def same_rewards(expected: list[Any], got: list[Any]) -> bool:
    """Compare rewards and accuracies; and all four numbers with what the loss has said."""
    *right, _ = expected
    *mine, (numbers, said) = got
    values = zip(right, mine, strict=True)
    is_same = all(nearly_equal(one[0][2:], other[0][2:]) for one, other in values)
    return is_same and (said is None or nearly_equal(said, numbers))


def draw_sessions(rng: random.Random) -> dict[str, Any]:
    """Draw requests, replies, and where a developer leaves."""
    sessions, turns, group = rng.randint(2, 4), rng.randint(2, 3), rng.randint(2, 4)
    replies = [
        [[f"{phrase(rng)} s{s} t{t} i{i}" for i in range(group)] for t in range(turns)]
        for s in range(sessions)
    ]
    return {
        "group": group,
        "turns": turns,
        "requests": [f"{phrase(rng)} s{s}" for s in range(sessions)],
        "replies": replies,
        "leaves": [rng.randint(0, turns), *[turns] * (sessions - 1)],
        "seed": rng.randrange(10**6),
    }


def call_roll(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Collect rollouts with developers whose replies are drawn."""
    return roll(namespace, given, [10**6] * len(given["requests"]))


def call_roll_groups(namespace: Namespace, given: dict[str, Any]) -> Any:
    """The same, with developers who leave."""
    return roll(namespace, given, given["leaves"])


def roll(namespace: Namespace, given: dict[str, Any], leaves: list[int]) -> Any:
    """Collect rollouts, and say of each record what can be compared."""
    torch, made, said = namespace["torch"], [], []

    class Session(namespace["LiveSession"]):  # type: ignore[misc]
        """A session whose request and replies are drawn."""

        def __init__(self, developer: Any, rng: Any, *_: Any, **__: Any) -> None:
            self.developer, self.rng, self.ended, self.turn = developer, rng, False, 0
            self.number = len(made) % len(given["requests"])
            made.append(self)
            self.context = [{"role": "user", "content": given["requests"][self.number]}]

        def answer(self, responses: list[str]) -> list[str | None]:
            if self.turn >= leaves[self.number]:
                self.ended = True
                said.extend([text, None] for text in responses)
                return [None] * len(responses)
            replies = given["replies"][self.number][self.turn % given["turns"]][: len(responses)]
            self.turn += 1
            said.extend(map(list, zip(responses, replies, strict=True)))
            self.context = [
                *self.context,
                {"role": "assistant", "content": responses[0]},
                {"role": "user", "content": replies[0]},
            ]
            return list(replies)

    tokenizer = namespace["check_tokenizer"]()
    policy = lively_policy(namespace, tokenizer, given["seed"])
    namespace["set_seed"](given["seed"])
    with namespace["quiet"](), namespace["replaced"](namespace, LiveSession=Session):
        records = namespace["collect_rollouts"](
            policy, namespace["DEVELOPERS"][0], tokenizer, len(given["requests"]), given["turns"],
            given["group"], 4, given["seed"],
        )  # fmt: skip
    results = []
    for record in records:
        ids, noted = list(record["response_ids"]), list(map(float, record["log_probs_old"]))
        one = {"context": list(record["context"]), "response": ""}
        batch = namespace["encode_examples"]([one], tokenizer, response_ids=[ids])
        with torch.no_grad():
            right = namespace["response_log_probs"](policy, batch)[0].tolist()
        users = [turn["content"] for turn in record["context"] if turn["role"] == "user"]
        results.append({
            "users": users, "session": int(record["session"]), "turn": int(record["turn"]),
            "is_said": [record["response"], record["feedback"]] in said,
            "feedback": record["feedback"], "mask": float(record["loss_mask"]), "count": len(noted),
            "is_close": len(right) == len(noted)
            and all(abs(a - b) < 1e-3 for a, b in zip(right, noted)),
        })  # fmt: skip
    return results


def are_records(expected: list[Any], got: list[Any]) -> bool:
    """Tell whether each response has an answered record; an empty one may be left out."""
    is_answered = all(isinstance(one["feedback"], str) and one["mask"] == 1.0 for one in got)
    is_short = all(0 <= one["count"] <= 4 and one["is_said"] for one in got)
    return is_answered and is_short and len(expected) / 2 <= len(got) <= len(expected)


def same_groups(expected: list[Any], got: list[Any]) -> bool:
    """Compare records in any order of groups; a group stands together, in its own order."""

    def content(records: list[Any]) -> list[Any]:
        return sorted([one["users"], str(one["feedback"]), one["mask"]] for one in records)

    if not nearly_equal(content(expected), content(got)) or not all(one["is_close"] for one in got):
        return False
    key = {}
    group = Counter(tuple(one["users"]) for one in expected)
    for users, size in group.items():
        places = [i for i, one in enumerate(got) if tuple(one["users"]) == users]
        order = [one["feedback"] for one in expected if tuple(one["users"]) == users]
        if places != list(range(places[0], places[0] + size)):
            return False
        if [got[i]["feedback"] for i in places] != order:
            return False
        labels = {(got[i]["session"], got[i]["turn"] - len(users)) for i in places}
        key.setdefault(users[0], set()).update(labels)
    one_label_each = all(len(labels) == 1 for labels in key.values())
    return one_label_each and len(
        {session for labels in key.values() for session, _ in labels}
    ) == len(key)


# TODO 6


def draw_scores(rng: random.Random) -> dict[str, Any]:
    """Draw a policy that likes one word more and one less; responses with feedback; a baseline."""
    up, down = rng.uniform(0.5, 3.0), rng.uniform(-3.0, -0.5)
    texts = ["alpha", "beta", "gamma", "gamma delta gamma", "alpha alpha delta beta beta"]
    rows = [[rng.choice(texts), rng.choice((GOOD, BAD, NEUTRAL))] for _ in range(rng.randint(3, 9))]
    return {
        "scores": {"alpha": up, "beta": down},
        "rows": [["alpha", GOOD], ["beta", BAD], *rows],
        "baselines": [rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), 1.0],
        "seeds": [rng.randrange(10**6), rng.randrange(10**6)],
    }


def evaluate(namespace: Namespace, given: dict[str, Any], rows: Any, baseline: float = 0.5) -> Any:
    """Evaluate a policy with drawn scores against a flat one."""
    tokenizer = namespace["check_tokenizer"]()
    models = (namespace["unigram_policy"](tokenizer, scores) for scores in (given["scores"], {}))
    return namespace["evaluate_check"](*models, triples_of(namespace, rows), baseline)


def call_evaluate_keys(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Evaluate; what kind of results come back, and the signs of two moves and of the KL."""
    results = evaluate(namespace, given, given["rows"])
    moves = results["log_prob_improvements"]
    names = ("preference_accuracy", "mean_kl", "correction_rate_reduction")
    numbers = [namespace["check_number"](results, name) for name in names]
    are_finite = all(bool(namespace["np"].isfinite(x)) for x in numbers)
    signs = [number(moves[0]) > 0, number(moves[1]) < 0, numbers[1] > 0]  # alpha up, beta down
    return [len(moves), are_finite, 0 <= numbers[0] <= 1, signs]


def draw_improvements(rng: random.Random) -> dict[str, Any]:
    """Draw many triples with contexts of one or three turns."""
    given = draw_scores(rng)
    texts = ("gamma delta", "alpha alpha alpha", "alpha", "beta")
    many = [
        [rng.choice(texts), rng.choice((GOOD, BAD, NEUTRAL)), rng.choice(("Write.", "delta, no."))]
        for _ in range(rng.randint(34, 50))
    ]
    return given | {"many": many}


def call_evaluate_improvements(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Evaluate two kinds of policies; the improvement of each triple."""
    few = [[text, feedback] for text, feedback in given["rows"]]
    first = evaluate(namespace, given, few)["log_prob_improvements"]
    tokenizer = namespace["check_tokenizer"]()
    pair = [lively_policy(namespace, tokenizer, seed) for seed in given["seeds"]]
    triples = triples_of(namespace, given["many"])
    for triple in triples[::3]:
        before = namespace["check_triple"]("", request="Thanks, beta.")["context"]
        turn = {"role": "assistant", "content": "alpha gamma"}
        triple["context"] = [*before, turn, *triple["context"]]
    second = namespace["evaluate_check"](*pair, triples)["log_prob_improvements"]
    return [[number(x) for x in first], [number(x) for x in second]]


def draw_accuracy(rng: random.Random) -> dict[str, Any]:
    """Draw lists of praised, corrected and neutral responses; some lack one kind."""
    up, down = rng.uniform(0.5, 3.0), rng.uniform(-3.0, -0.5)

    def rows(kinds: tuple[str, ...]) -> list[list[str]]:
        count = rng.randint(2, 7)
        return [[rng.choice(("alpha", "beta")), rng.choice(kinds)] for _ in range(count)]

    both = [["alpha", GOOD], ["beta", BAD], ["alpha", BAD]]
    return {
        "scores": {"alpha": up, "beta": down},
        "lists": [
            [*both, *rows((GOOD, BAD, NEUTRAL))], [*both, *rows((GOOD, GOOD, BAD))],
            rows((GOOD,)), [*rows((BAD,)), ["alpha", NEUTRAL]], [["alpha", NEUTRAL]],
        ],
    }  # fmt: skip


def call_evaluate_accuracy(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Evaluate; the accuracies, and that of a policy that has not moved."""
    found = [evaluate(namespace, given, rows)["preference_accuracy"] for rows in given["lists"]]
    still = evaluate(namespace, {"scores": {}}, given["lists"][0])["preference_accuracy"]
    return [number(x) for x in (*found, still)]


def call_evaluate_kl(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Evaluate few and many triples; the KL, the accuracy, and the reductions."""
    check = namespace["check_number"]
    labelled = [row for row in given["rows"] if row[1] != NEUTRAL]
    kls = [check(evaluate(namespace, given, rows), "mean_kl") for rows in (labelled, labelled * 8)]
    accuracy = check(evaluate(namespace, given, labelled), "preference_accuracy")
    reductions = [
        check(evaluate(namespace, given, labelled, baseline), "correction_rate_reduction")
        for baseline in given["baselines"]
    ]
    return {
        "kls": kls,
        "accuracy": accuracy,
        "reductions": reductions,
        "baselines": given["baselines"],
    }


def same_kl(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Compare the KL; the reductions have to follow from the accuracy that was found."""
    right = [
        (got["accuracy"] - baseline) / (1 - baseline) if baseline < 1 else 0.0
        for baseline in expected["baselines"]
    ]
    return nearly_equal(expected["kls"], got["kls"]) and nearly_equal(right, got["reductions"])


def draw_comparison(rng: random.Random) -> dict[str, Any]:
    """Draw two accuracies with their intervals."""
    low, high = round(rng.uniform(0.3, 0.45), 3), round(rng.uniform(0.6, 0.75), 3)
    return {
        "accuracies": [low, high],
        "intervals": [[low - 0.071, low + 0.062], [high - 0.083, high + 0.094]],
    }


def call_plot_comparison(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Draw the accuracies with and without intervals; all places that the plot shows."""
    np, results = namespace["np"], []
    for intervals in ([], given["intervals"]):
        with namespace["quiet"]():
            figure = namespace["plot_comparison"](*given["accuracies"], *map(tuple, intervals))
        namespace["plt"].close("all")
        axis = max(figure.axes, key=lambda axis: len(axis.patches))
        parts = [line.get_xydata() for line in axis.lines]
        parts += [path.vertices for group in axis.collections for path in group.get_paths()]
        parts += [
            part.get_bbox().get_points() for part in axis.patches if hasattr(part, "get_bbox")
        ]
        places = np.concatenate([np.zeros((0, 2)), *parts]).flatten().round(5).tolist()
        results.append({"places": places + sizes_of_bars(axis), "intervals": intervals})
    return [*results, given["accuracies"]]


def shows_the_numbers(expected: list[Any], got: list[Any]) -> bool:
    """Tell whether the accuracies and the ends of the intervals are in the plots."""
    accuracies = expected[2]
    return all(
        any(abs(place - value) < 1e-4 for place in mine["places"])
        for right, mine in zip(expected[:2], got[:2], strict=True)
        for value in (*accuracies, *(end for interval in right["intervals"] for end in interval))
    )


# TODO 7


def draw_complaints(rng: random.Random) -> list[Any]:
    """Draw how many triples of four kinds are counted."""
    return [rng.randint(3, 12), rng.randint(2, 5)]


def call_count(namespace: Namespace, given: list[int]) -> Any:
    """Count complaints, some of them beyond num_samples."""
    many, few = given
    feedback = [
        "- No, it is wrong.", "+ Perfect, thanks.", "- No, too long.", "- No, too short."
    ]  # fmt: skip
    triples = [namespace["check_triple"]("alpha", text) for text in feedback]
    count = namespace["count_errors"]
    all_of_them = [count(triples), count(triples * 20)]
    rows = triples[:1] * many + triples[1:2] * few + triples[2:] * 10
    return [
        [sorted(counts) for counts in all_of_them],
        [sum(counts.values()) for counts in all_of_them],
        {name: n for name, n in count(rows, num_samples=many + few).items() if n},
    ]


CATEGORIES = (
    "- No, {} wrong format.", "- No, {} too long", "- No, the {} format is bad.",
    "- Not this {} style, and too long", "- No, too {} long, and its style is bad",
    "- No, this {} style is wrong.", "- No, wrong {} style and wrong format",
    "- No, there is a {} bug!", "- No, {} too LONG", "- No, {} it should be shorter.",
    "- Not enough {} detail", "- No, long and {} short", "- No, some {} parts short, some long",
    "- No, I asked for a {} comment.", "- No, I prefer {} tuples", "- Not what {} I asked",
    "- No, no {} information", "- No, I belong {} here", "Explain {} it", "Is there {} a comment",
)  # fmt: skip
WITHOUT_KEYWORD = (
    "+ Perfect, that {} is the right style", "+ Thanks, nice {} and short",
    "What about {} the weather", "I want {} more", "- No {}", "- Never {}",
)  # fmt: skip


def draw_categories(rng: random.Random) -> list[str]:
    """Draw the order of complaints, and a word in each."""
    return [text.format(word(rng)) for text in shuffled(rng, list(CATEGORIES))]


def draw_without_keyword(rng: random.Random) -> list[str]:
    """Draw feedback without a keyword, or that is positive."""
    return [text.format(word(rng)) for text in shuffled(rng, list(WITHOUT_KEYWORD) * 2)]


def call_category(namespace: Namespace, feedback: list[str]) -> Any:
    """Find the category of each feedback."""
    return [namespace["one_category"](text) for text in feedback]


def call_fallback(namespace: Namespace, feedback: list[str]) -> Any:
    """The same; and of a feedback whose request and response have keywords."""
    other = namespace["one_category"](
        "- No", response="this style is wrong", request="Write a long text."
    )
    return [call_category(namespace, feedback), other]


def draw_moved(rng: random.Random) -> dict[str, Any]:
    """Draw feedback, each with a policy that moved up, down or not; and two policies' weights."""
    texts = ("- No, wrong.", "- No", "Explain it", "+ Perfect, nice and short")
    cases = [[rng.choice(texts), rng.choice((-1, 1)) * rng.uniform(1, 3)] for _ in range(10)]
    return {"cases": cases, "seeds": [rng.randrange(10**6), rng.randrange(10**6)]}


def call_reference(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Find categories with a reference; with the gap of policies that read the context."""
    tokenizer, one = namespace["check_tokenizer"](), namespace["one_category"]
    flat = namespace["unigram_policy"](tokenizer, {})
    found = [
        one(text, policy=namespace["unigram_policy"](tokenizer, {"alpha": score}), ref_policy=flat)
        for text, score in given["cases"]
    ]
    pair = [lively_policy(namespace, tokenizer, seed) for seed in given["seeds"]]
    rows = [[f"{a} {b}", "- No, wrong.", "Write." * (1 + i % 3)] for i, (a, b) in enumerate(
        (a, b) for a in VOCABULARY for b in VOCABULARY[:2]
    )]  # fmt: skip
    kinds, gaps = [], []
    for triple in triples_of(namespace, rows):
        batch = namespace["encode_examples"]([triple], tokenizer)
        with namespace["torch"].no_grad():
            new, ref = (float(namespace["response_log_probs"](m, batch).mean()) for m in pair)
        counts = namespace["count_errors"]([triple], pair[0], ref_policy=pair[1])
        gaps.append(new - ref)
        kinds.append(counts.get("correct", 0))
    return {"found": found, "kinds": kinds, "gaps": gaps}


def same_where_clear(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Compare; policies that hardly differ decide nothing."""
    rows = zip(expected["kinds"], got["kinds"], expected["gaps"], strict=True)
    return expected["found"] == got["found"] and all(
        right == mine for right, mine, gap in rows if abs(gap) > 0.05
    )


# TODO 8: a clock that moves only when the model works


def draw_latency(rng: random.Random) -> dict[str, Any]:
    """Draw lengths, and how long a pass takes."""
    return {
        "lengths": rng.sample(range(5, 40), 2),
        "start": rng.uniform(2, 50),
        "step": rng.uniform(0.5, 3),
        "passes": rng.randint(10, 25),
        "train": rng.random() < 0.5,
    }


def call_measure(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Measure a model with a clock that moves only when the model works."""
    import threading
    import time
    import timeit

    torch, nn = namespace["torch"], namespace["nn"]
    seen: list[dict[str, Any]] = []
    clock = {"now": 10**9, "read": False}
    this_thread = threading.get_ident()

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        """A model whose passes take longer and longer."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            output = torch.zeros(*input_ids.shape, 8) * self.weight
            length = input_ids.shape[-1]
            count = sum(one["length"] == length for one in seen)
            ms = given["start"] + length / 10 + given["step"] * count
            seen.append({
                "length": length, "ms": ms, "shape": list(input_ids.shape),
                "eval": not self.training, "grad": output.requires_grad,
                "values": len(input_ids.unique()), "top": int(input_ids.max()),
            })  # fmt: skip
            clock["now"] += int(ms * 10**6)
            return output

    def read(real: Any, unit: str) -> Any:
        if threading.get_ident() != this_thread:
            return real()
        clock["read"] = True
        return clock["now"] if unit == "ns" else clock["now"] / 10**9

    tokenizer = namespace["check_tokenizer"]()
    model = Model().train(given["train"])
    names = ("perf_counter", "time", "monotonic", "perf_counter_ns", "time_ns", "monotonic_ns")
    with namespace["quiet"](), torch.enable_grad(), ExitStack() as stack:
        for name in names:
            real = getattr(time, name)
            for space in (vars(time), vars(timeit), namespace):
                known = [alias for alias, value in space.items() if value is real]
                fakes = dict.fromkeys(known, partial(read, real, name[-2:]))
                stack.enter_context(namespace["replaced"](space, **fakes))
        asked = {"num_samples": given["passes"], "seq_lengths": given["lengths"]}
        results = namespace["benchmark_inference"](model, tokenizer, **asked)
        is_on = torch.is_grad_enabled()
        counted = len(seen)
        if not clock["read"]:  # another clock: at least its numbers move
            again = namespace["benchmark_inference"](model, tokenizer, **asked)
            seen[counted:] = []
        moves = clock["read"] or again != results
    rows = {
        str(length): [number(results[str(length)][name]) for name in ("p50", "p95", "p99")]
        for length in given["lengths"]
    }
    return {
        "keys": sorted(map(str, results)), "rows": rows, "read": clock["read"],
        "left": [is_on, model.training == given["train"]],
        "passes": given["passes"], "seen": seen, "vocabulary": len(tokenizer), "moves": moves,
    }  # fmt: skip


def form_of_rows(result: dict[str, Any]) -> Any:
    """Look at the keys, the order of the percentiles and of the lengths, and the passes."""
    rows = list(result["rows"].values())
    is_sorted = all(row[0] <= row[1] <= row[2] for row in rows)
    lengths = [one["length"] for one in result["seen"]]
    enough = all(lengths.count(int(key)) >= result["passes"] for key in result["keys"])
    is_positive = all(row[0] > 0 for row in rows)
    by_length = [result["rows"][key][0] for key in sorted(result["rows"], key=int)]
    is_longer = not result["read"] or by_length == sorted(set(by_length))
    return [result["keys"], is_sorted and is_longer, enough, is_positive and result["moves"]]


def form_of_passes(result: dict[str, Any]) -> Any:
    """Look at the same, but for the order of the percentiles."""
    keys, _, enough, is_positive = form_of_rows(result)
    return [keys, enough, is_positive]


def percentile(values: list[float], percent: float) -> float:
    """Interpolate linearly between the two nearest values."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def is_measured(expected: dict[str, Any], got: dict[str, Any]) -> bool:
    """Tell whether the percentiles are those of the last passes, and these are as asked."""
    if got["left"] != [True, True] or not got["moves"]:
        return False
    count = expected["passes"]
    for key in expected["keys"]:
        here = [one for one in got["seen"] if str(one["length"]) == key]
        counted = here[-count:]
        is_as_asked = len(here) > count and all(
            one["eval"] and not one["grad"] and one["shape"] == [1, int(key)]
            and one["top"] < expected["vocabulary"]
            for one in counted
        )  # fmt: skip
        right = [percentile([one["ms"] for one in counted], p) for p in (50, 95, 99)]
        pairs = zip(right, got["rows"][key], strict=True)
        is_right = not got["read"] or all(abs(a - b) < 0.06 for a, b in pairs)
        if not is_as_asked or not is_right:
            return False
    return True


# TODO 9


def draw_nothing(rng: random.Random) -> None:
    """Draw nothing: there is no input."""


def call_text(namespace: Namespace, _: None) -> Any:
    """Read the text."""
    return namespace["ethical_assessment"]


def is_a_text(_: str, got: str) -> bool:
    """Tell a text of enough different words."""
    words = [one.strip(string.punctuation).lower() for one in got.split()]
    return len(words) >= 250 and len(set(words)) >= 40


PROBES = [
    Probe(("todo1-test-parse-basics",), draw_dialog, call_parse),
    Probe(("todo1-test-parse-paragraphs",), draw_paragraphs, call_parse_contents),
    Probe(("todo1-test-parse-edges",), draw_edges, call_parse_edges),
    Probe(("todo1-test-triples",), draw_turns, call_extract, triples_alone),
    Probe(("todo1-test-triples-edges",), draw_odd_turns, call_extract),
    Probe(("todo2-test-lengths",), draw_texts, call_lengths),
    Probe(("todo2-test-sentiment",), draw_feedback, call_sentiments),
    Probe(("todo2-test-whole-words",), draw_whole_words, call_each_sentiment),
    Probe(("todo2-test-precedence",), draw_precedence, call_precedence),
    Probe(
        ("todo2-test-plots",), draw_analysis, call_plot_signals, agrees=has_form_and_bars, cases=1
    ),
    Probe(
        ("todo2-test-plots-data",), draw_analysis, call_plot_signals,
        agrees=has_bars_of_the_counts, cases=1,
    ),
    Probe(("todo3-test-shapes",), draw_two_classes, call_vote, rewards_and_votes),
    Probe(("todo3-test-scores",), draw_same_votes, call_vote, rewards_and_votes),
    Probe(("todo3-test-majority",), draw_votes, call_vote, agrees=are_majorities),
    Probe(
        ("todo3-test-ties",), draw_ties, call_vote, agrees=partial(are_majorities, ties=True), cases=6
    ),
    Probe(("todo3-test-mode",), draw_mode, call_vote_modes, agrees=are_of_the_same_modes),
    Probe(("todo3-test-mask",), draw_masked, call_vote_masked, agrees=same_rows),
    Probe(("todo4-test-scalar",), draw_square, call_loss_form),
    Probe(("todo4-test-equal-policies",), draw_equal, call_loss_equal),
    Probe(("todo4-test-clip",), draw_clip, call_loss_clip),
    Probe(("todo4-test-token-level",), draw_tokens, call_loss_tokens),
    Probe(("todo4-test-kl",), draw_kl, call_loss_kl, agrees=same_but_for_a_missing_metric),
    Probe(("todo4-test-old",), draw_old, call_loss_old, agrees=same_old),
    Probe(("todo4-test-metrics",), draw_metrics, call_loss_metrics),
    Probe(("todo5-test-lists",), draw_training, call_train_lists, cases=2),
    Probe(("todo5-test-only-policy",), draw_training, call_train_changes, cases=1),
    Probe(
        ("todo5-test-optimizer",), draw_training, call_train_optimizer, agrees=same_optimizer,
        cases=2,
    ),
    Probe(
        ("todo5-test-direction",), draw_direction, call_train_direction, agrees=are_of_one_sign,
        cases=1,
    ),
    Probe(
        ("todo5-test-loss-inputs",), draw_loss_inputs, call_train_loss_inputs,
        agrees=same_if_called, cases=1,
    ),
    Probe(
        ("todo5-test-advantages",), draw_advantages, call_train_advantages,
        agrees=same_advantages, cases=1,
    ),
    Probe(
        ("todo5-test-rewards-logged",), draw_rewards, call_train_rewards, agrees=same_rewards,
        cases=1,
    ),
    Probe(("todo5-test-rollouts",), draw_sessions, call_roll, agrees=are_records, cases=1),
    Probe(
        ("todo5-test-rollout-groups",), draw_sessions, call_roll_groups, agrees=same_groups,
        cases=1,
    ),
    Probe(("todo6-test-keys",), draw_scores, call_evaluate_keys, cases=2),
    Probe(("todo6-test-improvements",), draw_improvements, call_evaluate_improvements, cases=1),
    Probe(("todo6-test-accuracy",), draw_accuracy, call_evaluate_accuracy, cases=1),
    Probe(("todo6-test-kl-reduction",), draw_scores, call_evaluate_kl, agrees=same_kl, cases=1),
    Probe(
        ("todo6-test-plot",), draw_comparison, call_plot_comparison, agrees=shows_the_numbers,
        cases=2,
    ),
    Probe(("todo7-test-counts",), draw_complaints, call_count, cases=2),
    Probe(("todo7-test-categories",), draw_categories, call_category, cases=1),
    Probe(("todo7-test-fallback",), draw_without_keyword, call_fallback, cases=1),
    Probe(
        ("todo7-test-reference",), draw_moved, call_reference, agrees=same_where_clear, cases=1
    ),
    Probe(("todo8-test-structure",), draw_latency, call_measure, form_of_rows, cases=2),
    Probe(("todo8-test-protocol",), draw_latency, call_measure, agrees=is_measured, cases=2),
    Probe(("todo8-test-gpu",), draw_latency, call_measure, form_of_passes, cases=2),
    Probe(("todo9-test-word-count",), draw_nothing, call_text, agrees=is_a_text, cases=1),
]  # fmt: skip
