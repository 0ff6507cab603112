"""A tiny second assignment in a folder of its own: two functions, one of them a method."""

import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.assignment import ROOT, Assignment

MODULE = '''"""Numbers."""


def double(x):
    """Double a number."""
    two_times = x * 2
    return two_times


class Shop:
    """Sells things."""

    def price(self, pieces):
        """Tell the price of some pieces, 3 each."""
        three_each = pieces * 3
        return three_each
'''
SHOWN = "assert double(3) == 6, f'double(3): expected 6, got {double(3)}'"
HIDDEN = "assert double(-41) == -82, f'double(-41): expected -82, got {double(-41)}'"
PRICE = "assert Shop().price(2) == 6, f'price(2): expected 6, got {Shop().price(2)}'"
MODEL_ANSWER = "A shop that doubles its prices sells fewer pieces."
GUIDE = "# Numbers\n\n<!-- points: begin -->\n<!-- points: end -->\n"
ANSWERS = {
    "todo1/right/add_twice.py": "def double(x):\n    return x + x\n",
    "todo1/wrong/positive_only.py": "def double(x):\n    return abs(x) * 2\n",
    "todo12/right/add.py": "def price(self, pieces):\n    return pieces + pieces + pieces\n",
    "todo12/wrong/one_free.py": "def price(self, pieces):\n    return (pieces - 1) * 3\n",
}


def nbgrader(grade_id: str, **settings) -> dict:
    """Write nbgrader's metadata of a cell."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {**plain, "grade_id": grade_id, "schema_version": 3, **settings}}


def check(grade_id: str, source: str, points: float):
    metadata = nbgrader(grade_id, grade=True, locked=True, points=points)
    return new_code_cell(source, id=grade_id, metadata=metadata)


def stub(grade_id: str, source: str):
    return new_code_cell(source, id=grade_id, metadata=nbgrader(grade_id, solution=True))


def notebook():
    """Write the notebook as an author does, before `make sync` puts the code into its cells."""
    essay = nbgrader("todo12-essay", grade=True, solution=True, points=5)
    hidden = f"{SHOWN}\n### BEGIN HIDDEN TESTS\n{HIDDEN}\n### END HIDDEN TESTS"
    tables = "SELF_CHECKS = {}\nSELF_CHECK_ANSWERS = {}"
    cells = [
        new_markdown_cell("# Numbers", id="title"),
        stub("todo1-double", 'def double(x):\n    """Double."""\n    ...'),
        check("todo1-test-double", hidden, 2),
        stub("todo12-price", 'class Shop:\n    def price(self):\n        """Tell."""\n        ...'),
        check("todo12-test-price", PRICE, 1),
        new_markdown_cell(MODEL_ANSWER, id="essay", metadata=essay),
        new_code_cell(tables, id="given-self-check", metadata=nbgrader("tables", locked=True)),
    ]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def make_assignment(root: Path) -> Assignment:
    """Do what "Add an assignment" says: a folder in source/, its module, one row."""
    assignment = Assignment("numbers", ("arithmetic",), seed=7, package="shop", root=root)
    folders = ("source", "package_folder", "docs_folder")
    for folder in folders:
        getattr(assignment, folder).mkdir(parents=True)
    nbformat.write(notebook(), assignment.source_notebook)
    (assignment.package_folder / "arithmetic.py").write_text(MODULE)
    assignment.student_guide.write_text(GUIDE)
    for name, text in ANSWERS.items():
        path = assignment.answers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("nbgrader_config.py", "LICENSE"):
        shutil.copy(ROOT / name, root)
    return assignment
