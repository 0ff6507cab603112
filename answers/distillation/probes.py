"""The probes of the assignment distillation: what the second look asks of each function.

One row per graded cell, by its grade id. A probe looks at what its cell looks at, and at no more: an
honest mistake that the cell lets pass must not hold a submission. So inputs are drawn from the kind
that the cell has: where it has one token per response, or no equal texts, the probe has so, too. No
function here calls another TODO's, so nothing has a stand-in. ``draw_*`` runs outside the sandbox,
``call_*`` inside (docs/security.md). Nothing in this file is a secret.
"""

import random
from itertools import product
from typing import Any

from nexa_grade.second_look.probe import Probe

Namespace = dict[str, Any]
INFINITE, NO_NUMBER = float("inf"), float("nan")  # JSON has neither: they are made in the sandbox


def prepare(namespace: Namespace) -> None:
    """Set what the notebook's own lines would have set, whatever an answer has switched.

    Runs in the sandbox, after all definitions.
    """
    torch = namespace["torch"]
    torch.set_num_threads(1)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)  # "cpu" would do, but put a Python function before each call


def uniform(rng: random.Random, low: float, high: float, *shape: int) -> Any:
    """Draw nested lists of numbers."""
    if not shape:
        return rng.uniform(low, high)
    return [uniform(rng, low, high, *shape[1:]) for _ in range(shape[0])]


def normal(rng: random.Random, spread: float, *shape: int) -> Any:
    """Draw nested lists of normal numbers around 0."""
    if not shape:
        return rng.gauss(0, spread)
    return [normal(rng, spread, *shape[1:]) for _ in range(shape[0])]


def word(rng: random.Random) -> str:
    """Make a word."""
    return "".join(rng.choice("klmrvz") + rng.choice("aou") for _ in range(3))


def letters(rng: random.Random, number: int, pool: str) -> str:
    """Make a text of so many letters."""
    return "".join(rng.choice(pool) for _ in range(number))


def doubles(namespace: Namespace, values: Any) -> Any:
    """Make a tensor of float64, in which the cells compare drawn numbers."""
    return namespace["torch"].tensor(values, dtype=namespace["torch"].float64)


def mask_of(namespace: Namespace, lengths: list[int], columns: int) -> Any:
    """Mark real tokens."""
    return namespace["torch"].tensor([[t < n for t in range(columns)] for n in lengths])


def outcome_of(function: Any, *arguments: Any, **options: Any) -> str:
    """Say whether a call raises a ValueError, another error, or none."""
    try:
        function(*arguments, **options)
    except ValueError:
        return "ValueError"
    except Exception:
        return "another error"
    return "no error"


# TODO 1


def draw_rates(rng: random.Random) -> list[list[float]]:
    """Draw pairs of a rate and a group size, with the rates 0 and 1."""
    rates = [rng.uniform(0.01, 0.99) for _ in range(5)]
    sizes = [1, 2, *(rng.randint(3, 16) for _ in range(5))]
    return [list(pair) for pair in zip([*rates, 0.0, 1.0], sizes, strict=True)]


def call_rates(namespace: Namespace, pairs: list[Any]) -> Any:
    """Compute the share of each pair."""
    return [namespace["as_numbers"](namespace["informative_share"](*pair)) for pair in pairs]


def draw_arrays(rng: random.Random) -> dict[str, Any]:
    """Draw a row, a table and a column of rates, and the group sizes for each."""
    return {
        "row": [0.0, rng.uniform(0.05, 0.95), 1.0], "size": rng.randint(2, 9),
        "table": uniform(rng, 0, 1, rng.randint(2, 4), rng.randint(2, 4)),
        "column": uniform(rng, 0, 1, 2, 1), "sizes": rng.sample(range(2, 12), 3),
    }  # fmt: skip


def call_arrays(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the shares of arrays; return also the row that was given."""
    array, size = namespace["np"].array, given["size"]
    row = array(given["row"])
    pairs = [
        (row, size), (array(given["table"]), size),
        (array(given["column"]), array(given["sizes"])),
    ]  # fmt: skip
    return [*call_rates(namespace, pairs), row]


def draw_bad_rates(rng: random.Random) -> dict[str, float]:
    """Draw numbers that are no rates, one that is, and a group size."""
    return {
        "above": rng.uniform(1.5, 1.9), "below": rng.uniform(-0.9, -0.01),
        "fine": rng.uniform(0.1, 0.9), "size": rng.randint(2, 8),
    }  # fmt: skip


def call_bad_rates(namespace: Namespace, given: dict[str, float]) -> Any:
    """Give what is no rate, and no group size."""
    share, fine, below = namespace["informative_share"], given["fine"], given["below"]
    wrongs = (given["above"], below, NO_NUMBER, namespace["np"].array([fine, below]))
    return [
        *(outcome_of(share, wrong, given["size"]) for wrong in wrongs), outcome_of(share, fine, 0),
        outcome_of(share, fine, namespace["np"].array([given["size"], 0])),
    ]  # fmt: skip


# TODO 2


def draw_long_votes(rng: random.Random) -> list[Any]:
    """Draw votes that all count: the longest at any place, and the first of equally long ones.

    All are far longer than the least length, which this cell does not look at.
    """
    short, longer = rng.randint(18, 28), rng.randint(29, 40)
    one, other = (letters(rng, longer, "abcdefghijk") for _ in range(2))
    least = letters(rng, short, "xyz")  # last in the alphabet, but not the longest
    cases = [[one, least], [least, one], [least, one, letters(rng, short, "abc")], [one, other]]
    return [[[1, text] for text in case] for case in [*cases, [other, one]]]


def draw_filtered_votes(rng: random.Random) -> list[Any]:
    """Draw votes of which some do not count.

    Of those that count the longest is the last, also in the alphabet: this cell asks no more.
    """
    mine, late = (letters(rng, rng.randint(lo, lo + 4), "mnopq") for lo in (11, 17))
    early, ten = letters(rng, 13, "bcde"), letters(rng, 10, "abcde")
    long, longest = letters(rng, 50, "mnopq"), letters(rng, 99, "rstu")
    return [
        [[-1, long], [1, mine]],
        [[0, long], [1, mine]],
        [[1, f"   {mine}\n"], [1, f"{ten}  "]],
        [[1, early + " " * rng.randint(20, 40)], [1, late]],
        [[1, letters(rng, 11, "mnopq")], [-1, long]],
        [[1, f"{ten}   "], [1, letters(rng, 11, "mnopq")]],
        [[-1, long], [1, mine], [-1, longest], [0, longest]],
    ]


def draw_no_votes(rng: random.Random) -> list[Any]:
    """Draw votes of which none counts."""
    ten = letters(rng, 10, "abcde")
    return [
        [[-1, letters(rng, rng.randint(15, 40), "abcde")], [1, ten[: rng.randint(6, 10)]]],
        [], [[1, ""]], [[1, ten]], [[1, " " * rng.randint(11, 50)]], [[1, f" {ten} "]],
        [[0, letters(rng, rng.randint(15, 40), "abcde")]],
    ]  # fmt: skip


def call_votes(namespace: Namespace, cases: list[Any]) -> Any:
    """Select the hint of each case."""
    return [namespace["select_hint"]([(score, text) for score, text in case]) for case in cases]


# TODO 3


def draw_contexts(rng: random.Random) -> dict[str, Any]:
    """Draw hints, texts of turns, and earlier notes."""
    texts = {name: [f"{word(rng)} {word(rng)}." for _ in range(3)] for name in ("hints", "turns")}
    return texts | {"notes": [f"{word(rng)}." for _ in range(rng.randint(1, 2))]}


def turns_of(*texts: str) -> list[dict[str, str]]:
    """Make a conversation that a user begins and ends, the assistant between."""
    return [
        {"role": "assistant" if i % 2 else "user", "content": text} for i, text in enumerate(texts)
    ]


def call_note(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Give contexts without notes; return also what was given."""
    found = []
    for texts, hint in zip((given["turns"], given["turns"][:1], []), given["hints"], strict=True):
        context = turns_of(*texts)
        found += [[dict(turn) for turn in namespace["hinted_context"](context, hint)], context]
    return found


def is_kept(namespace: Namespace, context: Any, hint: str) -> list[bool]:
    """Tell whether a context stays as it is, and whether a second call gives the same."""
    deepcopy, function = namespace["copy"].deepcopy, namespace["hinted_context"]
    before = deepcopy(context)
    first = deepcopy(function(context, hint))
    return [context == before, function(context, hint) == first]


def call_unchanged(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Look at what was given, with and without notes; of the result only at the number of turns."""
    (hint, *_), (text, second, _) = given["hints"], given["turns"]
    notes = namespace["write_preferences"](given["notes"])
    asked = turns_of(text)
    hinted = namespace["hinted_context"](asked, hint)
    found = [hinted is not asked, len(hinted), asked == turns_of(text)]
    for first in (text, notes):
        context = [*turns_of(first), *turns_of(second)]
        found += is_kept(namespace, context, hint)
    return found


def call_notes(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Give contexts that begin with notes, and one that has notes elsewhere."""
    function, write = namespace["hinted_context"], namespace["write_preferences"]
    request, hints = given["turns"][0], given["hints"]
    noted = function([*turns_of(write(given["notes"])), *turns_of(request)], hints[0])
    grown = turns_of(request)
    for hint in hints:
        grown = function(grown, hint)
    later = turns_of(request, write(given["notes"]), request)
    placed = function(later, hints[0])
    before = (turns_of(write(given["notes"]), *others) for others in ([], given["turns"]))
    whole = [[dict(turn) for turn in function(turns, hints[0])] for turns in before]
    contents = [[turn["content"] for turn in turns] for turns in (noted, grown)]
    # The first turn is another cell's.
    return [*contents, *whole, [dict(turn) for turn in placed[1:]], later]


def call_line(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Give hints with runs of white space, and empty ones."""
    function, (a, b, c) = namespace["hinted_context"], given["hints"]
    spaced = function([], f"  {a}\n\n {b} ")
    tabbed = function(turns_of(given["turns"][0]), f"{a}\t{b}\r\nHuman:   {c}")
    empty = [outcome_of(function, [], hint) for hint in ("", "   ", "\n\t")]
    return [[turn["content"] for turn in spaced], tabbed[0]["content"], empty]


# TODO 4


def draw_gaps(rng: random.Random) -> dict[str, Any]:
    """Draw old log-probs, gaps within and beyond the clip, and clips.

    The cells on padding and on gradients have gaps above 0 alone: ``up``.
    """
    rows, columns = rng.randint(1, 5), rng.randint(2, 5)
    return {
        "old": uniform(rng, -9, -8, rows, columns), "gap": uniform(rng, -0.9, 0.9, rows, columns),
        "far": normal(rng, 3, rows, columns), "up": uniform(rng, 0.1, 0.9, rows, columns),
        "clip": rng.uniform(0.2, 2.5), "length": rng.randint(1, columns - 1),
    }  # fmt: skip


def scores_of(namespace: Namespace, given: dict[str, Any], gap: str) -> tuple[Any, Any, Any]:
    """Make teacher, old and full lengths of a draw."""
    old = doubles(namespace, given["old"])
    lengths = namespace["torch"].full((len(old),), old.shape[1])
    return old + doubles(namespace, given[gap]), old, lengths


def call_difference(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score with gaps within the clip; return also what was given."""
    teacher, old, lengths = scores_of(namespace, given, "gap")
    return [namespace["distillation_advantages"](teacher, old, lengths), teacher, old]


def call_clip(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score with gaps beyond the clip, and where the teacher finds a token impossible.

    Refused are a clip that is not positive, and an impossible token without a clip.
    """
    function, clip = namespace["distillation_advantages"], given["clip"]
    # New tensors for each call: whether a call changes them is another cell's.
    found = [function(*scores_of(namespace, given, "far"))]
    for limit in (clip, None):
        found.append(function(*scores_of(namespace, given, "far"), clip=limit))
    teacher, old, lengths = scores_of(namespace, given, "far")
    teacher[0, 0] = -INFINITE
    found.append(function(teacher, old, lengths, clip=clip))
    wrongs = [(*scores_of(namespace, given, "far"), limit) for limit in (0.0, -clip)]
    for places in ((0, 0), ...):
        teacher, old, lengths = scores_of(namespace, given, "far")
        teacher[places] = -INFINITE
        wrongs.append((teacher, old, lengths, None))
    return [*found, *(outcome_of(function, *wrong) for wrong in wrongs)]


ODD_PAIRS = (  # what stands at padding: teacher, old
    (NO_NUMBER, -INFINITE), (5.0, NO_NUMBER), (7.0, -9.0), (-3.0, 0.0), (INFINITE, 1.0),
)  # fmt: skip


def call_padding(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score rows with odd values at padding; gaps are within the clip."""
    torch, columns = namespace["torch"], len(given["old"][0])
    lengths = [given["length"], 0, columns + 4]
    teacher, old, _ = scores_of(namespace, given, "up")
    teacher, old = teacher[:1].repeat(3, 1), old[:1].repeat(3, 1)
    places = (~mask_of(namespace, lengths, columns)).nonzero().tolist()
    for i, place in enumerate(places):
        teacher[tuple(place)], old[tuple(place)] = ODD_PAIRS[i % len(ODD_PAIRS)]
    function = namespace["distillation_advantages"]
    return [function(teacher, old, torch.tensor(lengths), clip=clip) for clip in (1.0, None)]


def draw_sizes(rng: random.Random) -> list[int]:
    """Draw numbers of rows and columns."""
    return [rng.randint(2, 4), rng.randint(4, 7)]


def call_alignment(namespace: Namespace, sizes: list[int]) -> Any:
    """Give a teacher of another shape, and old log-probs that cannot be."""
    torch, function = namespace["torch"], namespace["distillation_advantages"]
    rows, columns = sizes
    old, full = -torch.ones(rows, columns), torch.full((rows,), columns)
    shapes = ((rows, columns - 1), (rows, 1), (1, columns), (rows, 2))
    found = [outcome_of(function, -torch.ones(shape), old, full) for shape in shapes]
    return [*found, outcome_of(function, old, torch.full_like(old, -INFINITE), full)]


def call_no_gradient(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Score tensors that have a gradient; look at values without a clip alone."""
    torch, function = namespace["torch"], namespace["distillation_advantages"]
    teacher, old, _ = (tensor[:1] for tensor in scores_of(namespace, given, "up"))
    moving = [tensor.clone().requires_grad_() for tensor in (teacher, old)]
    first = function(*moving, torch.tensor([old.shape[1]]))
    second = function(*moving, torch.tensor([given["length"]]), clip=None)
    return [first.requires_grad, second.requires_grad, second]


# TODO 5


def draw_equal(rng: random.Random) -> list[Any]:
    """Draw log-probs and advantages of one response; none is above 1, as in the cell."""
    columns = rng.randint(2, 5)
    return [uniform(rng, -3, -0.5, 1, columns), uniform(rng, -1, 0.9, 1, columns)]


def call_scalar(namespace: Namespace, given: list[Any]) -> Any:
    """Compute the loss of equal policies, its gradients, and what is refused."""
    torch, function = namespace["torch"], namespace["distillation_loss"]
    scores, weights = (torch.tensor(values) for values in given)
    lengths = torch.tensor([scores.shape[1]])
    new = scores.clone().requires_grad_()
    loss = function(new, scores, weights, lengths)
    loss.backward()
    leaves = [tensor.clone().requires_grad_() for tensor in (scores, scores, weights)]
    function(*leaves, lengths).backward()
    fine, odd = torch.zeros_like(scores), torch.zeros_like(scores)
    odd[0, -1] = -INFINITE
    no_number, narrow = fine.clone(), torch.zeros(1, 1)
    no_number[0, 0] = NO_NUMBER
    wide = torch.zeros(1, scores.shape[1] + 1)
    wrongs = (
        (odd, fine, fine), (fine, fine, odd), (fine, fine, wide), (fine, no_number, fine),
        (fine, torch.full_like(fine, -INFINITE), fine), (fine, narrow, fine), (fine, wide, fine),
    )  # fmt: skip
    return [
        list(loss.shape), loss, new.grad, [leaf.grad is None for leaf in leaves[1:]],
        [outcome_of(function, *wrong, lengths) for wrong in wrongs],
    ]  # fmt: skip


def draw_ratios(rng: random.Random) -> dict[str, Any]:
    """Draw a batch whose ratios lie on both sides of the clip, and clips."""
    rows, columns = 5, rng.randint(2, 5)
    return {
        "old": uniform(rng, -6, -1, rows, columns),
        "gap": [*normal(rng, 0.2, 2, columns), *normal(rng, 1, 3, columns)],
        "weights": normal(rng, 1.5, rows, columns),
        "lengths": [rng.randint(1, columns) for _ in range(rows)],
        "eps": {name: rng.uniform(0.05, 0.6) for name in ("eps_low", "eps_high")},
    }  # fmt: skip


def call_ratios(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute loss and gradient with the usual clips and with others."""
    found = []
    for eps in ({}, given["eps"]):
        old, weights = doubles(namespace, given["old"]), doubles(namespace, given["weights"])
        new = (old + doubles(namespace, given["gap"])).requires_grad_()
        lengths = namespace["torch"].tensor(given["lengths"])
        loss = namespace["distillation_loss"](new, old, weights, lengths, **eps)
        loss.backward()
        found += [loss, new.grad]
    return found


def draw_lengths(rng: random.Random) -> dict[str, Any]:
    """Draw a batch whose ratios are not clipped, lengths of all kinds, and a number at padding."""
    columns = rng.randint(3, 6)
    lengths = [
        [rng.randint(1, columns - 1), columns, columns + 4],
        [0, 1, rng.randint(2, columns - 1)],
        [columns, 0, 0],
    ]
    return {
        "steps": uniform(rng, -0.15, 0.15, 3, columns), "weights": uniform(rng, -2, 2, 3, columns),
        "lengths": [rng.sample(three, 3) for three in lengths], "fill": rng.uniform(-3, 7),
        "low": rng.uniform(-1000, -800),
    }  # fmt: skip


def call_lengths(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the loss, and its gradient at padding alone; and the loss of nothing."""
    torch, function = namespace["torch"], namespace["distillation_loss"]
    steps, weights = doubles(namespace, given["steps"]), doubles(namespace, given["weights"])
    found = []
    fill, low = given["fill"], given["low"]  # new - low is too large for exp
    for lengths, fills in product(given["lengths"], ((fill, fill, fill), (0.0, low, 0.0))):
        padding = ~mask_of(namespace, lengths, steps.shape[1])
        tensors = (steps - 2, torch.full_like(steps, -2), weights)
        new, old, advantages = (
            tensor.masked_fill(padding, value) for tensor, value in zip(tensors, fills, strict=True)
        )
        new.requires_grad_()
        loss = function(new, old, advantages, torch.tensor(lengths))
        loss.backward()
        found += [loss, new.grad[padding]]
    nothing = torch.zeros(2, 3, requires_grad=True)
    ones = torch.ones(2, 3)
    return [*found, function(nothing, torch.zeros(2, 3), ones, torch.tensor([0, 0]))]


def draw_vocabulary(rng: random.Random) -> list[Any]:
    """Draw logits of a student and a teacher."""
    return normal(rng, 1, 2, rng.randint(4, 7))


def call_divergence(namespace: Namespace, logits: list[Any]) -> Any:
    """Add up the expected gradient of the loss, token by token."""
    torch = namespace["torch"]
    student, teacher = (doubles(namespace, values) for values in logits)
    new, goal = student.requires_grad_().log_softmax(0), teacher.log_softmax(0)
    expected = torch.zeros_like(student)
    for one, old, other in zip(new, new.detach(), goal, strict=True):
        tokens = (tensor.view(1, 1) for tensor in (one, old, other - old))
        loss = namespace["distillation_loss"](*tokens, torch.tensor([1]))
        (slope,) = torch.autograd.grad(loss, student, retain_graph=True)
        expected += old.exp() * slope
    return expected.detach()


# TODO 6


def draw_logits(rng: random.Random) -> dict[str, Any]:
    """Draw logits of a batch, and lengths of all kinds."""
    time, vocab = rng.randint(3, 5), rng.randint(4, 9)
    return {
        "student": normal(rng, 1, 3, time, vocab), "teacher": normal(rng, 2, 3, time, vocab),
        "lengths": [[1, time, 2], [time + 4, 0, rng.randint(1, time - 1)], [0, 0, 1]],
    }  # fmt: skip


def logits_of(namespace: Namespace, given: dict[str, Any]) -> tuple[Any, Any]:
    """Make the logits of student and teacher."""
    return doubles(namespace, given["student"]), doubles(namespace, given["teacher"])


def call_value(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute the divergence of full rows, its gradient, and what moves nothing."""
    torch, function = namespace["torch"], namespace["exact_reverse_kl"]
    student, teacher = logits_of(namespace, given)
    lengths = torch.full((len(student),), student.shape[1])
    value = function(student.requires_grad_(), teacher, lengths)
    (slope,) = torch.autograd.grad(value, student)
    student = student.detach()
    large = (1e3 * student).float()  # near 0; whether rounding leaves it below differs by numbers
    moved = function(student + 3, teacher - 2, lengths)
    return [value, slope, moved, function(large, large + 1, lengths)]


def call_positions(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute means over real positions, what is refused, and whether the teacher moves."""
    torch, function = namespace["torch"], namespace["exact_reverse_kl"]
    student, teacher = logits_of(namespace, given)
    rows, time, vocab = student.shape
    found = []
    for lengths in given["lengths"]:
        padding = ~mask_of(namespace, lengths, time)[..., None]
        noisy = student.masked_fill(padding, 7.0), teacher - 5 * padding * torch.arange(vocab)
        pairs = ((student, teacher), noisy)
        found += [function(*pair, torch.tensor(lengths)) for pair in pairs]
    nothing, full = torch.tensor([0] * rows), torch.tensor([time] * rows)
    other = torch.zeros(rows, time, vocab + 1)
    of_nothing = function(student, teacher, nothing)
    found += [of_nothing, isinstance(of_nothing, torch.Tensor)]
    wrongs = [(student, other), (student, teacher - INFINITE)]
    for number in (NO_NUMBER, INFINITE, -INFINITE):
        odd = student.clone()
        odd[1, 0, 2] = number
        wrongs += [(odd, teacher), (student, odd)]
    found += [outcome_of(function, *wrong, full) for wrong in wrongs]
    student.requires_grad_()
    function(student, teacher.requires_grad_(), full).backward()
    return [*found, teacher.grad is None]


def call_tail(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Compute values and gradients with few bins, and what is refused."""
    torch, function = namespace["torch"], namespace["exact_reverse_kl"]
    student, teacher = (logits[:2] for logits in logits_of(namespace, given))
    time, vocab = student.shape[1:]
    lengths = torch.tensor([time, time - 2])
    student.requires_grad_()
    found = []
    for k in (1, 2, vocab // 2, vocab - 1, vocab):
        value = function(student, teacher, lengths, top_k=k)
        found += [value, torch.autograd.grad(value, student)[0]]
    sure = torch.tensor([[[60.0, 0.0, 0.0]]]), torch.tensor([[[59.0, 0.0, 1.0]]])
    value = function(*sure, torch.tensor([1]), top_k=1)
    found += [value, bool(value >= 0)]  # the cell's own numbers: others round elsewhere
    wrongs = (0, vocab + 1)
    return [*found, *(outcome_of(function, student, teacher, lengths, top_k=k) for k in wrongs)]


# TODO 7


def draw_groups(rng: random.Random) -> dict[str, Any]:
    """Draw groups of rewards that all say something, and hints."""
    groups, size, columns = (rng.randint(2, 4) for _ in range(3))
    large, small = rng.uniform(5e3, 1e4), rng.uniform(6e-4, 9e-4)
    return {
        "rewards": normal(rng, 1, groups * size), "size": size,
        "hints": normal(rng, 0.5, groups * size, columns),
        "uneven": [large, -large, small, -small],
    }  # fmt: skip


def call_groups(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Combine both; look at the gradient and the type, where what is given has others."""
    torch, function = namespace["torch"], namespace["combined_advantages"]
    rewards = doubles(namespace, given["rewards"])
    moving = torch.zeros(2, 2, requires_grad=True)
    still = function(moving, torch.tensor([1.0, -1.0]), 2)
    found = [function(doubles(namespace, given["hints"]), rewards, given["size"])]
    for kind, other in ((torch.float64, torch.float32), (torch.float32, torch.float64)):
        uneven = torch.tensor(given["uneven"], dtype=other, requires_grad=True)
        got = function(torch.zeros(4, 2, dtype=kind), uneven, 2)
        found += [got, got.dtype == kind, got.requires_grad]
    return [*found, still.requires_grad]


def draw_constants(rng: random.Random) -> dict[str, Any]:
    """Draw hints, and rewards that are equal in their groups.

    No rewards but 0.1 and 0.9, the cell's own, have to be equal up to rounding.
    """
    sign = rng.choice([-1.0, 1.0])
    constant, opposite, varied = [sign, sign], [-sign, -sign], [sign, -sign]
    first, second = rng.sample([constant, varied], 2)
    return {
        "hints": uniform(rng, -0.5, 0.5, 4, 2),
        "cases": [
            [[0.1] * 4, 4], [[sign] * 4, 4], [[0.0] * 4, 4], [constant + opposite, 2],
            [varied + varied, 1],
        ],
        "mixed": first + second,
    }  # fmt: skip


def call_constants(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Combine hints with rewards that have nothing to compare, or next to nothing."""
    torch, function = namespace["torch"], namespace["combined_advantages"]
    found = [
        function(torch.tensor(given["hints"]), torch.tensor(rewards), size)
        for rewards, size in given["cases"]
    ]
    for reward, size in ((0.9, 3), (0.9, 6), (0.1, 7)):
        found.append(function(torch.zeros(size, 1), torch.full((size,), reward), size))
    # Only here is something compared.
    return [*found, function(torch.zeros(4, 1), torch.tensor(given["mixed"]), 2)]


def draw_opinions(rng: random.Random) -> dict[str, Any]:
    """Draw rewards of which some are no opinion, and one opinion alone."""
    rewards = [rng.choice([-1.0, 0.0, 1.0]) for _ in range(15)]
    lonely = rng.sample([0.0, rng.choice([-1.0, 1.0]), 0.0], 3)
    return {"rewards": rewards, "lonely": lonely, "hints": normal(rng, 0.3, 15, 2)}


def call_opinions(namespace: Namespace, given: dict[str, Any]) -> Any:
    """Combine groups of five, and a group with one opinion."""
    torch, function = namespace["torch"], namespace["combined_advantages"]
    hints, rewards = doubles(namespace, given["hints"]), doubles(namespace, given["rewards"])
    lonely = torch.tensor(given["lonely"])
    return [function(hints, rewards, 5), function(torch.zeros(3, 1), lonely, 3)]


def draw_weights(rng: random.Random) -> list[Any]:
    """Draw two hints, two rewards of one group, and two weights."""
    rewards = rng.sample([1.0, -1.0], 2)
    return [uniform(rng, 0.1, 0.9, 2, 1), rewards, rng.uniform(0.1, 3), rng.uniform(0.1, 3)]


def call_weights(namespace: Namespace, given: list[Any]) -> Any:
    """Weigh each signal alone and both; and what is refused."""
    torch, function = namespace["torch"], namespace["combined_advantages"]
    hints, rewards, rl, distill = given
    found = []
    for weights in ((0.0, distill), (rl, 0.0), (rl, distill)):
        named = dict(zip(("weight_rl", "weight_distill"), weights, strict=True))
        found.append(function(torch.tensor(hints), torch.tensor(rewards), 2, **named))
    found.append(function(torch.tensor(hints), torch.tensor(rewards), 2, rl, distill))
    wrongs = (
        (torch.zeros(3, 1), torch.zeros(3)), (torch.zeros(4, 1), torch.zeros(2)),
        (torch.tensor(hints), torch.tensor([1.0, NO_NUMBER])),
        *((torch.tensor(hints) * odd, torch.tensor(rewards)) for odd in (NO_NUMBER, INFINITE)),
    )  # fmt: skip
    return [*found, *(outcome_of(function, *wrong, 2) for wrong in wrongs)]


# TODO 8


def draw_stable(rng: random.Random) -> list[Any]:
    """Draw windows, and corrections with so many sessions in a row without one."""
    found = []
    for window in (1, 2, 3, 3, 4, 5):
        before, after = ([rng.random() < 0.5 for _ in range(rng.randint(0, 5))] for _ in range(2))
        found.append([[*before, *[False] * window, *after], window])
    return [*found, [[False] * window, window]]


def call_stable(namespace: Namespace, cases: list[Any]) -> Any:
    """Find the first quiet session, in lists and arrays; a window of 3 is the default, too."""
    function, array = namespace["sessions_until_stable"], namespace["np"].array
    found = [function(corrected) for corrected, window in cases if window == 3]
    for corrected, window in cases:
        found += [function(corrected, window), function(array(corrected), window)]
    return found


def draw_restless(rng: random.Random) -> list[Any]:
    """Draw odd windows, as in the cell, and corrections that leave no such run of sessions."""
    found = [[[], 3], [[True], 1], [[False, False], 3], [[False] * 4, 5]]
    for window in (1, 3, 3, 3, 5):
        runs = ([False] * rng.randint(0, window - 1) for _ in range(rng.randint(1, 4)))
        quiet = [False] * rng.randint(0, window - 1)
        found.append([[*(flag for run in runs for flag in (*run, True)), *quiet], window])
    return found


def call_restless(namespace: Namespace, cases: list[Any]) -> Any:
    """Look for what is not there, and give a window of 0."""
    function = namespace["sessions_until_stable"]
    found = [function(corrected, window) for corrected, window in cases]
    return [*found, outcome_of(function, [False], 0)]


PROBES = [
    Probe(("todo1-test-numbers",), draw_rates, call_rates),
    Probe(("todo1-test-arrays",), draw_arrays, call_arrays),
    Probe(("todo1-test-errors",), draw_bad_rates, call_bad_rates),
    Probe(("todo2-test-longest",), draw_long_votes, call_votes),
    Probe(("todo2-test-filter",), draw_filtered_votes, call_votes),
    Probe(("todo2-test-none",), draw_no_votes, call_votes),
    Probe(("todo3-test-note",), draw_contexts, call_note),
    Probe(("todo3-test-unchanged",), draw_contexts, call_unchanged),
    Probe(("todo3-test-notes",), draw_contexts, call_notes),
    Probe(("todo3-test-line",), draw_contexts, call_line),
    Probe(("todo4-test-difference",), draw_gaps, call_difference),
    Probe(("todo4-test-clip",), draw_gaps, call_clip),
    Probe(("todo4-test-padding",), draw_gaps, call_padding),
    Probe(("todo4-test-alignment",), draw_sizes, call_alignment),
    Probe(("todo4-test-gradient",), draw_gaps, call_no_gradient),
    Probe(("todo5-test-scalar",), draw_equal, call_scalar),
    Probe(("todo5-test-clip",), draw_ratios, call_ratios),
    Probe(("todo5-test-token-level",), draw_lengths, call_lengths),
    Probe(("todo5-test-divergence",), draw_vocabulary, call_divergence),
    Probe(("todo6-test-value",), draw_logits, call_value),
    Probe(("todo6-test-tokens",), draw_logits, call_positions),
    Probe(("todo6-test-tail",), draw_logits, call_tail),
    Probe(("todo7-test-sum",), draw_groups, call_groups),
    Probe(("todo7-test-nothing-to-compare",), draw_constants, call_constants),
    Probe(("todo7-test-no-opinion",), draw_opinions, call_opinions),
    Probe(("todo7-test-weights",), draw_weights, call_weights),
    Probe(("todo8-test-first",), draw_stable, call_stable),
    Probe(("todo8-test-never",), draw_restless, call_restless),
]
