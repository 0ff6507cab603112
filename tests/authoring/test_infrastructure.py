"""The files that set the course up: pins, ranges, make targets, workflows, and notebook helpers."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from traitlets.config.loader import PyFileConfigLoader

from authoring.assignment import ASSIGNMENTS, NEXACODE
from authoring.execute import BEFORE_FIRST_HEADING, Heartbeat, section_times, solved_copy
from authoring.make_course import check_scores, print_scores
from authoring.nbgrader_commands import CourseError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEXT_FILES = [
    *("Makefile", "pyproject.toml", "constraints.txt", "nbgrader_config.py", ".gitignore"),
    *(".ci/run", ".ci/pip_install.py", ".github/workflows/ci.yml", ".github/workflows/gpu.yml"),
    *("tests/colab/requirements.txt", "authoring/make_course.py", "authoring/execute.py"),
]


def pins(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def requirements(*extras: str) -> list[Requirement]:
    lines = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    every = [Requirement(line) for line in [*PROJECT["dependencies"], *lines]]
    return [requirement for requirement in every if requirement.name != PROJECT["name"]]


def load_pip_install():
    spec = importlib.util.spec_from_file_location("pip_install", ROOT / ".ci/pip_install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("requirement", requirements("course", "test", "lint"), ids=str)
def test_every_dependency_is_pinned_inside_its_range(requirement):
    pinned = pins("constraints.txt")
    name = canonicalize_name(requirement.name)
    assert name in pinned, f"{name} is missing from constraints.txt"
    assert requirement.specifier.contains(pinned[name])


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_ranges_admit_colabs_versions(requirement):
    colab = pins("tests/colab/requirements.txt") | {"torch": "2.11.0"}
    assert requirement.specifier.contains(colab[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0"])
def test_every_installed_pin_admits_the_first_release_of_a_supported_python(python):
    pinned = pins("constraints.txt")
    needs = {
        f"{each.name}=={each.version}": each.metadata.get("Requires-Python")
        for each in distributions()
        if pinned.get(canonicalize_name(each.name)) == each.version
    }
    assert needs
    refused = [pin for pin, why in needs.items() if not SpecifierSet(why or "").contains(python)]
    assert not refused


@pytest.mark.parametrize("path", TEXT_FILES)
def test_no_machine_path_and_no_registry_host(path):
    text = (ROOT / path).read_text()
    assert not re.search(r"/(home|root|work|opt|Users)/\w", text)
    assert not re.search(r"https?://|pypi\.org|pythonhosted|download\.pytorch", text)


def test_make_help_has_a_line_for_each_target():
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split()
    environment = {**os.environ, "MAKEFLAGS": ""}
    said = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    for target in targets:
        assert re.search(rf"^  make {target} +\w", said, re.MULTILINE), target


def test_ci_run_is_executable_and_calls_make_test():
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert (
        script.read_text()
        .rstrip()
        .splitlines()[-1]
        .endswith("make --no-print-directory test BANK=all")
    )


@pytest.mark.parametrize("name", ["ci", "gpu"])
def test_workflow_is_yaml_with_jobs_that_end(name):
    workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    assert workflow["jobs"]
    assert all(job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


def test_every_assignment_runs_on_the_gpu():
    workflow = yaml.safe_load((ROOT / ".github/workflows/gpu.yml").read_text())
    names = [assignment.name for assignment in ASSIGNMENTS]
    assert workflow["jobs"]["notebook"]["strategy"]["matrix"]["assignment"] == names


def test_git_ignores_what_is_generated():
    made = ["build/x", "submitted/s/nexacode/nexacode.ipynb", "autograded/x", "feedback/x"]
    made += ["gradebook.db", "grades.csv", ".venv/x", ".venv-colab/x", "tests/__pycache__/x"]
    patterns = (ROOT / ".gitignore").read_text()
    command = ["git", "-c", f"core.excludesFile={os.devnull}", "check-ignore", "--no-index", *made]
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert said.split() == made, patterns


def test_nbgrader_config_is_python_and_never_records_times():
    text = (ROOT / "nbgrader_config.py").read_text()
    ast.parse(text)
    assert "c.Execute.record_timing = False" in text


def test_nbgrader_config_fills_the_loaders_configuration(monkeypatch):
    """Settings of an application itself come too late if they go into a running one's."""
    monkeypatch.setenv("PATH", os.environ["PATH"])  # the file changes it
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    plugin = "nexa_grade.intake.lms_downloads.LmsCollectorPlugin"
    assert config.ZipCollectApp.collector_plugin == plugin
    assert config.CourseDirectory.course_id == "nexacode"


def executed_notebook():
    cells = [
        new_code_cell("setup()", metadata={"papermill": {"duration": 0.5}}),
        new_markdown_cell("# Title\n\n## 1. Feedback\ntext\n### 1.1 not a section"),
        new_code_cell("a()", metadata={"papermill": {"duration": 1.0}}),
        new_code_cell("b()", metadata={"papermill": {"duration": 2.0}}),
        new_markdown_cell("## 2. Rewards", metadata={"papermill": {"duration": 9.0}}),
        new_code_cell("c()", metadata={"papermill": {"duration": 4.0}}),
        new_code_cell("never run", metadata={"papermill": {"duration": None}}),
    ]
    return new_notebook(cells=cells)


def test_section_times_sum_code_cells_by_level_2_heading():
    expected = {BEFORE_FIRST_HEADING: 0.5, "1. Feedback": 3.0, "2. Rewards": 4.0}
    assert section_times(executed_notebook()) == expected


def test_section_times_of_a_notebook_that_never_ran():
    assert section_times(new_notebook(cells=[new_code_cell("a")])) == {}


def test_solved_copy_keeps_outputs_and_leaves_times_and_paths_behind():
    source = new_notebook(cells=[new_code_cell("a", metadata={"tags": ["parameters"]})])
    executed = source.copy()
    cell = new_code_cell("a", id=source.cells[0].id, execution_count=7)
    cell.metadata = {"papermill": {"duration": 1.0}, "execution": {}}
    bar = "\r 0%|  | 0/3 [00:00<?, ?it/s]\r100%|##| 3/3 [00:01<00:00, 2.9it/s]\n"
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "<T at 0x7f00deadbeef>"}
    cell.outputs = [
        new_output("stream", name="stderr", text=bar),
        new_output("stream", name="stdout", text=f"{ROOT}/a.py {Path(sys.prefix)}/b.py 3/4 12.5 s"),
        new_output("execute_result", data=widget, execution_count=7),
    ]
    executed.cells = [new_code_cell("PROFILE = 'fast'"), cell]
    executed.metadata = {"papermill": {"start_time": "now"}}

    solved = solved_copy(source, executed)

    assert [cell.source for cell in solved.cells] == ["a"]
    assert solved.cells[0].metadata == {"tags": ["parameters"]}
    assert "papermill" not in solved.metadata
    assert solved.cells[0].execution_count == 1
    progress, paths, result = solved.cells[0].outputs
    assert progress.text == "100%|##| 3/3 \n"
    assert str(ROOT) not in paths.text
    assert paths.text.endswith("3/4 12.5 s")
    assert result.data == {"text/plain": "<T at 0x0>"}
    assert result.execution_count == 1


def test_scores_are_printed_per_todo(capsys):
    print_scores({"todo1-test-a": (2, 2), "todo1-test-b": (1, 3), "todo10-test-c": (4, 4)})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:5] for line in lines[:2]] == [
        ["1", "3", "of", "5"],
        ["10", "4", "of", "4"],
    ]
    assert lines[2].split()[1:4] == ["7", "of", "9"]


def test_a_reference_that_loses_points_stops_the_course():
    check_scores(NEXACODE, {"todo1-test-a": (2, 2)})
    with pytest.raises(CourseError, match=r"todo1-test-b \(1 of 3\)"):
        check_scores(NEXACODE, {"todo1-test-a": (2, 2), "todo1-test-b": (1, 3)})
    with pytest.raises(CourseError, match="no cell that a machine grades"):
        check_scores(NEXACODE, {})


def test_heartbeat_speaks_at_once_and_stops(capsys):
    with Heartbeat(lambda: "working", seconds=0.01) as beat:
        pass
    assert not beat.thread.is_alive()
    assert "0 s  working" in capsys.readouterr().out


def test_pip_progress_names_what_it_does(tmp_path):
    progress = load_pip_install().Progress(tmp_path)
    assert progress.describe() == "starting pip"
    progress.read("Collecting numpy>=2.0 (from nexacode-course==1.0.0)\n")
    assert progress.describe() == "1 packages found, now numpy>=2.0"
    progress.read("  Downloading numpy-2.4.6.whl (16 MB)\n")
    assert progress.describe() == "1 packages found, now Downloading numpy-2.4.6.whl (16 MB)"
    progress.read("Installing collected packages: numpy, torch\n")
    (tmp_path / "lib/python3.11/site-packages/numpy-2.4.6.dist-info").mkdir(parents=True)
    assert progress.describe() == "unpacked 1 of 2 packages"
