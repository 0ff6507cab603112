"""A course folder for one run: the real assignment, and one student who is partly wrong.

The walk in the browser opens cells of this assignment by their grade ids, so another assignment
needs a walk of its own.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from authoring.assignment import NEXACODE

ASSIGNMENT = NEXACODE.name
NOTEBOOK = Path(ASSIGNMENT, NEXACODE.notebook_name)
STUDENT = "ada"
ESSAY = "todo2-eda-questions"
WRONG_TEST = "todo1-test-parse-edges"  # it sees the mistake below
EVIL = "<script>alert('script')</script><img src='x' onerror=\"alert('image')\">"
ANSWER = f"""
**Length.** The median is ten words. That is short, and often half of it is the next request.

**Corrections.** About a third of the feedback is negative: more than 3,000 corrections.

**Outliers.** No response is near the limit of 412 tokens.

{EVIL}
"""
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
MARKER = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)


class CourseError(Exception):
    """nbgrader said no; the message ends with what it said."""


def nbgrader(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise CourseError(f"nbgrader {' '.join(arguments)} failed:\n{said}")


def grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def make_course(folder: Path, environment: dict[str, str]) -> None:
    """Copy the source and the settings, and generate the release."""
    shutil.copytree(NEXACODE.source, folder / "source" / ASSIGNMENT)
    shutil.copy(NEXACODE.settings, folder)
    nbgrader(folder, environment, "generate_assignment", ASSIGNMENT)


def submission() -> NotebookNode:
    """The solved notebook as a student might have it: one mistake, and an essay of her own."""
    notebook = nbformat.read(NEXACODE.source_notebook, as_version=4)
    changed = set()
    for cell in notebook.cells:
        if not cell.metadata.get("nbgrader", {}).get("locked"):
            cell.source = MARKER.sub("", cell.source)
        if grade_id(cell) == ESSAY:
            cell.source = ANSWER.strip()
            changed.add(ESSAY)
        if grade_id(cell) == "todo1-parse_conversation" and "if content:" in cell.source:
            cell.source = cell.source.replace("if content:", "if True:  # every turn counts")
            changed.add("mistake")
    if changed != {ESSAY, "mistake"}:
        raise CourseError(f"the source has changed: only {sorted(changed)} could be replaced")
    return notebook


def submit(folder: Path) -> None:
    target = folder / "submitted" / STUDENT / NOTEBOOK
    target.parent.mkdir(parents=True)
    nbformat.write(submission(), target)


def score(folder: Path, name: str = "") -> float:
    """The points of a cell in the gradebook, or of the whole notebook."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        if not name:
            return gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, STUDENT).score
        return gradebook.find_grade(name, ASSIGNMENT, ASSIGNMENT, STUDENT).score


def comment(folder: Path, name: str) -> str:
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        return gradebook.find_comment(name, ASSIGNMENT, ASSIGNMENT, STUDENT).comment or ""


def hidden_lines() -> list[str]:
    """Every line of a hidden test that stands nowhere else; short ones stand in many texts."""
    cells = nbformat.read(NEXACODE.source_notebook, as_version=4).cells
    shown = "\n".join(HIDDEN.sub("", cell.source) for cell in cells)
    regions = "\n".join(region for cell in cells for region in HIDDEN.findall(cell.source))
    lines = {line.strip() for line in regions.splitlines()}
    return sorted(line for line in lines if len(line) >= 12 and line not in shown)
