"""The wheel, alone in a fresh environment, grades nbgrader's example course, sandbox on.

The environment has what the wheel asks for, and what that asks for, and nothing else. It is linked
from the environment of the tests: to download and unpack it would take most of the time.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from bwrap import needs_sandbox
from packaging.requirements import Requirement

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
for student in ("solved", "blank", "broken"):
    folder = pathlib.Path("submitted", student, "ps1")
    shutil.copytree(release, folder)
    for path in folder.glob("*.ipynb") if student != "blank" else ():
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            info = cell.metadata.get("nbgrader", {})
            if info.get("solution"):
                cell.source = answers[info["grade_id"]]
        nbformat.write(notebook, path)
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


def asked_for(wheel: Distribution) -> dict[str, Distribution]:
    """Find what an installed wheel asks for in the environment of the tests, by name.

    Raises:
        importlib.metadata.PackageNotFoundError: Something is not there.
    """
    found: dict[str, Distribution] = {}
    seen = set()
    todo = [(text, "") for text in wheel.requires or []]
    while todo:
        text, extra = todo.pop()
        wanted = Requirement(text)
        is_wanted = wanted.marker is None or wanted.marker.evaluate({"extra": extra})
        if not is_wanted or (text, extra) in seen:
            continue
        seen.add((text, extra))
        one = found[wanted.name] = distribution(wanted.name)
        assert wanted.specifier.contains(one.version, prereleases=True), text
        todo += [(more, name) for more in one.requires or [] for name in ("", *wanted.extras)]
    return found


def link(found: Iterable[Distribution], packages: Path, bin_folder: Path) -> None:
    """Put distributions into an environment, with their commands."""
    for one in found:
        for path in one.files or []:
            target = packages / path
            if ".." in path.parts or target.exists() or not path.locate().is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path.locate(), target)
            except OSError:  # another file system
                shutil.copy2(path.locate(), target)
        for each in one.entry_points.select(group="console_scripts"):
            script = bin_folder / each.name
            start = f"import sys\nfrom {each.module} import {each.attr}\nsys.exit({each.attr}())\n"
            script.write_text(f"#!{bin_folder / 'python'}\n{start}")
            script.chmod(0o755)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Install the wheel into a fresh environment, and link what it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    bin_folder = folder / "venv" / "bin"
    variables = clean_environment(bin_folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=600,
            env=variables,
        )  # fmt: skip

    made = run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    assert made.returncode == 0, made.stderr
    shutil.copytree(GRADER, folder / "grader", ignore=shutil.ignore_patterns("tests"))
    built = run(*pip, "wheel", "--no-deps", "--wheel-dir", "dist", "./grader")
    if built.returncode and "No matching distribution found for hatchling" in built.stderr:
        pytest.skip(f"pip reaches no package index: {built.stderr.strip()[-200:]}")
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.rmtree(folder / "grader")
    into = ("--python", str(bin_folder / "python"))
    installed = run(*pip, *into, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    assert installed.returncode == 0, installed.stderr
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (own,) = distributions(path=[str(packages)])
    link(asked_for(own).values(), packages, bin_folder)
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
    done = run(*in_course, "nexa-grade", "ps1", "--workers", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the sandbox is off" not in done.stdout
    assert "broken: " in done.stdout
    found = json.loads(run(*in_course, "python", "-c", READ).stdout)
    assert found["solved"] == POINTS, done.stdout + done.stderr
    assert found["blank"] == dict.fromkeys(POINTS, 0.0)
    assert set(found["broken"].values()) <= {None}
