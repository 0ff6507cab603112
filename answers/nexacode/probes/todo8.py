"""TODO 8: a clock that moves only when the model works."""

import random
from contextlib import ExitStack
from functools import partial
from typing import Any

from nexa_grade.second_look.probe import Probe

from .shared import Namespace, number


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
            # A longer text takes longer, however many passes warmed up.
            ms = given["start"] + 100 * length + given["step"] * count
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


PROBES = [
    Probe(("todo8-test-structure",), draw_latency, call_measure, form_of_rows, cases=2),
    Probe(("todo8-test-protocol",), draw_latency, call_measure, agrees=is_measured, cases=2),
    Probe(("todo8-test-gpu",), draw_latency, call_measure, form_of_passes, cases=2),
]  # fmt: skip
