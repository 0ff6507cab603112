"""`make colab-check`: run both notebooks on a kernel that holds only what Colab holds.

The kernel's environment has Colab's package versions and neither nbgrader, papermill nor this
course's package; papermill drives it from the course's own environment. The solved notebook must
run through. The release notebook must run up to its first TODO, and after it may fail only as a
stub makes it fail: NotImplementedError, an assert in a graded cell, or the NameError of a name
that a failed cell would have bound.
"""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import papermill
from nbformat import NotebookNode

from authoring.execute import execute, print_section_times

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "colab"
NOTEBOOK = Path("nexacode", "nexacode.ipynb")
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


def bound_names(code: str) -> set[str]:
    """List the names that a cell binds, in whatever depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "pass", code, flags=re.MULTILINE))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
    return names


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
            missing |= bound_names(cell.source)
            if not explained:
                unexplained.append(f"cell {number}: {error.ename}: {error.evalue}")
    return unexplained


def main(python: Path) -> int:
    """Run the solved and the release notebook, and say what came out."""
    install_kernel(python)
    print("Here: ", describe(python))
    print("Colab: Python 3.12 and torch 2.11.0+cu128; every other version above is Colab's own.")

    print("\n== The solved notebook, fast profile")
    try:
        solved = execute(ROOT / "source" / NOTEBOOK, BUILD / "solved.ipynb", PARAMETERS, "colab")
    except papermill.PapermillExecutionError as error:
        print(f"It fails: {error.ename}: {error.evalue}. See build/colab/solved.ipynb")
        return 1
    print_section_times(solved)

    print("\n== The release notebook, as a student first opens it")
    released = execute(
        ROOT / "release" / NOTEBOOK, BUILD / "release.ipynb", PARAMETERS, "colab", allow_errors=True
    )
    unexplained = unexpected_errors(released)
    for line in unexplained:
        print(f"  {line}")
    if unexplained:
        print("These errors come from no TODO. See build/colab/release.ipynb")
        return 1
    print("\nBoth notebooks run with Colab's versions; the release fails only at its TODOs.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
