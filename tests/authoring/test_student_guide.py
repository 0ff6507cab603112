"""The student's guide names what the notebook needs."""

import ast
import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import nbformat
import pytest
from packaging.requirements import Requirement

from authoring.assignment import ASSIGNMENTS


def imported_modules(notebook) -> set[str]:
    """Third-party modules that the cell with the libraries imports."""
    [cell] = [cell for cell in notebook.cells if cell.id == "setup-imports"]
    code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
    found = set()
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


def with_dependencies(names: set[str]) -> set[str]:
    """Packages that come with some packages, extras left out."""
    known, new = set(), {name.lower() for name in names}
    while new:
        known |= new
        found = set()
        for name in new:
            try:
                needs = map(Requirement, requires(name) or [])
            except PackageNotFoundError:
                continue
            found |= {
                need.name.lower()
                for need in needs
                if not need.marker or need.marker.evaluate({"extra": ""})
            }
        new = found - known
    return known


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_the_guides_pip_line_brings_every_library_of_the_notebook(assignment):
    notebook = nbformat.read(assignment.source_notebook, as_version=4)
    guide = assignment.student_guide.read_text()
    named = set(re.search(r"^pip install (.+)$", guide, re.M)[1].split())
    brought = with_dependencies(named)
    distributions = packages_distributions()
    for module in imported_modules(notebook):
        assert brought & {name.lower() for name in distributions[module]}, module
