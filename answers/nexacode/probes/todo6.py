"""TODO 6: evaluation, and its plot."""

import random
from typing import Any

from nexa_grade.second_look.probe import Probe, nearly_equal

from .shared import BAD, GOOD, NEUTRAL, Namespace, lively_policy, number, sizes_of_bars, triples_of


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


PROBES = [
    Probe(("todo6-test-keys",), draw_scores, call_evaluate_keys, cases=2),
    Probe(("todo6-test-improvements",), draw_improvements, call_evaluate_improvements, cases=1),
    Probe(("todo6-test-accuracy",), draw_accuracy, call_evaluate_accuracy, cases=1),
    Probe(("todo6-test-kl-reduction",), draw_scores, call_evaluate_kl, agrees=same_kl, cases=1),
    Probe(
        ("todo6-test-plot",), draw_comparison, call_plot_comparison, agrees=shows_the_numbers,
        cases=2,
    ),
]  # fmt: skip
