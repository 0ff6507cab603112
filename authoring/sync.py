"""Keep the notebook's code equal to the package's.

The package is the truth for code, the notebook for prose. Each definition that the notebook
shows is the package's, letter by letter, but for the solution markers. Run
``python -m authoring.sync`` after a change in the package: it writes the new code into
the cells of the source notebook and touches nothing else.
"""

import ast
import difflib
import re
from pathlib import Path

import nbformat

from nexa_helpers.given.ready_made import fingerprint

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nexa_helpers"
SOURCE_NOTEBOOK = ROOT / "source" / "nexacode" / "nexacode.ipynb"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN_TESTS = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS\n?", re.M | re.S)
SELF_CHECKS = re.compile(r"^SELF_CHECKS = \{.*?\}\n", re.M | re.S)
MODULES = (
    "runtime", "tasks", "developers", "data", "conversations", "feedback", "prompt_injection",
    "batches", "process_reward", "grpo_tcr", "policy", "training", "evaluation",
    "live_evaluation", "error_analysis",
    "latency", "given/check_tools", "given/ready_made", "given/self_check",
)  # fmt: skip


def definitions(code: str) -> dict[str, str]:
    """Find the top-level functions, classes and constants of some code.

    Args:
        code: Python source.

    Returns:
        For each name the whole lines that define it, decorators and comments included.
    """
    lines = code.splitlines()
    found = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name, first = node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, first = node.targets[0].id, node.lineno
        else:
            continue
        found[name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def package_definitions() -> dict[str, str]:
    """Collect the definitions of all modules that the notebook shows."""
    found: dict[str, str] = {}
    for module in MODULES:
        found |= definitions((PACKAGE / f"{module}.py").read_text())
    return found


def without_markers(code: str) -> str:
    """Drop the solution markers from some code."""
    lines = code.splitlines()
    return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))


def with_markers(code: str, function: str) -> str:
    """Put the body of one function or method, after its docstring, between solution markers.

    Args:
        code: Python source.
        function: The name of the function.

    Returns:
        The code with the two marker lines.

    Raises:
        ValueError: No such function, or it has no docstring.
    """
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name == function and ast.get_docstring(node):
            break
    else:
        raise ValueError(f"{function}: expected a function with a docstring in the cell")
    lines = code.splitlines()
    indent = " " * (node.col_offset + 4)
    lines.insert(node.end_lineno or 0, indent + END)
    lines.insert(node.body[0].end_lineno or 0, indent + BEGIN)
    return "\n".join(lines)


def is_package_cell(cell: nbformat.NotebookNode, package: dict[str, str]) -> bool:
    """Tell whether a cell shows anything that the package defines.

    Graded cells have names of their own, which may be those of the package.
    """
    if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("grade"):
        return False
    try:
        return any(name in package for name in definitions(without_markers(cell.source)))
    except SyntaxError:  # a cell with a notebook command, such as %matplotlib
        return False


def differences(notebook: nbformat.NotebookNode) -> str:
    """Compare each definition in the notebook with the package's.

    Args:
        notebook: The notebook.

    Returns:
        A unified diff, empty where all are equal.
    """
    package = package_definitions()
    diff: list[str] = []
    for cell in notebook.cells:
        if not is_package_cell(cell, package):
            continue
        for name, code in definitions(without_markers(cell.source)).items():
            if name in package and code != package[name]:
                diff += difflib.unified_diff(
                    package[name].splitlines(), code.splitlines(),
                    f"nexa_helpers: {name}", f"notebook: {name}", lineterm="",
                )  # fmt: skip
    return "\n".join(diff)


def refresh(notebook: nbformat.NotebookNode) -> int:
    """Write the package's code into the cells that show it.

    Args:
        notebook: The notebook; it is changed.

    Returns:
        The number of cells that changed.
    """
    package = package_definitions()
    changed = 0
    for cell in notebook.cells:
        if not is_package_cell(cell, package):
            continue
        code = without_markers(cell.source)
        for name, shown in definitions(code).items():
            if name in package:
                code = code.replace(shown, package[name])
        settings = cell.metadata.get("nbgrader", {})
        if settings.get("solution") and not settings.get("grade"):
            code = with_markers(code, settings["grade_id"].split("-", 1)[1])
        changed += code != cell.source
        cell.source = code
    return changed


def visible_checks(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Name the graded cells that show students a check, by the fingerprint of what they show.

    Args:
        notebook: The source notebook.

    Returns:
        Grade ids by fingerprint; cells whose checks are all hidden are left out.
    """
    found = {}
    for cell in notebook.cells:
        info = cell.metadata.get("nbgrader", {})
        if info.get("grade") and not info.get("solution"):
            text = HIDDEN_TESTS.sub("", cell.source).strip()
            if ast.parse(text).body:
                found[fingerprint(text)] = info["grade_id"]
    return found


def write_self_checks(notebook: nbformat.NotebookNode) -> None:
    """Write the table of visible checks into the module that the notebook's last cell shows."""
    path = PACKAGE / "given" / "self_check.py"
    rows = [f'    "{key}": "{name}",\n' for key, name in visible_checks(notebook).items()]
    table = "SELF_CHECKS = {\n" + "".join(rows) + "}\n"
    path.write_text(SELF_CHECKS.sub(lambda _: table, path.read_text(), count=1))


def main() -> None:
    """Refresh the source notebook."""
    notebook = nbformat.read(SOURCE_NOTEBOOK, as_version=4)
    write_self_checks(notebook)
    changed = refresh(notebook)
    if changed:
        SOURCE_NOTEBOOK.write_text(nbformat.writes(notebook) + "\n")
    print(f"{SOURCE_NOTEBOOK.name}: {changed} cells changed")


if __name__ == "__main__":
    main()
