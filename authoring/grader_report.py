"""``make grader-report``: how often the autograder is right, measured with nbgrader itself.

Students are made up of the answers in the bank: each one is the solved notebook with at most one
answer for each TODO in it. ``nbgrader autograde`` grades them all. Each answer is also graded
alone, the quick way, with the graded cells of every TODO: that shows points lost elsewhere, and
both ways must agree. The assignment's ``grader-report.md`` says which wrong answers were caught
(sensitivity), which right ones got every point (specificity), and what was lost outside the
answer's own TODO (collateral).
"""

import argparse
import copy
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nexa_grade.text import shorten

from authoring.answer_bank import (
    Answer,
    QuickGrader,
    answered_cell,
    list_bank,
    only_defines,
    read_source,
    with_answer,
)
from authoring.assignment import Assignment, add_option
from authoring.execute import Heartbeat
from authoring.graded_cells import asked_name, grade_info, is_graded_by_machine
from authoring.mutants import mutation_table
from authoring.nbgrader_commands import Scores, prepare_course, read_scores

COLLATERAL = "collateral.json"  # in the bank; `authoring.collateral` writes it


@dataclass(frozen=True)
class Graded:
    """What nbgrader says about one submission: by grade id the score, the maximum, the message."""

    cells: dict[str, tuple[float, float, str]]


@dataclass(frozen=True)
class Verdict:
    """What became of one answer."""

    answer: Answer
    function: str
    cells: dict[str, tuple[float, float, str]]  # of its own TODO, graded by nbgrader
    elsewhere: tuple[str, ...]  # graded cells of other TODOs that it failed alone
    agrees: bool  # nbgrader and the quick way fail the same cells

    @property
    def lost(self) -> float:
        """Points lost in its own TODO."""
        return sum(maximum - score for score, maximum, _ in self.cells.values())

    @property
    def as_deserved(self) -> bool:
        """A right answer keeps every point, a wrong one loses some, and nothing else happens."""
        deserved = (self.lost == 0) == self.answer.is_right
        return bool(self.cells) and deserved and not self.elsewhere and self.agrees

    @property
    def first_message(self) -> str:
        """Name the first check that failed, and what it says."""
        failed = (
            (name, said) for name, (score, maximum, said) in self.cells.items() if score < maximum
        )
        return next((f"`{name}`: {said}" for name, said in failed), "")


def without_experiments(assignment: Assignment, notebook: NotebookNode) -> NotebookNode:
    """Keep the definitions, the answers and the graded cells: all that a grade depends on.

    The cells between, which train, measure and plot, take most of the time.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if grade_info(cell).get("grade")
        or grade_info(cell).get("solution")
        or cell.id in assignment.needed_cells
        or only_defines(assignment, cell)
    ]
    return notebook


def solved_notebook(assignment: Assignment, answers: Iterable[Answer] = ()) -> NotebookNode:
    """Make a student's notebook: the solved one, with these answers in it."""
    notebook = read_source(assignment)
    for answer in answers:
        cell = answered_cell(notebook, answer)
        cell.source = with_answer(cell, answer)
    return notebook


def class_of(answers: list[Answer]) -> list[list[Answer]]:
    """Share the bank out among as few students as possible, an answer for a TODO at the most."""
    of_todo: dict[int, list[Answer]] = {}
    for answer in answers:
        of_todo.setdefault(answer.todo, []).append(answer)
    rows = itertools.zip_longest(*of_todo.values())
    return [[answer for answer in row if answer] for row in rows]


def messages_of(path: Path) -> dict[str, str]:
    """Read what each check of an autograded notebook said, "" for nothing; by grade id."""
    messages = {}
    for cell in nbformat.read(path, as_version=4).cells if path.exists() else []:
        if is_graded_by_machine(cell):
            errors = [out for out in cell.outputs if out.output_type == "error"]
            said = f"{errors[0].ename}: {errors[0].evalue}" if errors else ""
            messages[grade_info(cell)["grade_id"]] = said
    return messages


def read_graded(assignment: Assignment, folder: Path, students: Iterable[str]) -> dict[str, Graded]:
    """Read scores from the gradebook, and messages from the autograded notebooks."""

    def graded(student: str, scores: Scores) -> Graded:
        path = folder / "autograded" / student / assignment.name / assignment.notebook_name
        messages = messages_of(path) if scores else {}
        return Graded({n: (*scores[n], said) for n, said in messages.items() if n in scores})

    every = read_scores(assignment, folder, students)
    return {student: graded(student, scores) for student, scores in every.items()}


def grade_students(
    assignment: Assignment,
    folder: Path,
    source: NotebookNode | None,
    notebooks: dict[str, NotebookNode],
    workers: int = 2,
    environment: dict[str, str] | None = None,
) -> dict[str, Graded]:
    """Grade notebooks with ``nbgrader autograde``, many students per run.

    Args:
        assignment: What is graded.
        folder: Where a course folder for each worker is made.
        source: The instructor's notebook; None for the source folder as it is.
        notebooks: Submissions by student.
        workers: Processes side by side, each with a course folder of its own.
        environment: Variables for nbgrader and its kernels, besides those of this process.

    Returns:
        What was graded, by student.
    """
    prepare_course(assignment, folder / "0", source)
    folders = [folder / str(number) for number in range(workers)]
    for other in folders[1:]:
        shutil.copytree(folder / "0", other)
    shares = [list(notebooks)[number::workers] for number in range(workers)]
    for course, students in zip(folders, shares, strict=True):
        for student in students:
            target = course / "submitted" / student / assignment.name
            target.mkdir(parents=True)
            nbformat.write(notebooks[student], target / assignment.notebook_name)

    def progress() -> str:
        done = sum(len(list(course.glob("autograded/*"))) for course in folders)
        return f"nbgrader autograde: {done} of {len(notebooks)} submissions"

    variables = os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {})
    command = [sys.executable, "-m", "nbgrader", "autograde", assignment.name]
    with Heartbeat(progress, seconds=15):
        processes = []
        for course in folders:
            with (course / "nbgrader.log").open("a") as log:
                processes.append(
                    subprocess.Popen(command, cwd=course, stdout=log, stderr=log, env=variables)
                )
        for process in processes:  # a student's failure shows in the scores
            process.wait()
    results: dict[str, Graded] = {}
    for course, students in zip(folders, shares, strict=True):
        results |= read_graded(assignment, course, students)
    return {student: results[student] for student in notebooks}


def failed_cells(outcome: dict[str, str], todo: int) -> set[str]:
    """Name the graded cells of a TODO that failed the quick way."""
    return {name for name, said in outcome.items() if said and name.startswith(f"todo{todo}-")}


def judge(
    assignment: Assignment, answers: list[Answer], folder: Path, workers: int
) -> list[Verdict]:
    """Grade every answer with nbgrader, and alone the quick way."""
    students = {f"student-{i:03}": row for i, row in enumerate(class_of(answers))}
    notebooks = {
        student: without_experiments(assignment, solved_notebook(assignment, row))
        for student, row in students.items()
    }
    source = without_experiments(assignment, read_source(assignment))
    graded = grade_students(assignment, folder, source, notebooks, workers)
    student_of = {answer: student for student, row in students.items() for answer in row}

    grader = QuickGrader(assignment)
    outcomes: list[dict[str, str]] = []
    with (
        Heartbeat(lambda: f"alone: {len(outcomes)} of {len(answers)} answers", seconds=15),
        ThreadPoolExecutor(workers) as pool,
    ):
        for outcome in pool.map(grader.grade, answers):
            outcomes.append(outcome)

    verdicts = []
    for answer, outcome in zip(answers, outcomes, strict=True):
        mine = f"todo{answer.todo}-"
        cells = {
            name: result
            for name, result in graded[student_of[answer]].cells.items()
            if name.startswith(mine)
        }
        failed = {name for name, (score, maximum, _) in cells.items() if score < maximum}
        elsewhere = tuple(n for n, said in outcome.items() if said and not n.startswith(mine))
        function = asked_name(answered_cell(grader.notebook, answer))
        # An answer whose own cell fails leaves nothing for its checks to call: both ways lose all.
        agrees = failed == failed_cells(outcome, answer.todo)
        elsewhere = tuple(name for name in elsewhere if name != "answer")
        verdicts.append(Verdict(answer, function, cells, elsewhere, agrees))
    return verdicts


def table_of(verdicts: list[Verdict]) -> list[str]:
    """Write the matrix: a row for each function."""
    lines = [
        "| TODO | Function | Wrong: caught | Right: accepted | Points lost elsewhere in |",
        "|---|---|---|---|---|",
    ]
    rows: dict[tuple[int, str], list[Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault((verdict.answer.todo, verdict.function), []).append(verdict)
    rows[(0, "all")] = verdicts
    for (todo, name), group in rows.items():
        wrong = [v.lost > 0 for v in group if not v.answer.is_right]
        right = [bool(v.cells) and v.lost == 0 for v in group if v.answer.is_right]
        elsewhere = sum(bool(v.elsewhere) for v in group)
        lines.append(
            f"| {todo or ''} | {f'`{name}`' if todo else '**all**'} | {sum(wrong)} of {len(wrong)} "
            f"| {sum(right)} of {len(right)} | {elsewhere} of {len(group)} |"
        )
    return lines


def fit_in_cell(text: str, width: int = 220) -> str:
    """Fit a message into a cell of a table."""
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= width else shorten(text, width - 1)


def mutation_section(assignment: Assignment) -> list[str]:
    """Write the section with the mutation score; [] where nothing was measured."""
    table = mutation_table(assignment)
    if not table:
        return []
    return [
        "",
        "## Mistakes that nobody listed",
        "",
        "`make mutants` changes one place of a reference answer at a time: another operator, a",
        "number moved by one, a statement or an argument left out. The graded cells of the TODO",
        "must see it. *Equivalent* mutants, which break no rule, are listed with the reason in",
        "`equivalent_mutants.toml`; the score is the share of the others that lost a point.",
        "",
        *table,
    ]


def collateral_table(assignment: Assignment) -> list[str]:
    """Write what was measured as a table; [] where nothing was."""
    path = assignment.answers / COLLATERAL
    if not path.exists():
        return []
    lines = [
        "| Answer | Points lost in other TODOs | Other cells that fail |",
        "|---|---|---|",
    ]
    for row in json.loads(path.read_text()):
        lost = sum(row["lost"].values())
        where = f" ({', '.join(row['lost'])})" if row["lost"] else ""
        lines.append(f"| {row['answer']} | {lost:g}{where} | {row['ungraded']} |")
    return lines


def collateral_section(assignment: Assignment) -> list[str]:
    """Write the section about switches that answers leave on; [] where nothing was measured."""
    table = collateral_table(assignment)
    if not table:
        return []
    return [
        "",
        "## Switches that an answer leaves on",
        "",
        "These answers turn something off for all cells behind them. Each was put into the whole",
        "notebook, cells that are given or not graded included (`python -m authoring.collateral`).",
        "Before each check and each cell of the course the grader puts such switches back.",
        "",
        *table,
    ]


def write_report(assignment: Assignment, verdicts: list[Verdict]) -> str:
    """Write the assignment's grader report as text."""
    tried = assignment.answers / "tried.md"
    lines = [
        "# How often the autograder is right",
        "",
        "<!-- Generated by `make grader-report`. -->",
        "",
        "Each answer of the bank in `answers/` was put into a solved notebook, and `nbgrader",
        "autograde` graded it. The notebook held definitions, answers and graded cells; the cells",
        "between, which train and plot, were left out. A wrong answer is *caught* if it loses a",
        "point in its own TODO. A right answer is *accepted* if it gets every point there. Points",
        "that an answer loses in other TODOs would be unfair; the last column counts the answers",
        "with such a loss.",
        "",
        *table_of(verdicts),
        "",
        "Graded alone, without nbgrader, "
        f"{sum(v.agrees for v in verdicts)} of {len(verdicts)} answers fail the same cells.",
    ]
    lines += collateral_section(assignment)
    lines += mutation_section(assignment)
    if tried.exists():
        lines += ["", tried.read_text().strip()]
    lines += [
        "",
        "## What each wrong answer is told",
        "",
        "The first check that fails, and its message. Checks that are hidden from students are",
        "shown here as the instructor sees them.",
        "",
        "| Answer | Points lost | First message |",
        "|---|---|---|",
    ]
    for verdict in verdicts:
        if not verdict.answer.is_right:
            name = f"{verdict.answer.todo}: {verdict.answer.path.stem}"
            lines.append(f"| {name} | {verdict.lost:g} | {fit_in_cell(verdict.first_message)} |")
    return "\n".join(lines) + "\n"


def measure(assignment: Assignment, todos: list[int] | None, workers: int) -> bool:
    """Grade the bank, or some of its TODOs, and say what came of it.

    Returns:
        Whether every answer got what it deserves. The report is written for a whole bank only.
    """
    answers = [a for a in list_bank(assignment) if not todos or a.todo in todos]
    with tempfile.TemporaryDirectory(prefix=f"{assignment.name}-") as folder:
        verdicts = judge(assignment, answers, Path(folder, "courses"), workers)
    if not todos:
        assignment.grader_report.write_text(write_report(assignment, verdicts))
    sections = [*collateral_section(assignment), *mutation_section(assignment)]
    print("\n".join([*table_of(verdicts), *sections]))
    for verdict in verdicts:
        if not verdict.as_deserved:
            print(
                f"unexpected: {verdict.answer.name}: lost {verdict.lost:g} points,"
                f" elsewhere {verdict.elsewhere}, both ways agree: {verdict.agrees}"
            )
    return all(verdict.as_deserved for verdict in verdicts)


def main() -> int:
    """Grade the whole bank and write the report; the exit status tells whether all is right."""
    parser = argparse.ArgumentParser(description="Measure the autograder with the answer bank.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--todo", type=int, action="append", help="only these TODOs, no report")
    add_option(parser)
    options = parser.parse_args()
    all_right = [measure(each, options.todo, options.workers) for each in options.assignments]
    return 0 if all(all_right) else 1


if __name__ == "__main__":
    sys.exit(main())
