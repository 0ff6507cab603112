"""A whole class: nexa-grade against stock nbgrader, and 300 submissions with trouble among them.

First, 30 students (solved notebooks with answers of the bank in them) are graded twice in one run:
by ``nbgrader autograde`` as it is delivered, and by ``nexa-grade`` in its sandbox. Then 280 such
students and 20 broken or hostile submissions are graded by a ``nexa-grade`` that is killed five
times, and once more by one that is left alone.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbformat import NotebookNode
from nexa_grade.run.journal import read_lines
from nexa_grade.run.outcome import Status

from authoring.answer_bank import Answer, answered_cell, list_bank, read_source
from authoring.assignment import NEXACODE
from authoring.execute import Heartbeat
from authoring.grader_report import (
    Graded,
    class_of,
    read_graded,
    solved_notebook,
    without_experiments,
)
from authoring.nbgrader_commands import prepare_course
from benchmarks.common import Figure, save

STOCK = """
import os, sys
from pathlib import Path
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
c = get_config()
c.CourseDirectory.course_id = "nexacode"
c.Execute.timeout = 120
"""
ASSIGNMENT, NAME = NEXACODE.name, NEXACODE.notebook_name
NBGRADER = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
NEXA_GRADE = [sys.executable, "-m", "nexa_grade.command", ASSIGNMENT]
KILLS = 5

# Hostile code, put in front of the first answer; it is held, or its kernel does not live.
CODE = {
    "displayhook": "import sys\nsys.displayhook(2.0)",
    "ast_transformer": "import ast\nget_ipython().ast_transformers.append(ast.NodeTransformer())",
    "input_transformer": "get_ipython().input_transformers_post.append(lambda lines: ['pass'])",
    "showtraceback": "get_ipython().showtraceback = lambda *a, **k: None",
    "run_cell": "get_ipython().run_cell('1')",
    "allclose": "import torch\ntorch.allclose = lambda *a, **k: True",
    "equal": "class Equal:\n    def __eq__(self, other):\n        return True",
    "exec": "exec('pass')",
    "ctypes": "import ctypes",
    "child": "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "ends_kernel": "import os\nos._exit(0)",
    "reads_source": "text = open('../../../source/nexacode/nexacode.ipynb').read()",
    "frames": "import sys\nsys._getframe(1)",
}
FILES = {"empty": b"", "cut": b'{"cells": [', "list": b"[]", "large": b" " * 120_000_000}


def link_notebook(path: Path) -> None:
    """Hand in a link to the instructor's notebook."""
    path.unlink()
    path.symlink_to(path.parents[3] / "source" / ASSIGNMENT / NAME)


def link_folder(path: Path) -> None:
    """Hand in another student's folder."""
    shutil.rmtree(path.parent)
    path.parent.symlink_to(path.parents[2] / "student-000" / ASSIGNMENT)


def rename(path: Path) -> None:
    """Hand in under a browser's name."""
    path.rename(path.with_stem("nexacode (1)"))


PLACES: dict[str, Callable[[Path], None]] = {
    "link": link_notebook,
    "folder_link": link_folder,
    "renamed": rename,
}


def hand_in(course: Path, student: str, notebook: NotebookNode | bytes) -> Path:
    """Put a submission in its place."""
    path = course / "submitted" / student / ASSIGNMENT / NAME
    path.parent.mkdir(parents=True)
    if isinstance(notebook, bytes):
        path.write_bytes(notebook)
    else:
        nbformat.write(notebook, path)
    return path


def some_students(number: int) -> dict[str, list[Answer]]:
    """Make up students from the bank of answers, spread over all of it."""
    rows = class_of(list_bank(NEXACODE))
    chosen = [rows[place * len(rows) // number] if number < len(rows) else rows[place % len(rows)]
              for place in range(number)]  # fmt: skip
    return {f"student-{place:03}": row for place, row in enumerate(chosen)}


def misgraded(students: dict[str, list[Answer]], graded: dict[str, Graded]) -> list[str]:
    """Name who was not graded as deserved: points are lost where a wrong answer is, only there."""
    found = []
    for student, answers in students.items():
        lost = {name for name, (score, most, _) in graded[student].cells.items() if score < most}
        todos = {int(name.removeprefix("todo").split("-")[0]) for name in lost}
        wrong = {answer.todo for answer in answers if not answer.is_right}
        if todos != wrong or not graded[student].cells:
            found.append(student)
    return found


def timed(command: list[str], course: Path, total: int) -> float:
    """Run a grading command to its end; give its seconds."""
    started = time.monotonic()
    with (
        (course / "benchmark.log").open("a") as log,
        Heartbeat(lambda: f"{done_in(course)} of {total} submissions", seconds=30),
    ):
        subprocess.run(command, cwd=course, stdout=log, stderr=log, check=False)
    return time.monotonic() - started


def done_in(course: Path) -> int:
    """Count the graded submissions."""
    return len(list(course.glob("autograded/*")))


def compare(number: int, workers: int) -> list[Figure]:
    """Grade the same students with stock nbgrader and with nexa-grade."""
    students = some_students(number)
    seconds, wrong = {}, {}
    with tempfile.TemporaryDirectory(prefix="nexacode-") as folder:
        hardened, stock = Path(folder, "nexa-grade"), Path(folder, "stock")
        prepare_course(NEXACODE, hardened, read_source(NEXACODE))
        for student, answers in students.items():
            hand_in(hardened, student, solved_notebook(NEXACODE, answers))
        shutil.copytree(hardened, stock)
        (stock / "nbgrader_config.py").write_text(STOCK)
        for course, command in (
            (stock, NBGRADER),
            (hardened, [*NEXA_GRADE, "--workers", str(workers)]),
        ):
            print(f"{course.name}, {number} submissions", flush=True)
            seconds[course.name] = timed(command, course, number)
            wrong[course.name] = len(misgraded(students, read_graded(NEXACODE, course, students)))
    ratio = seconds["stock"] / seconds["nexa-grade"]
    return [
        *(
            Figure(f"{name}: submissions a minute", number / value * 60, "a minute")
            for name, value in seconds.items()
        ),
        Figure("nexa-grade, sandbox on, against stock: ratio", ratio, "x", ">= 3", ratio >= 3),
        *(
            Figure(f"{name}: not graded as deserved", value, "submissions", "0", value == 0)
            for name, value in wrong.items()
        ),
    ]


def memory_of(process: psutil.Process) -> float:
    """Add up the resident sizes of a process and its children, in GB; shared pages count twice."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
    return total / 1e9


def watched(command: list[str], course: Path, total: int) -> list[float]:
    """Run nexa-grade to its end, and look at its memory every second."""
    sizes = []
    with (
        (course / "benchmark.log").open("a") as log,
        Heartbeat(lambda: f"{done_in(course)} of {total} submissions", seconds=30),
        subprocess.Popen(command, cwd=course, stdout=log, stderr=log) as process,
    ):
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            sizes.append(memory_of(seen))
            time.sleep(1)
    return sizes


def killed(command: list[str], course: Path, total: int, honest: int, rng: random.Random) -> int:
    """Run nexa-grade, and kill it at random moments; then let it finish.

    Moments are numbers of graded submissions, which only honest ones come to be.

    Returns:
        How often it was killed while it was at work.
    """
    kills = 0
    moments = sorted(rng.sample(range(5, honest - 10), KILLS))
    with (course / "benchmark.log").open("a") as log:
        for moment in moments:
            with subprocess.Popen(
                command, cwd=course, stdout=log, stderr=log, start_new_session=True
            ) as process:
                while process.poll() is None and done_in(course) < moment:
                    time.sleep(0.05)
                time.sleep(rng.random())
                if process.poll() is None:
                    os.killpg(process.pid, 9)
                    kills += 1
            print(f"  killed at {done_in(course)} of {total}", flush=True)
    timed(command, course, total)
    return kills


def gradebook(course: Path, students: list[str]) -> dict[str, Any]:
    """Read every score, and what the journal says."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = {}
        for student in students:
            found = book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
            scores[student] = {grade.name: grade.auto_score for grade in found.grades}
    lines = [
        line
        for path in sorted((course / "nexa-grade" / ASSIGNMENT / "runs").iterdir())
        for line in read_lines(path)
        if line["event"] == "submission"
    ]
    return {"scores": scores, "graded": [line["student"] for line in lines],
            "status": {line["student"]: line["status"] for line in lines}}  # fmt: skip


def make_troubled_class(course: Path, honest: dict[str, list[Answer]]) -> list[str]:
    """Hand in the honest students' notebooks and the others'; give the others' names."""
    source = read_source(NEXACODE)
    prepare_course(NEXACODE, course, without_experiments(NEXACODE, source))
    for student, answers in honest.items():
        hand_in(course, student, without_experiments(NEXACODE, solved_notebook(NEXACODE, answers)))
    solved = without_experiments(NEXACODE, source)
    first = answered_cell(source, list_bank(NEXACODE)[0]).metadata["nbgrader"]["grade_id"]
    for name, code in CODE.items():
        notebook = nbformat.from_dict(json.loads(nbformat.writes(solved)))
        cell = next(
            cell
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") == first
        )
        cell.source = f"{code}\n{cell.source}"
        hand_in(course, f"trouble-{name}", notebook)
    for name, data in FILES.items():
        hand_in(course, f"trouble-{name}", data)
    for name, change in PLACES.items():
        change(hand_in(course, f"trouble-{name}", solved))
    return [f"trouble-{name}" for name in (*CODE, *FILES, *PLACES)]


def large_class(number: int, workers: int, seed: int) -> list[Figure]:
    """Grade a large class with trouble in it, killed five times, and once in peace."""
    honest = some_students(number - len(CODE) - len(FILES) - len(PLACES))
    command = [*NEXA_GRADE, "--workers", str(workers)]
    with tempfile.TemporaryDirectory(prefix="nexacode-") as folder:
        course, again = Path(folder, "killed"), Path(folder, "in-peace")
        trouble = make_troubled_class(course, honest)
        shutil.copytree(course, again, symlinks=True)
        everybody = [*honest, *trouble]
        print(f"{number} submissions, in peace", flush=True)
        sizes = watched(command, again, number)
        print(f"{number} submissions, killed {KILLS} times", flush=True)
        kills = killed(command, course, number, len(honest), random.Random(seed))
        wrong = len(misgraded(honest, read_graded(NEXACODE, course, honest)))
        books = [gradebook(each, everybody) for each in (course, again)]
    reported = sum(
        books[0]["status"].get(name) in (Status.HELD, Status.NOT_GRADABLE) for name in trouble
    )
    graded = sum(books[0]["status"].get(name) == "graded" for name in honest)
    twice = len(books[0]["graded"]) - len(set(books[0]["graded"]))
    same = books[0]["scores"] == books[1]["scores"] and books[0]["status"] == books[1]["status"]
    quarter = len(sizes) // 4
    early, late = (
        statistics.median(part) for part in (sizes[quarter : 2 * quarter], sizes[3 * quarter :])
    )
    few = len(trouble)
    return [
        Figure("large class: submissions", number, "submissions"),
        Figure("large class: killed while at work", kills, "times", f"{KILLS}", kills == KILLS),
        Figure("honest: graded", graded, "submissions", f"{len(honest)}", graded == len(honest)),
        Figure("honest: not graded as deserved", wrong, "submissions", "0", wrong == 0),
        Figure("broken or hostile: reported, no score", reported, "submissions", f"{few}",
               reported == few),
        Figure("logged as graded twice", twice, "submissions", "0", twice == 0),
        Figure("the same gradebook as in peace", float(same), "1 = yes", "1", same),
        Figure("in peace: submissions a minute", number / len(sizes) * 60, "a minute"),
        Figure("memory, second quarter of the run", early, "GB"),
        Figure("memory, last quarter against it", late / early, "x", "<= 1.1", late <= 1.1 * early),
    ]  # fmt: skip


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=30, help="submissions of the comparison")
    parser.add_argument("--many", type=int, default=300, help="submissions of the large class")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    options = parser.parse_args()
    if options.few:
        note = (
            "Solved notebooks with answers of the bank, handed in whole and graded by one side "
            f"after the other, {options.workers} workers. nexa-grade leaves out the course's "
            "experiments, which no point depends on; stock nbgrader runs them."
        )
        figures = compare(options.few, options.workers)
        save("class_grading", "Grading a class, against stock nbgrader", figures, note)
    if options.many:
        note = (
            "Solved notebooks with answers of the bank, without the cells that train and plot, "
            f"{options.workers} workers. Seed of the kills: {options.seed}."
        )
        figures = large_class(options.many, options.workers, options.seed)
        save("large_class", "Grading a large class with trouble in it", figures, note)


if __name__ == "__main__":
    main()
