"""Measures the second look on the bank: who is held without a reason, and who is seen.

``python -m authoring.second_look`` grades each answer of the bank, runs the probes of its TODO on
it, and lists the cells that it passes and whose probe disagrees. A right answer, or an honest wrong
one that fairly earned a cell, must not be held. No sandbox here: the bank is the authors' own.
``--assignment NAME`` names another bank.
"""

import argparse
import json
import secrets
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_solution
from nexa_grade.cell_names import given_names
from nexa_grade.execution.kernel_settings import NOTHING_TO_DO
from nexa_grade.second_look import look, runner
from nexa_grade.second_look.probe import Probe, load_table, sandboxed_part
from nexa_grade.second_look.table_text import read_table

from authoring.answer_bank import Answer, QuickGrader, answered_cell, list_bank, with_answer
from authoring.assignment import Assignment, add_option
from authoring.graded_cells import grade_info, is_graded_by_machine, todo_number

SECONDS = 120.0


@dataclass(frozen=True)
class Seen:
    """What the probes say of one answer.

    Attributes:
        answer: The answer.
        passed: Grade ids of its TODO that give it points.
        failed: Grade ids of its TODO that give it none, though a probe speaks for them.
        disagree: Grade ids of its TODO whose probe disagrees, with what it says.
        seconds: How long the definitions and the probes took.
    """

    answer: Answer
    passed: list[str]
    failed: list[str]
    disagree: dict[str, str]
    seconds: float

    @property
    def held(self) -> dict[str, str]:
        """The cells for which the answer would be held."""
        return {cell: said for cell, said in self.disagree.items() if cell in self.passed}

    @property
    def unseen(self) -> list[str]:
        """The cells whose points nobody would miss, had the answer forged them all."""
        return self.failed if not self.disagree else []


class Looker:
    """The probes of an assignment, and what the reference answers to them."""

    def __init__(self, assignment: Assignment, seed: int):
        """Run the reference once; it also imports the libraries, before any fork."""
        self.grader = QuickGrader(assignment)
        self.text = read_table(assignment.probes)
        points = points_of_tests(self.grader.notebook)
        self.probes = load_table(self.text, str(assignment.shorten(assignment.probes)), points)
        self.requests = {
            probe.name: look.make_request(self.grader.notebook, [probe], self.text, seed)
            for probe in self.probes
        }
        calls = frozenset(probe.call.__name__ for probe in self.probes)
        self.table = runner.definitions_of(sandboxed_part(self.text, calls))
        cells = look.cells_to_run(self.grader.notebook)
        self.namespace = runner.make_namespace(cells, self.table, NOTHING_TO_DO)
        self.given = {
            name: value
            for cell in self.grader.notebook.cells
            if is_locked(cell) and not is_solution(cell)
            for name in given_names(cell.source)
            if (value := self.namespace.get(name)) is not None
        }
        self.expected = self.ask("", self.probes)

    def ask(self, text: str, probes: list[Probe]) -> look.Results:
        """Run an answer's cell and then probes in a forked process; "" for the reference."""
        rows = [self.requests[probe.name]["probes"][0] for probe in probes]
        request = {"probes": rows, "seconds": SECONDS, "seconds_in_all": SECONDS}

        def work() -> Iterator[str]:
            runner.silence()
            runner.run_cell(text, True, self.namespace)
            runner.put_back(self.given, self.namespace)
            for pair in runner.run_probes(request, self.table, self.namespace):
                yield json.dumps(pair)

        lines = runner.lines_of_a_fork(work, SECONDS, time.monotonic() + SECONDS)
        pairs = [json.loads(line) for line in lines]
        return {name: json.loads(results or "[]") for name, results in pairs}

    def look_at(self, answer: Answer, outcome: dict[str, str] | None = None) -> Seen:
        """Grade an answer and run the probes of its TODO on it."""
        outcome = outcome or self.grader.grade(answer, answer.todo)
        text = with_answer(answered_cell(self.grader.notebook, answer), answer)
        probes = [probe for probe in self.probes if todo_number(probe.name) == answer.todo]
        started = time.monotonic()
        found = self.ask(text, probes)
        seconds = time.monotonic() - started
        said = {
            probe.name: look.compare(probe, self.expected[probe.name], found.get(probe.name))
            for probe in probes
        }
        passed = [name for name, lost in outcome.items() if not lost]
        failed = [name for name, lost in outcome.items() if lost and name in said]
        disagree = {name: what for name, what in said.items() if what}
        return Seen(answer, passed, failed, disagree, seconds)


def points_of_tests(notebook: NotebookNode) -> dict[str, float]:
    """List the points of each machine-graded cell of a notebook."""
    infos = [grade_info(cell) for cell in notebook.cells if is_graded_by_machine(cell)]
    return {info["grade_id"]: float(info["points"]) for info in infos}


def summarize(seen: Iterable[Seen]) -> str:
    """Count what was held and what was seen."""
    listed = list(seen)
    right = [one for one in listed if one.answer.is_right]
    wrong = [one for one in listed if not one.answer.is_right]
    seconds = [one.seconds for one in listed]
    return (
        f"right answers held: {sum(bool(one.held) for one in right)} of {len(right)}\n"
        f"wrong answers held for a cell that they pass: {sum(bool(one.held) for one in wrong)} of"
        f" {len(wrong)}\n"
        f"wrong answers that a probe sees, had they forged all points of their TODO:"
        f" {sum(bool(one.disagree) for one in wrong)} of {len(wrong)}\n"
        f"seconds for the probes of one TODO: mean {sum(seconds) / len(seconds):.2f},"
        f" most {max(seconds):.2f}"
    )


def look_at_bank(
    assignment: Assignment, wanted: set[Path], seed: int, grades: dict[str, Any]
) -> bool:
    """Look at the bank of an assignment and print what is found.

    Args:
        assignment: Whose answers are looked at.
        wanted: Files; none: the whole bank.
        seed: What inputs are drawn from.
        grades: Outcomes of answers that need not be graded, by name.

    Returns:
        Whether the reference gives all results, and no answer is held.
    """
    bank = [answer for answer in list_bank(assignment) if not wanted or answer.path in wanted]
    if not bank:
        return True
    looker = Looker(assignment, seed)
    failed = [p.name for p in looker.probes if not look.is_complete(looker.expected[p.name], p)]
    for name in failed:
        print(f"the reference fails: {name}: {looker.expected[name]}"[:500])
    listed = []
    for answer in bank:
        seen = looker.look_at(answer, grades.get(answer.name))
        listed.append(seen)
        for cell, said in seen.held.items():
            print(f"HELD {answer.name}: {cell}: {said}", flush=True)
        if seen.unseen:
            print(f"UNSEEN {answer.name}: {', '.join(seen.unseen)}", flush=True)
    print(f"{assignment.name}, seed {seed}\n{summarize(listed)}")
    return not failed and not any(one.held for one in listed)


def main() -> int:
    """Look at the bank, or at the files that are named."""
    parser = argparse.ArgumentParser(description="Measure the second look on the bank.")
    parser.add_argument("paths", nargs="*", type=Path, help="files; none: the whole bank")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--grades", type=Path, help="outcomes of the bank, JSON, to save time")
    add_option(parser)
    options = parser.parse_args()
    wanted = {path.resolve() for path in options.paths}
    grades: dict[str, Any] = json.loads(options.grades.read_text()) if options.grades else {}
    fine = [look_at_bank(one, wanted, options.seed, grades) for one in options.assignments]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
