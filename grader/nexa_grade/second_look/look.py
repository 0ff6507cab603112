"""Looks at a graded submission once more: do its functions do what its points say?

The definitions of the student's cells run in a fresh process that has neither tests nor expected
values, on inputs drawn from a secret seed. Data come back and are compared here, with what the
reference does on the same inputs. A test that gave points and whose behavior is not there is a
reason to hold the submission: not a proof, a person looks. Whatever the student's code does in that
process, it has to find the right answers to pass.
"""

import functools
import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution
from traitlets import Float
from traitlets.config import Config, Configurable

from nexa_grade.cells import id_of, is_test
from nexa_grade.execution.kernel_settings import NOTHING_TO_DO
from nexa_grade.forgery.watch import ADVICE
from nexa_grade.second_look.probe import Probe, load_table, sandboxed_part, without_probe
from nexa_grade.second_look.sandboxed_run import Limits, run_request

MOST_SHOWN = 3  # cells in the one-line reason; the log has them all
SEED = secrets.randbits(64)  # of this process; the next run has another one
Results = dict[str, list[dict[str, Any]]]


class SecondLook(Configurable):
    """The settings."""

    seconds_per_probe = Float(10.0, help="Seconds that the calls of one probe may take").tag(
        config=True
    )
    seconds_in_all = Float(60.0, help="Seconds that all calls of a notebook may take").tag(
        config=True
    )

    @property
    def limits(self) -> Limits:
        """The time limits."""
        return Limits(self.seconds_per_probe, self.seconds_in_all)


@dataclass(frozen=True)
class Table:
    """What an assignment declares, as texts: it travels to workers.

    Attributes:
        path: The name of the table's file, for messages.
        text: Its Python source.
        sources: The instructor's notebooks with the reference answers, by name.
        points: The points of each machine-graded cell.
    """

    path: str
    text: str
    sources: tuple[tuple[str, str], ...]
    points: tuple[tuple[str, float], ...]

    @property
    def probes(self) -> list[Probe]:
        """The rows.

        Raises:
            Refusal: The table has a mistake.
        """
        return rows_of_table(self)

    @property
    def without_probe(self) -> dict[str, float]:
        """The tests that no probe speaks for, with their points."""
        return without_probe(self.probes, dict(self.points))


@functools.lru_cache(maxsize=8)
def rows_of_table(table: Table) -> list[Probe]:
    """Load a table once a process; its functions cannot travel."""
    return load_table(table.text, table.path, dict(table.points))


def points_of_tests(definition: Mapping[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Read from the gradebook's rows the points of each cell that is graded by machine.

    Args:
        definition: Rows of the gradebook's tables ``base_cell``, ``grade_cells`` and
            ``solution_cells``.
    """
    names = {row["id"]: row["name"] for row in definition["base_cell"]}
    by_hand = {names[row["id"]] for row in definition["solution_cells"]}
    points = {names[row["id"]]: float(row["max_score"]) for row in definition["grade_cells"]}
    return {name: most for name, most in points.items() if name not in by_hand}


@dataclass(frozen=True)
class Disagreement:
    """A test that gave points, and a function that does not behave so."""

    cell: str
    what: str


def cells_to_run(notebook: NotebookNode) -> list[dict[str, Any]]:
    """List the cells whose definitions make a notebook's functions; no test is among them."""
    return [
        {
            "text": cell.source,
            "is_given": is_locked(cell) and not is_solution(cell),
            "is_whole": is_solution(cell),
        }
        for cell in notebook.cells
        if cell.cell_type == "code" and not is_test(cell)
    ]


def draw_inputs(probe: Probe, seed: int) -> list[Any]:
    """Draw the inputs of a probe."""
    return [probe.draw(random.Random(f"{seed} {probe.name} {case}")) for case in range(probe.cases)]


def make_request(
    notebook: NotebookNode, probes: Sequence[Probe], table: str, seed: int
) -> dict[str, Any]:
    """Write down what the sandboxed process is to do."""
    rows = [
        {"name": probe.name, "call": probe.call.__name__, "inputs": draw_inputs(probe, seed)}
        for probe in probes
    ]
    called = sandboxed_part(table, frozenset(probe.call.__name__ for probe in probes))
    return {
        "cells": cells_to_run(notebook), "nothing_to_do": NOTHING_TO_DO, "table": called,
        "probes": rows,
    }  # fmt: skip


def probes_of(notebook: NotebookNode, probes: Iterable[Probe]) -> list[Probe]:
    """List the probes that speak for a cell of a notebook."""
    mine = {id_of(cell) for cell in notebook.cells if is_grade(cell)}
    return [probe for probe in probes if mine.intersection(probe.cells)]


EXPECTED: dict[tuple[Table, str, int], Results] = {}  # found once a process


def expected_results(table: Table, name: str, config: Config, seed: int) -> Results:
    """Ask the reference, once a process: it gets the inputs that every student gets.

    Args:
        table: The table.
        name: A notebook's name.
        config: The settings.
        seed: What inputs are drawn from.

    Returns:
        Results of each probe; of a probe on which the reference fails, none.
    """
    key = (table, name, seed)
    if key not in EXPECTED:
        notebook = nbformat.reads(dict(table.sources)[name], as_version=4)
        probes = probes_of(notebook, table.probes)
        request = make_request(notebook, probes, table.text, seed)
        found = run_request(request, None, SecondLook(config=config).limits, config)
        EXPECTED[key] = {
            probe.name: found[probe.name]
            for probe in probes
            if is_complete(found.get(probe.name, []), probe)
        }
    return EXPECTED[key]


def is_complete(results: list[dict[str, Any]], probe: Probe) -> bool:
    """Tell whether each case has a result."""
    return len(results) == probe.cases and all("got" in result for result in results)


def look_again(
    table: Table,
    name: str,
    notebook: NotebookNode,
    earned: Mapping[str, float | None],
    files: Path,
    config: Config,
    seed: int = SEED,
) -> tuple[list[Disagreement], list[str]]:
    """Look at a graded notebook once more.

    Args:
        table: What the assignment declares.
        name: The notebook's name.
        notebook: The graded notebook, repaired: its locked cells are the release's.
        earned: The points of each cell.
        files: The folder of the files that the student handed in.
        config: The settings that it was graded with.
        seed: What inputs are drawn from.

    Returns:
        The cells that gave points for what is not there; and the probes that could not be used,
        because the reference itself gave no result.

    Raises:
        SandboxError: This machine has no sandbox.
    """
    probes = [
        probe
        for probe in probes_of(notebook, table.probes)
        if any(earned.get(cell) for cell in probe.cells)
    ]
    if not probes:
        return [], []
    expected = expected_results(table, name, config, seed)
    usable = [probe for probe in probes if probe.name in expected]
    request = make_request(notebook, usable, table.text, seed)
    found = run_request(request, files, SecondLook(config=config).limits, config)
    disagreements = [
        Disagreement(cell, what)
        for probe in usable
        if (what := compare(probe, expected[probe.name], found.get(probe.name)))
        for cell in probe.cells
        if earned.get(cell)
    ]
    return disagreements, [probe.name for probe in probes if probe.name not in expected]


def compare(probe: Probe, expected: list[dict[str, Any]], got: list[dict[str, Any]] | None) -> str:
    """Say where the results of a probe disagree, "" where they agree."""
    asked = probe.call.__name__
    if not got:
        return f"{asked}: expected results, got none (it crashed or took too long)"
    for i, right in enumerate(expected):
        if i >= len(got) or "got" not in got[i]:
            error = got[i].get("error", "nothing") if i < len(got) else "nothing"
            return f"{asked}: expected {kind(right['got'])}, got {shown(error)}"
        if not probe.judge(right["got"], got[i]["got"]):
            return f"{asked}: expected {kind(right['got'])}, got {shown(got[i]['got'])}"
    return ""


def hold_reason(found: Sequence[Disagreement]) -> str:
    """Write the one-line reason for which a submission is held."""
    shown_ones = "; ".join(f"{each.cell}: {each.what}" for each in found[:MOST_SHOWN])
    more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    return f"held for a person: score and behavior disagree: {shown_ones}{more}; {ADVICE}"


def kind(value: Any) -> str:
    """Name the kind of a right result; the result itself stays here."""
    if isinstance(value, list):
        return f"another list of {len(value)}"
    if isinstance(value, dict):
        return f"others of {', '.join(sorted(value))[:60]}"
    return f"another {type(value).__name__}"


def shown(value: Any) -> str:
    """Show a student's result on one line, shortened."""
    text = ascii(value) if not isinstance(value, str) else ascii(value)[1:-1]
    return text if len(text) <= 60 else f"{text[:59]}…"
