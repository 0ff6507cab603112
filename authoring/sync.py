"""Keep the notebook's code equal to the package's.

The package is the truth for code, the notebook for prose, grade ids and points. Each definition
that the notebook shows is the package's, letter by letter, but for the solution markers. Run
``python -m authoring.sync`` after a change: it writes the new code into the cells of the source
notebook, the tables of the self-check into its module, the tables of points into the guides, and
the figures of the benchmarks into the prose that cites them and into the table of expected ranges.
"""

import ast
import difflib
import re

import nbformat
from nexa_grade.cell_names import definitions, find_function

from authoring.assignment import Assignment, parse_assignments
from authoring.cited_figures import Cited, expected_table, read_cited, refresh_marks
from authoring.colab_badge import refresh_badge
from authoring.graded_cells import (
    asked_functions,
    asked_name,
    grade_info,
    is_function_cell,
    is_graded_by_machine,
    points_by_todo,
    todo_of,
)
from nexa_helpers.given.ready_made import fingerprint

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN_TESTS = re.compile(r"^ *### BEGIN HIDDEN TESTS\n.*?^ *### END HIDDEN TESTS\n?", re.M | re.S)
POINTS_BEGIN, POINTS_END = "<!-- points: begin -->\n", "<!-- points: end -->"


def package_definitions(assignment: Assignment, notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Collect the definitions of all modules that the notebook shows.

    The tables of the self-check are the notebook's own: no module knows them better.
    """
    found: dict[str, str] = {}
    for module in assignment.modules:
        found |= definitions((assignment.package_folder / f"{module}.py").read_text())
    return found | self_check_tables(notebook)


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
    node = find_function(code, function)
    if node is None or not ast.get_docstring(node):
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
    if cell.cell_type != "code" or grade_info(cell).get("grade"):
        return False
    try:
        return any(name in package for name in definitions(without_markers(cell.source)))
    except SyntaxError:  # a cell with a notebook command, such as %matplotlib
        return False


def differences(assignment: Assignment, notebook: nbformat.NotebookNode) -> str:
    """Compare each definition in the notebook with the package's.

    Args:
        assignment: Whose package.
        notebook: The notebook.

    Returns:
        A unified diff, empty where all are equal.
    """
    package = package_definitions(assignment, notebook)
    diff: list[str] = []
    for cell in notebook.cells:
        if not is_package_cell(cell, package):
            continue
        for name, code in definitions(without_markers(cell.source)).items():
            if name in package and code != package[name]:
                diff += difflib.unified_diff(
                    package[name].splitlines(), code.splitlines(),
                    f"{assignment.package}: {name}", f"notebook: {name}", lineterm="",
                )  # fmt: skip
    return "\n".join(diff)


def refresh(assignment: Assignment, notebook: nbformat.NotebookNode) -> int:
    """Write the package's code into the cells that show it.

    Args:
        assignment: Whose package.
        notebook: The notebook; it is changed.

    Returns:
        The number of cells that changed.
    """
    package = package_definitions(assignment, notebook)
    changed = 0
    for cell in notebook.cells:
        if not is_package_cell(cell, package):
            continue
        code = without_markers(cell.source)
        for name, shown in definitions(code).items():
            if name in package:
                code = code.replace(shown, package[name])
        if is_function_cell(cell):
            code = with_markers(code, asked_name(cell))
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
        if is_graded_by_machine(cell):
            text = HIDDEN_TESTS.sub("", cell.source).strip()
            if shows_check(text):
                found[fingerprint(text)] = grade_info(cell)["grade_id"]
    return found


def shows_check(text: str) -> bool:
    """Tell a cell that checks something from one that only says what is checked when graded."""
    nodes = list(ast.walk(ast.parse(text)))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    return any(isinstance(node, ast.Assert) for node in nodes) or any(
        isinstance(function, ast.Name) and function.id == "checking" for function in calls
    )


def hidden_points(notebook: nbformat.NotebookNode) -> dict[int, float]:
    """Count, for each TODO, the points of the checks that look at more cases when graded."""
    counts: dict[int, float] = {}
    for cell in notebook.cells:
        if is_graded_by_machine(cell) and HIDDEN_TESTS.search(cell.source):
            todo, points = todo_of(cell), grade_info(cell)["points"]
            counts[todo] = counts.get(todo, 0) + points
    return counts


def self_check_tables(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Write the tables of the self-check as code: checks, answers, points with more cases."""
    checks = [f'    "{key}": "{name}",\n' for key, name in visible_checks(notebook).items()]
    answers = [f'    "{name}": {todo},\n' for name, todo in asked_functions(notebook).items()]
    hidden = [f"    {todo}: {points:g},\n" for todo, points in hidden_points(notebook).items()]
    rows = {"SELF_CHECKS": checks, "SELF_CHECK_ANSWERS": answers, "SELF_CHECK_HIDDEN": hidden}
    return {name: f"{name} = {{\n{''.join(lines)}}}" for name, lines in rows.items()}


def write_self_check(assignment: Assignment, notebook: nbformat.NotebookNode) -> None:
    """Write the tables of the self-check into the module that contains them, if there is one."""
    if not assignment.self_check:
        return
    path = assignment.package_folder / f"{assignment.self_check}.py"
    code = path.read_text()
    shown = definitions(code)
    for name, table in self_check_tables(notebook).items():
        code = code.replace(shown[name], table)
    path.write_text(code)


def write_expected(assignment: Assignment, cited: Cited) -> None:
    """Write the table of expected ranges into the module that contains it, if there is one."""
    if not assignment.expected:
        return
    path = assignment.package_folder / f"{assignment.expected}.py"
    code = path.read_text()
    path.write_text(code.replace(definitions(code)["EXPECTED"], expected_table(cited)))


def points_table(notebook: nbformat.NotebookNode) -> str:
    """Write the points of each TODO, and who gives them, as a table for a guide."""
    lines = ["| TODO | Points | by machine | by hand |", "|---|---|---|---|"]
    for todo, points in points_by_todo(notebook).items():
        names = ", ".join(f"`{name}`" for name in points.functions or points.by_hand)
        by_hand = ", ".join(f"{value:g} (`{name}`)" for name, value in points.by_hand.items())
        cells = [f"{todo} {names}", f"{points.total:g}", f"{points.by_machine:g}", by_hand]
        lines.append("| " + " | ".join(cells).rstrip() + " |")
    return "\n".join(lines) + "\n"


def write_points(assignment: Assignment, notebook: nbformat.NotebookNode) -> int:
    """Write the table of points between the markers of each guide that has them.

    Returns:
        The number of pages that changed.
    """
    between = re.compile(f"(?<={re.escape(POINTS_BEGIN)}).*?(?={re.escape(POINTS_END)})", re.S)
    table = points_table(notebook)
    changed = 0
    for path in assignment.docs_folder.glob("*.md"):
        text = path.read_text()
        new = between.sub(lambda _: table, text)
        if new != text:
            path.write_text(new)
            changed += 1
    return changed


def sync(assignment: Assignment) -> None:
    """Bring the source notebook, the self-check and the guides up to date, and say so."""
    notebook = nbformat.read(assignment.source_notebook, as_version=4)
    cited = read_cited(assignment.figures_folder)
    write_self_check(assignment, notebook)
    write_expected(assignment, cited)
    cells = refresh(assignment, notebook) + refresh_marks(notebook, cited)
    if cells:
        assignment.source_notebook.write_text(nbformat.writes(notebook) + "\n")
    pages = write_points(assignment, notebook)
    print(f"{assignment.notebook_name}: {cells} cells and {pages} pages changed")


if __name__ == "__main__":
    for each in parse_assignments("Write the package's code into the source notebook."):
        sync(each)
    refresh_badge()
