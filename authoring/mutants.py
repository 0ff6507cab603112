"""``make mutants``: is each rule of a function tested? One small mistake at a time says so.

The reference answer of each TODO is changed in one place by ``mutation_operators``; the TODO's
graded cells, visible and hidden, are the tests. A mutant that loses no point *survives*: a rule
that no cell looks at, or a change that changes nothing. The latter are listed with the reason in
``answers/<assignment>/equivalent_mutants.toml``, one table a mutant under the function's name. A
listed one that is killed, or that can no longer be made, is an error.

The results, ``answers/<assignment>/mutants.json``, hold a fingerprint of each function and its
cells, so that ``make grader-report`` can tell figures that are out of date.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from authoring.answer_bank import Answer, QuickGrader, read_source
from authoring.assignment import Assignment, add_option
from authoring.graded_cells import asked_name, is_graded_by_machine, solution_cells, todo_of
from authoring.mutation_operators import Mutant, make_mutants
from authoring.sync import without_markers
from nexa_helpers.given.ready_made import fingerprint

SECONDS_A_MUTANT = 90.0  # one that hangs is killed; a busy machine is not taken for one
GOAL = 0.95


@dataclass
class Tally:
    """What became of the mutants of one function.

    Attributes:
        todo: Its TODO.
        function: Its name.
        fingerprint: Of the reference answer and the graded cells of the TODO.
        killed: Number of mutants that lost a point.
        equivalent: Number of survivors that are listed with a reason.
        survivors: The others.
        errors: What is wrong with the list of equivalent mutants.
    """

    todo: int
    function: str
    fingerprint: str
    killed: int = 0
    equivalent: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The share of the mutants that are not equivalent which were killed."""
        judged = self.killed + len(self.survivors)
        return self.killed / judged if judged else 1.0

    def row(self) -> dict[str, Any]:
        """What the results file keeps."""
        survivors = [{"line": one.line, "becomes": one.becomes} for one in self.survivors]
        return {
            "todo": self.todo, "function": self.function, "fingerprint": self.fingerprint,
            "mutants": self.killed + self.equivalent + len(self.survivors),
            "killed": self.killed, "equivalent": self.equivalent, "survivors": survivors,
            "score": round(self.score, 4),
        }  # fmt: skip


def results_file(assignment: Assignment) -> Path:
    """Where the figures are kept."""
    return assignment.answers / "mutants.json"


def read_equivalents(path: Path) -> dict[tuple[str, str, str], str]:
    """Read the list of equivalent mutants: the reason by ``Mutant.key``.

    Raises:
        ValueError: A row has no reason.
    """
    tables = tomllib.loads(path.read_text()) if path.exists() else {}
    found = {}
    for function, rows in tables.items():
        for row in rows:
            if not row.get("reason", "").strip():
                raise ValueError(f"{path.name}, {function}, {row}: expected a reason, got none")
            found[function, row["line"], row["becomes"]] = row["reason"]
    return found


def fingerprint_of(notebook: NotebookNode, cell: NotebookNode) -> str:
    """Name the state of a reference answer, the graded cells of its TODO and their tools."""
    todo = todo_of(cell)
    tests = [
        each.source
        for each in notebook.cells
        if (is_graded_by_machine(each) and todo_of(each) == todo)
        or str(each.get("id", "")).startswith(f"given-todo{todo}-check-tools")
    ]
    return fingerprint("\n".join([without_markers(cell.source), *tests]))


def survives(grader: QuickGrader, mutant: Mutant, todo: int, folder: Path) -> bool:
    """Tell whether a mutant gets every point of its TODO."""
    path = folder / f"todo{todo}" / "wrong" / "mutant.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(mutant.code + "\n")
    answer = Answer(path, todo, is_right=False)
    outcome = grader.grade(answer, todo, SECONDS_A_MUTANT, stop_at_first=True)
    return not any(outcome.values())


def try_function(
    grader: QuickGrader,
    cell: NotebookNode,
    equivalents: dict[tuple[str, str, str], str],
    survivors_only: bool = False,
) -> Tally:
    """Try every mutant of one reference answer.

    Args:
        grader: The notebook's definitions and reference answers.
        cell: The cell with the reference answer.
        equivalents: Of all functions.
        survivors_only: Trust that a listed mutant survives, and do not try it.
    """
    function, todo = asked_name(cell), todo_of(cell)
    tally = Tally(todo, function, fingerprint_of(grader.notebook, cell))
    unmade = {key for key in equivalents if key[0] == function}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for mutant in make_mutants(without_markers(cell.source), function):
            is_listed = mutant.key in unmade
            unmade.discard(mutant.key)
            if is_listed and survivors_only:
                tally.equivalent += 1
            elif not survives(grader, mutant, todo, Path(folder)):
                tally.killed += 1
                if is_listed:
                    tally.errors.append(f"listed as equivalent, but killed: {mutant.key[1:]}")
            elif is_listed:
                tally.equivalent += 1
            else:
                tally.survivors.append(mutant)
    tally.errors += [f"listed, but not made any more: {key[1:]}" for key in sorted(unmade)]
    return tally


def describe(tally: Tally) -> str:
    """Write down the figures of a function, and what survived as changed lines."""
    row = tally.row()
    lines = [
        f"TODO {tally.todo} {tally.function}: {row['mutants']} mutants, {tally.killed} killed, "
        f"{tally.equivalent} equivalent, {len(tally.survivors)} survived: {tally.score:.1%}"
    ]
    for mutant in tally.survivors:
        lines += [f"    - {mutant.line}", f"    + {mutant.becomes}    ({mutant.operator})"]
    return "\n".join(lines + [f"    ERROR {error}" for error in tally.errors])


def write_results(assignment: Assignment, tallies: Iterable[Tally]) -> None:
    """Write the figures; those of functions that were not tried stay."""
    path = results_file(assignment)
    kept = json.loads(path.read_text()) if path.exists() else []
    rows = {row["function"]: row for row in kept}
    rows |= {tally.function: tally.row() for tally in tallies}
    order = [asked_name(cell) for cell in solution_cells(read_source(assignment))]
    found = [rows[name] for name in order if name in rows]
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def mutation_table(assignment: Assignment) -> list[str]:
    """Write the figures as lines of a page; [] where nothing was measured."""
    path = results_file(assignment)
    if not path.exists():
        return []
    notebook = read_source(assignment)
    now = {asked_name(cell): fingerprint_of(notebook, cell) for cell in solution_cells(notebook)}
    rows = json.loads(path.read_text())
    lines = [
        "| TODO | Function | Mutants | Killed | Equivalent | Survived | Score |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        stale = "" if now.get(row["function"]) == row["fingerprint"] else " (out of date)"
        lines.append(
            f"| {row['todo']} | `{row['function']}` | {row['mutants']} | {row['killed']} "
            f"| {row['equivalent']} | {len(row['survivors'])} | {row['score']:.1%}{stale} |"
        )
    killed, survived = sum(row["killed"] for row in rows), sum(len(r["survivors"]) for r in rows)
    mutants, equivalent = (sum(row[name] for row in rows) for name in ("mutants", "equivalent"))
    share = killed / max(1, killed + survived)
    lines.append(f"|  | **all** | {mutants} | {killed} | {equivalent} | {survived} | {share:.1%} |")
    return lines


def measure(assignment: Assignment, todos: list[int] | None, survivors_only: bool = False) -> bool:
    """Try the mutants of an assignment, or of some of its TODOs.

    Returns:
        Whether every function reaches the goal and the list of equivalent mutants is right.
    """
    equivalents = read_equivalents(assignment.answers / "equivalent_mutants.toml")
    grader = QuickGrader(assignment)
    names = {asked_name(cell) for cell in solution_cells(grader.notebook)}
    tallies = []
    for cell in solution_cells(grader.notebook):
        if not todos or todo_of(cell) in todos:
            tallies.append(try_function(grader, cell, equivalents, survivors_only))
            print(describe(tallies[-1]), flush=True)
    unknown = sorted({key[0] for key in equivalents} - names)
    if unknown:
        print(f"ERROR equivalent_mutants.toml names functions that nobody asks for: {unknown}")
    if not survivors_only:
        write_results(assignment, tallies)
    return not unknown and all(t.score >= GOAL and not t.errors for t in tallies)


def main() -> int:
    """Try the mutants; the exit status tells whether each function reaches the goal."""
    parser = argparse.ArgumentParser(description="Measure the graded cells with mutants.")
    parser.add_argument("--todo", type=int, action="append", help="only these TODOs")
    parser.add_argument(
        "--survivors", action="store_true", help="leave out listed ones, and keep no results"
    )
    add_option(parser)
    options = parser.parse_args()
    reached = [measure(one, options.todo, options.survivors) for one in options.assignments]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
