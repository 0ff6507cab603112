"""A course with one short notebook, and two nbgraders for it: hardened, and as it is delivered."""

import atexit
import copy
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook, MissingEntry
from nexa_grade.gradebook_scores import ungraded_cells
from nexa_grade.repair.match_cells import grade_id_of
from warm_python import run_python

NAME = "tiny"
FULL = {"add-test": 2.0, "limit-test": 1.0, "double-test": 3.0, "why": None}
SOLUTIONS = {
    "add": "def add(a, b):\n    return a + b",
    "double": "def double(x):\n    return 2 * x",
    "why": "Because it is so.",
}
PROBES = """
from nexa_grade.second_look.probe import Probe

def draw_pair(rng):
    return [rng.randrange(10**6), rng.randrange(10**6)]

def call_add(namespace, pair):
    return namespace["add"](*pair)

def draw_number(rng):
    return rng.randrange(10**6)

def call_double(namespace, number):
    return namespace["double"](number)

PROBES = [
    Probe(("add-test",), draw_pair, call_add),
    Probe(("double-test",), draw_number, call_double),
]
"""
HARDENED = "from nexa_grade.settings import harden\nharden(c)\n"
CONFIG = """
import os, sys
from pathlib import Path
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
c.Execute.record_timing = False
c.Execute.timeout = c.Execute.iopub_timeout = 60
"""
STOCK_RUN = """
import sys
from nbgrader.apps import AutogradeApp
for student in sys.argv[1:]:
    app = AutogradeApp()
    app.initialize(["tiny", "--student", student])
    try:
        app.start()
    except SystemExit:
        pass
"""


def watched(make: Callable[..., NotebookNode], name: str, source: str, **info) -> NotebookNode:
    flags = {"grade": False, "solution": False, "locked": False, "task": False} | info
    metadata = {"nbgrader": {"schema_version": 3, "grade_id": name} | flags}
    return make(source, id=f"cell-{name}", metadata=metadata)


def plain(make: Callable[..., NotebookNode], name: str, source: str, **metadata) -> NotebookNode:
    return make(source, id=name, metadata=metadata)


def source_notebook() -> NotebookNode:
    code, text = new_code_cell, new_markdown_cell
    solution = "{}:\n    ### BEGIN SOLUTION\n{}\n    ### END SOLUTION"
    add, double = (solution.format(*SOLUTIONS[name].split(":\n")) for name in ("add", "double"))
    hidden = "\n### BEGIN HIDDEN TESTS\nassert add(2, 2) == 4, 'hidden'\n### END HIDDEN TESTS"
    test = {"grade": True, "locked": True}
    cells = [
        plain(text, "title", "# A tiny course"),
        plain(code, "parameters", "SCALE = 2", tags=["parameters"]),
        watched(code, "limit", "LIMIT = 10", locked=True),
        plain(text, "about-add", "Write `add`."),
        watched(code, "add", add, solution=True),
        watched(code, "add-test", "assert add(1, 2) == 3, 'sum'" + hidden, points=2, **test),
        watched(code, "limit-test", "assert add(LIMIT, 1) == 11", points=1, **test),
        watched(code, "double", double, solution=True),
        watched(code, "double-test", "assert double(4) == 8", points=3, **test),
        plain(text, "about-why", "Why? Write your answer into the next cell."),
        watched(text, "why", "An answer.", grade=True, solution=True, points=2),
        plain(code, "look", "print(SCALE)"),
    ]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    """Find a cell by its grade id, or by its cell id."""
    for cell in notebook.cells:
        if name in (grade_id_of(cell), cell.id):
            return cell
    raise KeyError(name)


@functools.cache
def released_once() -> Path:
    """Generate the assignment in a folder that every course of this process is copied from."""
    folder = Path(tempfile.mkdtemp(prefix="tiny-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    TinyCourse(folder / "course", is_copied=False)
    return folder / "course"


class TinyCourse:
    """A course folder with a released assignment."""

    forks_kernels = False  # where what a kernel is started from is not the point

    def __init__(
        self,
        folder: Path,
        config: str = HARDENED,
        is_copied: bool = True,
        forks_kernels: bool = False,
    ):
        self.folder = folder
        self.forks_kernels = forks_kernels
        if is_copied and "db_url" not in config:  # the gradebook of another one is elsewhere
            shutil.copytree(released_once(), folder, dirs_exist_ok=True)
            (folder / "nbgrader_config.py").write_text(CONFIG + config)
        else:
            (folder / "source" / NAME).mkdir(parents=True)
            nbformat.write(source_notebook(), folder / "source" / NAME / f"{NAME}.ipynb")
            (folder / "nbgrader_config.py").write_text(CONFIG + config)
            done = self.nbgrader("generate_assignment", NAME)
            assert done.returncode == 0, done.stderr
        self.release = nbformat.read(folder / "release" / NAME / f"{NAME}.ipynb", as_version=4)

    def nbgrader(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "nbgrader", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_python(arguments, self.folder, preload=[] if self.forks_kernels else None)

    def autograde(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Grade all that was submitted, in one run."""
        return self.nbgrader("autograde", NAME, *arguments)

    def autograde_one_by_one(self, students: list[str]) -> subprocess.CompletedProcess[str]:
        """Grade each student in a run of its own, all in one process to save time."""
        return self.run("-c", STOCK_RUN, *students)

    def solved(self, **answers: str) -> NotebookNode:
        """Make a student's notebook: the release with right answers, or with other ones."""
        notebook = copy.deepcopy(self.release)
        for name, text in (SOLUTIONS | answers).items():
            cell_of(notebook, name).source = text
        return notebook

    def submitted(self, student: str) -> Path:
        return self.folder / "submitted" / student / NAME / f"{NAME}.ipynb"

    def submit(self, student: str, notebook: NotebookNode | dict | str | bytes) -> None:
        path = self.submitted(student)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(notebook, bytes):
            path.write_bytes(notebook)
        else:
            path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))

    def autograded(self, student: str) -> Path:
        return self.folder / "autograded" / student / NAME / f"{NAME}.ipynb"

    def graded(self, student: str) -> NotebookNode:
        return nbformat.read(self.autograded(student), as_version=4)

    def repairs(self, student: str) -> list[tuple[str, str]]:
        listed = self.graded(student).metadata.get("nexa", {}).get("repairs", [])
        return [(repair["cell"], repair["what"]) for repair in listed]

    def scores(self, student: str) -> dict[str, float | None]:
        """Read the automatic scores; {} without a submission in the gradebook."""
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            try:
                notebook = gradebook.find_submission_notebook(NAME, NAME, student)
            except MissingEntry:
                return {}
            return {grade.name: grade.auto_score for grade in notebook.grades}

    def ungraded(self, student: str) -> list[str]:
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            return ungraded_cells(gradebook.find_submission_notebook(NAME, NAME, student))
