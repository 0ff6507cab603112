"""What a course declares for the second look: its probes, and how two results are compared.

A table is a Python file with a list ``PROBES``. Its ``call`` functions, and what these need, are
sent into the sandbox; what comes of a call is compared outside, with the reference's.
"""

import ast
import functools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nexa_grade.cell_names import bound_here, names_read_by
from nexa_grade.errors import Refusal

TOLERANCE = 1e-4
Namespace = dict[str, Any]


def unchanged(result: Any) -> Any:
    """Look at all of a result."""
    return result


def nearly_equal(expected: Any, got: Any) -> bool:
    """Compare plain data: numbers within a tolerance, all else exactly.

    Args:
        expected: None, a bool, a number, a text, a list or a dict with text keys; and so on inside.
        got: The same, made by somebody who is not trusted.
    """
    if isinstance(expected, int | float):
        return isinstance(got, int | float) and is_near(float(expected), float(got))
    if isinstance(expected, list):
        is_list = isinstance(got, list) and len(got) == len(expected)
        return is_list and all(map(nearly_equal, expected, got))
    if isinstance(expected, dict):
        is_dict = isinstance(got, dict) and got.keys() == expected.keys()
        return is_dict and all(nearly_equal(expected[key], got[key]) for key in expected)
    return type(expected) is type(got) and bool(expected == got)


def is_near(expected: float, got: float) -> bool:
    """Compare two numbers; two that are no numbers are equal."""
    both_nan = math.isnan(expected) and math.isnan(got)
    return both_nan or math.isclose(expected, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


@dataclass(frozen=True)
class Probe:
    """One behavior that is looked at once more, on inputs that nobody has seen.

    Attributes:
        cells: Grade ids of the tests that it speaks for. It looks at what these tests look at, and
            at no more: an honest mistake that they let pass is no forgery.
        draw: Makes the inputs of one case, plain data, from a generator; runs outside the sandbox.
        call: Calls the student's function, in the namespace of the notebook's definitions, and
            returns plain data (tensors and arrays become lists); runs in the sandbox, and once with
            the reference's definitions.
        looks_at: The part of a result that counts; runs outside the sandbox.
        agrees: Compares the expected with the given part; runs outside the sandbox. An error that
            it raises means no.
        cases: How many inputs are drawn; all of them have to agree.
    """

    cells: tuple[str, ...]
    draw: Callable[[random.Random], Any]
    call: Callable[[Namespace, Any], Any]
    looks_at: Callable[[Any], Any] = unchanged
    agrees: Callable[[Any, Any], bool] = nearly_equal
    cases: int = 3

    @property
    def name(self) -> str:
        """Name the probe by its first cell."""
        return self.cells[0]

    def judge(self, expected: Any, got: Any) -> bool:
        """Compare two results; what comes from a student may be anything that JSON can say."""
        try:
            return bool(self.agrees(self.looks_at(expected), self.looks_at(got)))
        except Exception:  # of any kind: it was made of a student's data
            return False


def load_table(text: str, path: str, known: Mapping[str, float]) -> list[Probe]:
    """Load a table of probes.

    Args:
        text: The Python source; the instructor's, so it is trusted.
        path: Its name in messages.
        known: The points of each machine-graded cell of the assignment.

    Raises:
        Refusal: It has an error, no list ``PROBES`` of probes, or a grade id that is not known.
    """
    space: Namespace = {"__name__": "nexa_grade_probes", "__file__": path}
    try:
        exec(compile(text, path, "exec"), space)
    except Exception as error:
        raise Refusal(f"{path}: {type(error).__name__}: {error}") from error
    probes = space.get("PROBES")
    if not isinstance(probes, list) or not all(isinstance(probe, Probe) for probe in probes):
        raise Refusal(f"{path}: expected a list PROBES of probes, got {type(probes).__name__}")
    unknown = sorted({cell for probe in probes for cell in probe.cells} - known.keys())
    if unknown:
        raise Refusal(f"{path}: expected grade ids of tests, got {', '.join(unknown)}")
    names = [probe.name for probe in probes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refusal(f"{path}: more than one probe begins with {', '.join(twice)}")
    return probes


PREPARE = "prepare"  # a function of the table that is called after a notebook's definitions


@functools.lru_cache(maxsize=100)  # most submissions of a class ask for the same
def sandboxed_part(text: str, calls: frozenset[str]) -> str:
    """Cut a table to the functions that run in the sandbox, and to what these read.

    How inputs are drawn and results compared stays outside: it may compute a part of an answer.

    Args:
        text: The table's Python source.
        calls: The names of the functions that are called.
    """
    nodes = [(node, bound_here(node)) for node in ast.parse(text).body]
    wanted, known = {PREPARE, *calls}, set[str]()
    while new := wanted - known:
        known |= new
        wanted |= {
            name
            for node, bound in nodes
            if bound & new
            for name in names_read_by(ast.unparse(node))
        }
    kept = [node for node, bound in nodes if bound & known]
    return ast.unparse(ast.Module(kept, type_ignores=[]))


def without_probe(probes: list[Probe], known: Mapping[str, float]) -> dict[str, float]:
    """List the tests that no probe speaks for, with their points."""
    covered = {cell for probe in probes for cell in probe.cells}
    return {cell: points for cell, points in known.items() if cell not in covered}
