"""What a student's machine has and the grading machine has not: packages, a GPU, files, a network.

A line of a student's cell that fails for that is not wrong. The cell's other lines are executed
all the same, and where a test fails for it, its error says so: the missing function is not the
cause. Nothing here runs for tests and for cells of the course.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from nbconvert.filters import strip_ansi
from nbformat import NotebookNode

from nexa_grade.cell_names import as_python, bound_here, parse

HERE = "on the grading machine"
# Errors that are the machine's by their name.
ABSENT = frozenset(
    """ModuleNotFoundError ImportError FileNotFoundError PackageNotFoundError ConnectionError
    ConnectionRefusedError URLError HTTPError gaierror ConnectTimeout MaxRetryError
    LocalEntryNotFoundError OfflineModeIsEnabled TclError StdinNotImplementedError
    NoBackendError""".split()
)
# And by what they say: of a GPU, or of a library that is not installed.
SAYS_ABSENT = re.compile(
    r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs|CUDA driver|_cuda_\w+|_CudaDeviceProperties"
    r"|CUDA (?:is not|not) available|torch\.cuda\.is_available\(\) is False|Invalid device id"
    r"|Cannot access accelerator|CUDA out of memory|with CUDA|MPS (?:backend|device)|mps devices?"
    r"|XLA device|could not be found.*backend|requires the \w+ library|No module named"
)
PLACE = re.compile(r"(?:Cell In\[\d+\], line |<ipython-input-\S+ in <.*\n-+> *|^-+> ?)(\d+)", re.M)
MISSING_NAME = re.compile(r"name '(\w+)' is not defined")
MOST_ROUNDS = 12  # statements of one cell that fail


@dataclass
class Lost:
    """What a submission misses on this machine."""

    causes: dict[str, str] = field(default_factory=dict)  # by name that got no value
    said: list[str] = field(default_factory=list)


def error_in(cell: NotebookNode) -> NotebookNode | None:
    """Find the error of a cell."""
    found = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    return found[-1] if found else None


def is_absent(error: NotebookNode) -> bool:
    """Tell an error for which the machine is the reason."""
    return error.ename in ABSENT or bool(SAYS_ABSENT.search(str(error.evalue)))


def describe(error: NotebookNode, statement: ast.stmt | None = None) -> str:
    """Write what is missing, on one line.

    Args:
        error: The error.
        statement: What failed; of ``import google.colab``, Python misses ``google`` alone.
    """
    text = (str(error.evalue).strip().splitlines() or [str(error.ename)])[0][:200].rstrip(".")
    if error.ename == "ModuleNotFoundError" and statement is not None:
        named = [name for name in modules_of(statement) if is_missing(name, text)]
        text = f"No module named '{named[0]}'" if named else text
    return f"{text} {HERE}"


def failed_line(error: NotebookNode) -> int:
    """Read the line of the cell at which an error began; 0 where the traceback does not say."""
    found = PLACE.search(strip_ansi("\n".join(map(str, error.traceback))))
    return int(found[1]) if found else 0


def modules_of(node: ast.stmt) -> list[str]:
    """Name the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def is_missing(module: str, text: str) -> bool:
    """Tell whether an error names a module, or a package that the module is in."""
    missing = re.search(r"'([\w.]+)'", text)
    return missing is not None and f"{module}.".startswith(f"{missing[1]}.")


def imports_of_module(node: ast.stmt, text: str) -> bool:
    """Tell a statement that imports a module which an error names."""
    return any(is_missing(name, text) for name in modules_of(node))


def failed_statement(tree: ast.Module, error: NotebookNode) -> int | None:
    """Find the top-level statement that failed: by the line, else by the module that it imports."""
    line = failed_line(error)
    at_line = [i for i, node in enumerate(tree.body) if node.lineno <= line <= last_line(node)]
    named = [i for i in at_line if imports_of_module(tree.body[i], str(error.evalue))]
    if named or at_line:
        return (named or at_line)[0]
    found = [i for i, node in enumerate(tree.body) if imports_of_module(node, str(error.evalue))]
    return found[0] if found else None


def last_line(node: ast.stmt) -> int:
    """Give the last line of a statement."""
    return node.end_lineno or node.lineno


def rest_after(source: str, error: NotebookNode, lost: Lost) -> str | None:
    """Write what is left of a cell after a statement that failed for the machine.

    Args:
        source: The text that was executed.
        error: Its error.
        lost: Gets the names that the statement would have bound.

    Returns:
        The text, with each statement on its line; None where the error is the student's own.
    """
    tree = parse(source)
    name = MISSING_NAME.search(str(error.evalue)) if error.ename == "NameError" else None
    known = lost.causes.get(name[1]) if name else None
    if tree is None or not (known or is_absent(error)):
        return None
    place = failed_statement(tree, error)
    if place is None:
        return None
    statement = tree.body[place]
    line = statement.lineno + empty_lines(source)
    cause = known or f"line {line}: {describe(error, statement)}"
    lost.causes.update(dict.fromkeys(bound_here(statement), cause))
    if cause not in lost.said:
        lost.said.append(cause)
    return cut(source, statement, tree.body[place + 1 :])


def empty_lines(source: str) -> int:
    """Count the empty lines at the top of a cell, which IPython does not execute or count."""
    lines = source.splitlines()
    return next((number for number, line in enumerate(lines) if line.strip()), 0)


def cut(source: str, failed: ast.stmt, left: Sequence[ast.stmt]) -> str:
    """Leave of a text what stands behind a statement, on the lines where it stood."""
    if not left:
        return ""
    lines = as_python(source).splitlines()
    start = min([left[0].lineno, *(one.lineno for one in getattr(left[0], "decorator_list", []))])
    kept = [""] * (start - 1) + lines[start - 1 :]
    if start == last_line(failed):  # both on one line
        before = len(lines[start - 1].encode()[: left[0].col_offset].decode())
        kept[start - 1] = lines[start - 1][before:]
    kept[: start - 1] = ["#"] * (start - 1 + empty_lines(source))  # IPython drops empty lines
    return "\n".join(kept)


def explain(error: NotebookNode, lost: Lost) -> str:
    """Say why a test fails, where the machine is the reason; "" elsewhere."""
    text = str(error.evalue)
    if error.ename == "NameError" and (name := MISSING_NAME.search(text)):
        return lost.causes.get(name[1], "")
    if error.ename in ABSENT or SAYS_ABSENT.search(text):
        return describe(error)
    return ""


def add_cause(error: NotebookNode, cause: str) -> None:
    """Write a cause into an error, where every page shows it."""
    if cause not in error.evalue:
        error.evalue = f"{error.evalue} ({cause})" if error.evalue else cause
        error.traceback = [*error.traceback, f"{error.ename}: {error.evalue}"]
