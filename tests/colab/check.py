"""`make colab-check`: run both notebooks of an assignment on a kernel like Colab's.

The kernel's environment has Colab's package versions and neither nbgrader, papermill nor this
course's package; papermill drives it from the course's own environment. The solved notebook must
run through. The release notebook must run up to its first TODO, and after it may fail only as a
stub makes it fail: NotImplementedError, an assert in a graded cell, or the NameError of a name
that a failed cell would have bound.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import papermill
from nbformat import NotebookNode
from nexa_grade.cell_names import bound_anywhere, parse_without_magics

from authoring.assignment import Assignment, add_option
from authoring.execute import execute, print_section_times
from authoring.make_course import lend_ready_made

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "colab"
PARAMETERS = {"PROFILE": "fast", "DATA_SOURCE": "embedded"}
ABSENT_ON_COLAB = ("nexa_helpers", "nbgrader", "papermill")
NAMES = ("torch", "transformers", "datasets", "numpy", "matplotlib", "IPython", "ipykernel")
PROBE = f"""
import importlib, importlib.util, platform
for name in {ABSENT_ON_COLAB}:
    assert importlib.util.find_spec(name) is None, f"{{name}} is not on Colab, but is here"
print("Python", platform.python_version())
for name in {NAMES}:
    print(name, importlib.import_module(name).__version__)
"""


def install_kernel(python: Path) -> None:
    """Describe the kernel in a folder that only this run sees."""
    folder = BUILD / "jupyter" / "kernels" / "colab"
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {
        "argv": command,
        "display_name": "Colab's versions",
        "language": "python",
        "env": {"PYDEVD_DISABLE_FILE_VALIDATION": "1"},  # no debugger, so no warning about it
    }
    (folder / "kernel.json").write_text(json.dumps(spec))
    os.environ["JUPYTER_PATH"] = str(BUILD / "jupyter")


def describe(python: Path) -> str:
    """Name the versions at hand, and where they differ from Colab's."""
    # `-P` keeps this folder off the path: what is importable is what is installed
    done = subprocess.run([python, "-P", "-c", PROBE], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The Colab environment is not as it should be:\n{done.stderr}")
    return ", ".join(done.stdout.splitlines())


def unexpected_errors(notebook: NotebookNode) -> list[str]:
    """List the errors of an executed release notebook that no stub explains."""
    unexplained, missing, met_a_stub = [], set(), False
    for number, cell in enumerate(notebook.cells):
        for error in cell.get("outputs", []):
            if error.output_type != "error":
                continue
            graded = cell.metadata.get("nbgrader", {}).get("grade", False)
            name = re.match(r"name '(\w+)' is not defined", error.evalue)
            explained = error.ename == "NotImplementedError" or (
                met_a_stub
                and (
                    (error.ename == "AssertionError" and graded)
                    or (error.ename == "NameError" and name and name[1] in missing)
                )
            )
            met_a_stub |= error.ename == "NotImplementedError"
            missing |= bound_anywhere(parse_without_magics(cell.source))
            if not explained:
                unexplained.append(f"cell {number}: {error.ename}: {error.evalue}")
    return unexplained


def run_both(assignment: Assignment) -> int:
    """Run the solved and the release notebook, and say what came out; 0 if all is well."""
    folder = Path("build", "colab", assignment.name)
    build = ROOT / folder
    lend_ready_made(assignment, build)
    parameters = PARAMETERS | dict(assignment.offline)
    print(f"\n== {assignment.name}: the solved notebook, fast profile")
    try:
        solved = execute(assignment.source_notebook, build / "solved.ipynb", parameters, "colab")
    except papermill.PapermillExecutionError as error:
        print(f"It fails: {error.ename}: {error.evalue}. See {folder}/solved.ipynb")
        return 1
    print_section_times(solved)

    print(f"\n== {assignment.name}: the release notebook, as a student first opens it")
    released = execute(
        assignment.release_notebook,
        build / "release.ipynb",
        parameters,
        "colab",
        allow_errors=True,
    )
    unexplained = unexpected_errors(released)
    for line in unexplained:
        print(f"  {line}")
    if unexplained:
        print(f"These errors come from no TODO. See {folder}/release.ipynb")
        return 1
    print("\nBoth notebooks run with Colab's versions; the release fails only at its TODOs.")
    return 0


def main() -> int:
    """Run the notebooks of the assignments that the command line names."""
    parser = argparse.ArgumentParser(description="Run notebooks with Colab's package versions.")
    parser.add_argument("python", type=Path, help="the Python of the environment like Colab's")
    add_option(parser)
    options = parser.parse_args()
    python = options.python.absolute()
    install_kernel(python)
    print("Here: ", describe(python))
    print("Colab: Python 3.12 and torch 2.11.0+cu128; every other version above is Colab's own.")
    return max(map(run_both, options.assignments))


if __name__ == "__main__":
    sys.exit(main())
