"""A bank of right and wrong answers, and a quick way to grade one.

An answer is a small file, ``answers/<assignment>/todo<k>/{right,wrong}/<what it is>.py``. It
contains one function that the notebook asks for, as a student may write it, with the imports and
the helpers that it needs. The quick way runs the notebook's definitions once, and then forks a
process for each answer, which runs the answer and the graded cells. It leaves out the kernel and
nbgrader; ``grader_report`` grades the whole bank with both.
"""

import argparse
import ast
import contextlib
import io
import multiprocessing
import os
import re
import sys
import textwrap
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nexa_grade.cell_names import (
    bound_names,
    defined_by,
    find_function,
    lines_of,
    needed_names,
    parse_without_magics,
)
from nexa_grade.execution.kernel_settings import GlobalSettings

from authoring.assignment import Assignment, add_option
from authoring.graded_cells import (
    asked_name,
    grade_info,
    is_graded_by_machine,
    solution_cells,
    todo_of,
)
from authoring.sync import HIDDEN_TESTS, without_markers

CHECK_TOOLS = re.compile(r"given-.*check-")  # ids of cells: what graded cells need
SECONDS_AN_ANSWER = 120.0


@dataclass(frozen=True)
class Answer:
    """One file of the bank."""

    path: Path
    todo: int
    is_right: bool

    @property
    def name(self) -> str:
        """Say what it is, e.g. ``todo3 wrong tie_goes_to_first``."""
        return f"todo{self.todo} {'right' if self.is_right else 'wrong'} {self.path.stem}"


def list_bank(assignment: Assignment) -> list[Answer]:
    """List the bank of an assignment in the order of TODOs and names."""
    answers = [
        Answer(path, int(path.parts[-3].removeprefix("todo")), path.parts[-2] == "right")
        for path in assignment.answers.glob("todo*/*/*.py")
    ]
    return sorted(answers, key=lambda answer: (answer.todo, not answer.is_right, answer.path.stem))


def answered_cell(notebook: NotebookNode, answer: Answer) -> NotebookNode:
    """Find the cell that an answer belongs to.

    Raises:
        ValueError: The file defines none of the names that its TODO asks for.
    """
    statements = ast.walk(ast.parse(answer.path.read_text()))
    defined: set[str] = set().union(*map(defined_by, statements))
    asked = [cell for cell in solution_cells(notebook) if todo_of(cell) == answer.todo]
    for cell in asked:
        if asked_name(cell) in defined:
            return cell
    names = ", ".join(map(asked_name, asked))
    raise ValueError(f"{answer.path.name}: expected a definition of {names}; found none")


def with_answer(cell: NotebookNode, answer: Answer) -> str:
    """Put an answer in the place of the function that a cell defines.

    Raises:
        ValueError: The cell does not define the function that it asks for.
    """
    text = answer.path.read_text()
    if grade_info(cell).get("grade"):  # an answer that is not a function fills the whole cell
        return text
    code = without_markers(cell.source)
    function = find_function(code, asked_name(cell))
    if function is None:
        raise ValueError(f"{cell.id}: expected a function {asked_name(cell)}; found none")
    lines = code.splitlines()
    lines[lines_of(function)] = [textwrap.indent(text.rstrip("\n"), " " * function.col_offset)]
    return "\n".join(lines)


def only_defines(assignment: Assignment, cell: NotebookNode) -> bool:
    """Tell a code cell that every answer and every graded cell stands on."""
    is_named = re.fullmatch(assignment.definition_cells, cell.get("id", ""))
    return cell.cell_type == "code" and bool(is_named)


def read_source(assignment: Assignment, overrides: Path | None = None) -> NotebookNode:
    """Read the source notebook; ``<grade id>.py`` in ``overrides`` replaces a cell's text."""
    notebook = nbformat.read(assignment.source_notebook, as_version=4)
    for cell in notebook.cells:
        if overrides and (path := overrides / f"{grade_info(cell).get('grade_id')}.py").exists():
            cell.source = path.read_text().rstrip("\n")
    return notebook


def run(source: str, namespace: dict[str, Any], name: str) -> None:
    """Run a cell's text in a namespace, without its magics."""
    exec(compile(parse_without_magics(source), name, "exec"), namespace)


def run_graded(cell: NotebookNode, namespace: dict[str, Any]) -> str:
    """Run a graded cell by nbgrader's own rule: an error or a word on stderr costs its points.

    The course's grading is milder (``GradeByErrors``): words on stderr cost nothing there.

    Returns:
        What went wrong, "" for full points.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            run(cell.source, namespace, grade_info(cell)["grade_id"])
    except BaseException as error:  # whatever a student's code raises is a result
        return "".join(traceback.format_exception_only(error)).strip()
    return f"stderr: {said.getvalue().strip()}" if said.getvalue() else ""


def are_independent(graded: Sequence[NotebookNode]) -> bool:
    """Tell whether no graded cell reads a name that another one binds."""
    bound: Counter[str] = Counter()
    for cell in graded:
        bound.update(bound_names(cell.source))
    for cell in graded:
        needed = needed_names(cell.source)
        own = bound_names(cell.source)
        if needed is None or any(bound[name] > (name in own) for name in needed):
            return False
    return True


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = os.environ.copy()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class QuickGrader:
    """The notebook's definitions and reference answers in one process, ready to be forked."""

    def __init__(
        self, assignment: Assignment, overrides: Path | None = None, visible_only: bool = False
    ):
        """Run every definition (it takes the seconds that the imports need).

        Args:
            assignment: Whose answers are graded.
            overrides: See ``read_source``.
            visible_only: Leave out the hidden tests: what a student sees before handing in.
        """
        import torch
        import torch._dynamo  # optimizers ask for it: once here, not in every fork

        torch.set_num_threads(1)  # a forked process cannot use the parent's threads
        self.notebook = read_source(assignment, overrides)
        if visible_only:
            for cell in filter(is_graded_by_machine, self.notebook.cells):
                cell.source = HIDDEN_TESTS.sub("", cell.source)
        self.seconds: dict[str, float] = {}  # that a graded cell took last time, by grade id
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        solutions = solution_cells(self.notebook)
        with environment(NBGRADER_EXECUTION="autograde"):
            for cell in self.notebook.cells:
                if cell in solutions or only_defines(assignment, cell):
                    run(cell.source, self.namespace, cell.id)

    def grade_here(
        self, answer: Answer | None, todo: int | None, stop_at_first: bool = False
    ) -> dict[str, str]:
        """Run an answer and the graded cells behind it in this process."""
        outcome = {}
        settings = GlobalSettings(None)  # of this interpreter; there is no shell here
        cells = self.notebook.cells
        if answer:
            replaced = answered_cell(self.notebook, answer)
            cells = cells[cells.index(replaced) + 1 :]
            try:
                run(with_answer(replaced, answer), self.namespace, answer.name)
            except Exception as error:
                outcome["answer"] = repr(error)
            self.restore_check_tools()
        graded = [
            cell for cell in cells if is_graded_by_machine(cell) and todo in (None, todo_of(cell))
        ]
        if stop_at_first and are_independent(graded):  # most mistakes show in a cell that is quick
            graded.sort(key=lambda cell: self.seconds.get(grade_info(cell)["grade_id"], 0.0))
        for cell in graded:
            if stop_at_first and any(outcome.values()):
                break
            settings.put_back()  # as the guard does before each test
            name, start = grade_info(cell)["grade_id"], time.process_time()
            outcome[name] = run_graded(cell, self.namespace)
            self.seconds[name] = time.process_time() - start
        return outcome

    def restore_check_tools(self) -> None:
        """Put right what an answer may have redefined of the checks' tools, as the guard does."""
        for cell in self.notebook.cells:
            if CHECK_TOOLS.match(cell.id):
                run(cell.source, self.namespace, cell.id)

    def grade(
        self,
        answer: Answer | None,
        todo: int | None = None,
        seconds: float = SECONDS_AN_ANSWER,
        stop_at_first: bool = False,
    ) -> dict[str, str]:
        """Grade an answer in a forked process.

        Args:
            answer: None grades the reference answers.
            todo: Run the graded cells of this TODO alone; None runs all that stand behind the
                answer (an answer cannot change what has run before it).
            seconds: How long the process may take.
            stop_at_first: Leave out the cells behind the first one that fails.

        Returns:
            What went wrong by grade id, "" for full points. The key ``answer`` stands for an
            error in the answer's own cell, or a process that gave no result.
        """
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)

        def work(pipe: Connection) -> None:
            pipe.send((self.grade_here(answer, todo, stop_at_first), self.seconds))

        process = context.Process(target=work, args=(sender,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of forks; our child uses no thread
            process.start()
        sender.close()
        try:
            if receiver.poll(seconds):
                outcome, took = receiver.recv()
                self.seconds |= took
                return dict(outcome)
            return {"answer": f"no result in {seconds:g} s"}
        except EOFError:
            return {"answer": "the process ended without a result"}
        finally:
            process.kill()
            process.join()


def is_as_expected(answer: Answer, lost: dict[str, str]) -> bool:
    """Tell whether a right answer lost nothing, and a wrong one only points of its own TODO."""
    mine = [name for name in lost if name.startswith((f"todo{answer.todo}-", "answer"))]
    return not lost if answer.is_right else bool(mine) and len(mine) == len(lost)


def main() -> int:
    """Grade files of the bank and print what was caught."""
    parser = argparse.ArgumentParser(description="Grade answers of the bank, quickly.")
    parser.add_argument("paths", nargs="*", type=Path, help="files; none: the whole bank")
    parser.add_argument("--cells", type=Path, help="folder of <grade id>.py that replace cells")
    parser.add_argument(
        "--visible", action="store_true", help="leave out hidden tests: who passes what they see?"
    )
    parser.add_argument("--every-todo", action="store_true", help="run all graded cells")
    add_option(parser)
    options = parser.parse_args()
    wanted = {path.resolve() for path in options.paths}
    banks = {
        assignment: [
            answer for answer in list_bank(assignment) if not wanted or answer.path in wanted
        ]
        for assignment in options.assignments
    }
    answers = [answer for bank in banks.values() for answer in bank]
    if unknown := wanted - {answer.path for answer in answers}:
        parser.error(f"not in the bank: {', '.join(map(str, sorted(unknown)))}")
    surprises = 0
    for assignment in [each for each, bank in banks.items() if bank]:
        grader = QuickGrader(assignment, options.cells, options.visible)
        for answer in banks[assignment]:
            outcome = grader.grade(answer, None if options.every_todo else answer.todo)
            lost = {name: said for name, said in outcome.items() if said}
            expected = is_as_expected(answer, lost)
            surprises += not expected
            print(f"{'as expected' if expected else 'SURPRISE   '}  {answer.name}", flush=True)
            for name, said in lost.items():
                print(f"    {name}: {said}")
    print(f"{len(answers)} answers, {surprises} surprises")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
