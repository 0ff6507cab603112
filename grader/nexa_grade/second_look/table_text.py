"""Reads the text of a table of probes: one file, or a folder of modules that become one text.

A table travels to workers and, in part, into the sandbox: as text, and as one. So a folder is no
package. Its modules are put one after another, each behind those from which it imports names
(``from .shared import word``), and their lists ``PROBES`` are added up.
"""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from nexa_grade.cell_names import bound_here
from nexa_grade.errors import Refusal

ROWS = "PROBES"
IMPORTS = (ast.Import, ast.ImportFrom)


def read_table(path: Path) -> str:
    """Read a table.

    Args:
        path: A Python file, or a folder of such files.

    Returns:
        Its Python source; of a folder, that of all modules.

    Raises:
        Refusal: A module is not Python, imports from another one in a way that cannot be followed,
            or binds a name that another one has bound.
    """
    if path.is_file():
        return path.read_text(encoding="utf-8")
    files = {file.stem: file for file in sorted(path.glob("*.py"))}
    modules = {name: parse_file(file) for name, file in files.items()}
    wanted = {name: siblings_of(modules, name, files[name]) for name in modules}
    try:
        order = list(TopologicalSorter(wanted).static_order())
    except CycleError as error:
        raise Refusal(f"{path}: modules import each other: {', '.join(error.args[1])}") from error
    check_names(modules, path)
    nodes = [node for name in order for node in modules[name].body if not is_sibling(node)]
    start = ast.parse(f"{ROWS} = []").body
    return ast.unparse(ast.Module([*start, *map(added_rows, nodes)], type_ignores=[]))


def parse_file(file: Path) -> ast.Module:
    """Parse a module.

    Raises:
        Refusal: It is not Python.
    """
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise Refusal(f"{file}: {type(error).__name__}: {error}") from error


def is_sibling(node: ast.AST) -> bool:
    """Tell an import from another module of the folder."""
    return isinstance(node, ast.ImportFrom) and node.level > 0


def siblings_of(modules: dict[str, ast.Module], name: str, file: Path) -> set[str]:
    """Name the modules from which one imports.

    Raises:
        Refusal: It imports a module as a whole, under another name, or one that is not there.
    """
    found = set()
    for node in filter(is_sibling, ast.walk(modules[name])):
        assert isinstance(node, ast.ImportFrom)
        is_plain = node.level == 1 and node in modules[name].body
        if not is_plain or node.module not in modules or any(part.asname for part in node.names):
            raise Refusal(
                f"{file}, line {node.lineno}: expected `from .module import names` of a module in"
                f" this folder, at the top level; got `{ast.unparse(node)}`"
            )
        found.add(node.module)
    return found


def check_names(modules: dict[str, ast.Module], path: Path) -> None:
    """Refuse a name that two modules bind: in one text, the later would cover the earlier.

    The same import in several modules is none.

    Raises:
        Refusal: There is one.
    """
    origins: dict[str, dict[str, str]] = defaultdict(dict)  # what binds a name, and where
    for module, tree in modules.items():
        for node in tree.body:
            for name in () if is_sibling(node) else bound_here(node):
                origins[name].setdefault(import_of(node, name) or module, module)
    for name, places in origins.items():
        if len(places) > 1 and name != ROWS:
            where = ", ".join(f"{module}.py" for module in places.values())
            raise Refusal(f"{path}: expected one definition of {name}, got those of {where}")


def import_of(node: ast.stmt, name: str) -> str:
    """Write the import that binds a name, "" where something else does."""
    if not isinstance(node, IMPORTS):
        return ""
    parts = [part for part in node.names if name in (part.asname, part.name.split(".")[0])]
    module = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
    return module + ast.unparse(ast.Import(parts))


def added_rows(node: ast.stmt) -> ast.stmt:
    """Let an assignment of the rows add to those of the modules before it."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    is_rows = any(isinstance(target, ast.Name) and target.id == ROWS for target in targets)
    if is_rows and isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
        return ast.AugAssign(ast.Name(ROWS, ast.Store()), ast.Add(), node.value)
    return node
