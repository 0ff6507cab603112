"""The wheel, alone in a fresh environment, grades nbgrader's example course, sandbox on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bwrap import needs_sandbox

GRADER = Path(__file__).parents[1]
NOT_THERE = ("torch", "transformers", "datasets", "papermill", "nexa_helpers", "authoring")
CONFIG = """
from nexa_grade.settings import harden
harden(get_config())
c.NexaGrade.preload = []
c.Execute.timeout = c.Execute.iopub_timeout = 120
"""
HAND_IN = """
import copy, pathlib, shutil, nbformat
source, release = (pathlib.Path(step, "ps1") for step in ("source", "release"))
answers = {}
for path in source.glob("*.ipynb"):
    for cell in nbformat.read(path, 4).cells:
        answers[cell.metadata.get("nbgrader", {}).get("grade_id")] = cell.source
for student in ("solved", "blank", "misses", "broken"):
    folder = pathlib.Path("submitted", student, "ps1")
    shutil.copytree(release, folder)
    for path in folder.glob("*.ipynb") if student != "blank" else ():
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            info = cell.metadata.get("nbgrader", {})
            if info.get("solution"):
                cell.source = answers[info["grade_id"]]
        nbformat.write(notebook, path)
pathlib.Path("submitted/misses/ps1/problem2.ipynb").unlink()
pathlib.Path("submitted/broken/ps1/problem1.ipynb").write_text("{")
"""
READ = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as gradebook:
    print(json.dumps({
        submission.student_id: {
            grade.name: grade.auto_score
            for notebook in submission.notebooks for grade in notebook.grades
            if grade.cell.cell_type == "code" and grade.name != "sum_of_squares_application"
        }
        for submission in gradebook.assignment_submissions("ps1")
    }))
"""
POINTS = {  # as the four tests of problem1.ipynb have them
    "correct_squares": 1.0,
    "squares_invalid_input": 1.0,
    "correct_sum_of_squares": 0.5,
    "sum_of_squares_uses_squares": 0.5,
}


def clean_environment(bin_folder: Path) -> dict[str, str]:
    """Give the variables without any that leads to this repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]])}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Install the wheel, and what it asks for, into a fresh environment."""
    folder = tmp_path_factory.mktemp("wheel")
    bin_folder = folder / "venv" / "bin"
    variables = clean_environment(bin_folder)
    python = str(bin_folder / "python")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
            env=variables,
        )  # fmt: skip

    made = run(sys.executable, "-m", "venv", str(folder / "venv"))
    assert made.returncode == 0, made.stderr
    tried = run(python, "-m", "pip", "download", "--no-deps", "--dest", "index", "hatchling")
    if tried.returncode:
        pytest.skip(f"pip reaches no package index: {tried.stderr.strip()[-200:]}")
    shutil.copytree(GRADER, folder / "grader", ignore=shutil.ignore_patterns("tests"))
    built = run(python, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "dist", "./grader")
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.rmtree(folder / "grader")
    installed = run(python, "-m", "pip", "install", "--quiet", str(wheel))
    assert installed.returncode == 0, installed.stderr
    return folder, run


@needs_sandbox
def test_the_wheel_alone_grades_the_example_course(environment):
    folder, run = environment
    find = f"import importlib.util as u; print([n for n in {NOT_THERE} if u.find_spec(n)])"
    assert run("python", "-c", find).stdout.strip() == "[]"
    assert run("nbgrader", "quickstart", "course").returncode == 0
    with (folder / "course" / "nbgrader_config.py").open("a") as file:
        file.write(CONFIG)
    in_course = ("env", "-C", "course")
    for command in (["nbgrader", "generate_assignment", "ps1"], ["python", "-c", HAND_IN]):
        done = run(*in_course, *command)
        assert done.returncode == 0, done.stderr
    done = run(*in_course, "nexa-grade", "ps1", "--workers", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the sandbox is off" not in done.stdout
    assert "broken: " in done.stdout
    found = json.loads(run(*in_course, "python", "-c", READ).stdout)
    assert found["solved"] == POINTS, done.stdout + done.stderr
    assert found["blank"] == dict.fromkeys(POINTS, 0.0)
    assert all(score in (None, POINTS[name]) for name, score in found["misses"].items())
    assert set(found["broken"].values()) <= {None}
