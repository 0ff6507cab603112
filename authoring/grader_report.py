"""``make grader-report``: how often the autograder is right, measured with nbgrader itself.

Students are made up of the answers in the bank: each one is the solved notebook with at most one
answer for each TODO in it. ``nbgrader autograde`` grades them all. Each answer is also graded
alone, the quick way, with the graded cells of every TODO: that shows points lost elsewhere, and
both ways must agree. docs/grader-report.md says which wrong answers were caught (sensitivity),
which right ones got every point (specificity), and what was lost outside the answer's own TODO
(collateral).
"""

import argparse
import copy
import itertools
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

from authoring.answer_bank import (
    ANSWERS,
    DEFINITIONS,
    ROOT,
    Answer,
    QuickGrader,
    answered_cell,
    asked_name,
    find_answers,
    grade_info,
    is_graded_by_machine,
    read_source,
    with_answer,
)
from authoring.execute import Heartbeat
from authoring.sync import SOURCE_NOTEBOOK

ASSIGNMENT = "nexacode"
REPORT = ROOT / "docs" / "grader-report.md"
TRIED = ANSWERS / "tried.md"


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


def without_experiments(notebook: NotebookNode) -> NotebookNode:
    """Keep the definitions, the answers and the graded cells: all that a grade depends on.

    The cells between, which train, measure and plot, take most of the time.
    """
    notebook = copy.deepcopy(notebook)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if grade_info(cell).get("grade")
        or grade_info(cell).get("solution")
        or cell.id == "run-setup"
        or (cell.cell_type == "code" and DEFINITIONS.match(cell.id))
    ]
    return notebook


def solved_notebook(answers: Iterable[Answer] = ()) -> NotebookNode:
    """Make a student's notebook: the solved one, with these answers in it."""
    notebook = read_source()
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


def run_nbgrader(folder: Path, *arguments: str, check: bool = True) -> None:
    """Run an nbgrader command in a course folder; its output goes to ``nbgrader.log``.

    Raises:
        subprocess.CalledProcessError: It failed and ``check`` is true.
    """
    with (folder / "nbgrader.log").open("a") as log:
        command = [sys.executable, "-m", "nbgrader", *arguments]
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=check)


def make_course(folder: Path, source: NotebookNode) -> None:
    """Set up a course folder with the released assignment in its gradebook."""
    folder.mkdir(parents=True)
    target = folder / "source" / ASSIGNMENT
    target.mkdir(parents=True)
    nbformat.write(source, target / SOURCE_NOTEBOOK.name)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    run_nbgrader(folder, "generate_assignment", ASSIGNMENT)


def read_graded(folder: Path, students: Iterable[str]) -> dict[str, Graded]:
    """Read scores from the gradebook, and messages from the autograded notebooks."""
    from nbgrader.api import Gradebook, MissingEntry  # takes seconds to import

    results = {}
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for student in students:
            path = folder / "autograded" / student / ASSIGNMENT / SOURCE_NOTEBOOK.name
            try:
                graded = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
            except MissingEntry:
                results[student] = Graded({})
                continue
            scores = {grade.name: (grade.auto_score, grade.max_score) for grade in graded.grades}
            cells: dict[str, tuple[float, float, str]] = {}
            for cell in nbformat.read(path, as_version=4).cells if path.exists() else []:
                name = grade_info(cell).get("grade_id", "")
                if is_graded_by_machine(cell) and name in scores:
                    errors = [out for out in cell.outputs if out.output_type == "error"]
                    said = f"{errors[0].ename}: {errors[0].evalue}" if errors else ""
                    cells[name] = (scores[name][0] or 0.0, scores[name][1], said)
            results[student] = Graded(cells)
    return results


def grade_students(
    folder: Path,
    source: NotebookNode,
    notebooks: dict[str, NotebookNode],
    workers: int = 2,
    environment: dict[str, str] | None = None,
) -> dict[str, Graded]:
    """Grade notebooks with ``nbgrader autograde``, many students a run.

    Args:
        folder: Where a course folder for each worker is made.
        source: The instructor's notebook.
        notebooks: Submissions by student.
        workers: Processes side by side, each with a course folder of its own.
        environment: Variables for nbgrader and its kernels, besides those of this process.

    Returns:
        What was graded, by student.
    """
    make_course(folder / "0", source)
    folders = [folder / str(number) for number in range(workers)]
    for other in folders[1:]:
        shutil.copytree(folder / "0", other)
    shares = [list(notebooks)[number::workers] for number in range(workers)]
    for course, students in zip(folders, shares, strict=True):
        for student in students:
            target = course / "submitted" / student / ASSIGNMENT
            target.mkdir(parents=True)
            nbformat.write(notebooks[student], target / SOURCE_NOTEBOOK.name)

    def progress() -> str:
        done = sum(len(list(course.glob("autograded/*"))) for course in folders)
        return f"nbgrader autograde: {done} of {len(notebooks)} submissions"

    variables = os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {})
    command = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
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
        results |= read_graded(course, students)
    return {student: results[student] for student in notebooks}


def failed_cells(outcome: dict[str, str], todo: int) -> set[str]:
    """Name the graded cells of a TODO that failed the quick way."""
    return {name for name, said in outcome.items() if said and name.startswith(f"todo{todo}-")}


def judge(answers: list[Answer], folder: Path, workers: int) -> list[Verdict]:
    """Grade every answer with nbgrader, and alone the quick way."""
    students = {f"student-{i:03}": row for i, row in enumerate(class_of(answers))}
    notebooks = {s: without_experiments(solved_notebook(row)) for s, row in students.items()}
    graded = grade_students(folder, without_experiments(read_source()), notebooks, workers)
    student_of = {answer: student for student, row in students.items() for answer in row}

    grader = QuickGrader()
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


def shorten(text: str, width: int = 220) -> str:
    """Fit a message into a table cell."""
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= width else text[: width - 1] + "…"


def write_report(verdicts: list[Verdict]) -> str:
    """Write docs/grader-report.md as text."""
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
    if TRIED.exists():
        lines += ["", TRIED.read_text().strip()]
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
            lines.append(f"| {name} | {verdict.lost:g} | {shorten(verdict.first_message)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Grade the whole bank and write the report; the exit status tells whether all is right."""
    parser = argparse.ArgumentParser(description="Measure the autograder with the answer bank.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--todo", type=int, action="append", help="only these TODOs, no report")
    options = parser.parse_args()
    answers = [a for a in find_answers() if not options.todo or a.todo in options.todo]
    with tempfile.TemporaryDirectory(prefix="nexacode-") as folder:
        verdicts = judge(answers, Path(folder, "courses"), options.workers)
    if not options.todo:
        REPORT.write_text(write_report(verdicts))
    print("\n".join(table_of(verdicts)))
    for verdict in verdicts:
        if not verdict.as_deserved:
            print(
                f"unexpected: {verdict.answer.name}: lost {verdict.lost:g} points,"
                f" elsewhere {verdict.elsewhere}, both ways agree: {verdict.agrees}"
            )
    return 0 if all(verdict.as_deserved for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
