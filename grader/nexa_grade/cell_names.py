"""Which names does the text of a cell bind, and which does it read? One rule for all who ask.

Names are bound by assignments of every kind (plain, annotated, augmented, to tuples and lists, by
``for``, ``with``, ``:=``, ``except ... as``, ``match`` and ``del``), by imports, and by definitions
of functions and classes. What is bound inside of functions, lambdas and comprehensions stays there;
a ``:=`` in a comprehension does not. Magics and shell commands are IPython's: its own transformer
makes Python of them first.
"""

import ast
import builtins
import functools
import re
import symtable
import tokenize
from collections.abc import Iterator

from IPython.core.inputtransformer2 import TransformerManager

SHELL = "get_ipython()"
DEFINITION = re.compile(
    r"^(?:(?:async +)?def|class) +(\w+)|^(\w+) *(?::[^=\n]+)?=(?!=)", re.MULTILINE
)
NOT_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError)
INNER = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

# A class hands in the same given cells and tests: a worker looks at each text once.
cached_by_text = functools.lru_cache(maxsize=1000)


def as_python(source: str) -> str:
    """Write the text of a cell as Python: a magic becomes a call of IPython's shell."""
    return str(TransformerManager().transform_cell(source))


class DropMagics(ast.NodeTransformer):
    """Puts ``pass`` in the place of each statement whose value comes from IPython's shell."""

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace a statement, or look at what is in it."""
        is_statement = isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign)
        if is_statement and is_from_shell(getattr(node, "value", None)):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def is_from_shell(node: ast.AST | None) -> bool:
    """Tell ``get_ipython()``, and what is called, looked up or indexed on it."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        if is_call_of(node, "get_ipython"):
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def parse_without_magics(source: str) -> ast.Module:
    """Parse the text of a cell without its magics and shell commands, for plain Python to run.

    What they assign (``files = !ls``) is left out with them. Lines keep their numbers.

    Raises:
        SyntaxError: The text is not Python.
    """
    tree = ast.parse(as_python(source))
    DropMagics().visit(tree)
    return tree


@functools.lru_cache(maxsize=100)  # trees are large
def parse(source: str) -> ast.Module | None:
    """Parse the text of a cell, magics included; None where it is not Python."""
    try:
        return ast.parse(as_python(source))
    except NOT_PYTHON:
        return None


def bound_by(node: ast.AST) -> set[str]:
    """Name what one node binds itself, without the nodes in it."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, FUNCTION | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.alias):
        return {(node.asname or node.name).partition(".")[0]}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return {node.name}
    if isinstance(node, ast.MatchMapping) and node.rest:
        return {node.rest}
    return set()


def bound_here(node: ast.AST) -> set[str]:
    """Name what a statement binds where it stands, without what stays inside of its functions."""
    names = bound_by(node)
    if isinstance(node, FUNCTION | ast.ClassDef):
        return names
    if isinstance(node, INNER):
        return {part.target.id for part in ast.walk(node) if isinstance(part, ast.NamedExpr)}
    return names.union(*map(bound_here, ast.iter_child_nodes(node)))


def bound_anywhere(tree: ast.AST) -> set[str]:
    """Name all that a text binds at any place, arguments included."""
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return arguments.union(*map(bound_by, ast.walk(tree)))


@cached_by_text
def bound_names(source: str) -> frozenset[str]:
    """Name what a cell binds at its top level; nothing where it is not Python."""
    tree = parse(source)
    return frozenset().union(*map(bound_here, tree.body)) if tree else frozenset()


def names_in_broken_text(source: str) -> frozenset[str]:
    """Find top-level functions, classes and variables by their lines: for text with a mistake."""
    return frozenset(definition or variable for definition, variable in DEFINITION.findall(source))


def defined_by(node: ast.AST) -> set[str]:
    """Name the function, the class or the variables that one statement defines.

    Plain and annotated assignments define, to every target (``a = b = 1``, ``a, *b = c``). What is
    bound in passing does not: by ``for``, ``with``, ``:=``, ``+=``, ``del`` and imports.
    """
    if isinstance(node, FUNCTION | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return set().union(*map(bound_here, node.targets))
    return bound_here(node.target) if isinstance(node, ast.AnnAssign) else set()


def lines_of(node: ast.stmt) -> slice:
    """Tell which lines a statement takes, counted from 0, its decorators included."""
    decorators = [one.lineno for one in getattr(node, "decorator_list", [])]
    return slice(min([node.lineno, *decorators]) - 1, node.end_lineno)


def definitions(code: str) -> dict[str, str]:
    """Find the top-level functions, classes and variables of some code, as ``defined_by`` has it.

    Args:
        code: Python source.

    Returns:
        For each name the whole lines of the last statement that defines it, decorators included.
    """
    lines = code.splitlines()
    return {
        name: "\n".join(lines[lines_of(node)])
        for node in ast.parse(code).body
        for name in sorted(defined_by(node))
    }


def find_function(code: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Find a function or method by its name, at any depth; the outermost first."""
    functions = (node for node in ast.walk(ast.parse(code)) if isinstance(node, FUNCTION))
    return next((node for node in functions if node.name == name), None)


def imports_of(tree: ast.AST) -> dict[str, str]:
    """Tell which module, or which name of one, each imported name stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                known = name.asname or name.name.partition(".")[0]
                names[known] = name.name if name.asname else known
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                names[name.asname or name.name] = f"{node.module}.{name.name}"
        elif isinstance(node, ast.Assign) and is_call_of(node.value, "get_ipython"):
            names |= {name.id: SHELL for name in node.targets if isinstance(name, ast.Name)}
    return names


def is_call_of(node: ast.AST, name: str) -> bool:
    """Tell a call of a function by its last name."""
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    known = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return bool(known == name)


@cached_by_text
def variables_of(source: str) -> frozenset[str]:
    """Name what a test assigns or defines at its top level; what it imports is no secret."""
    tree = parse(source)
    return bound_names(source) - set(imports_of(tree)) if tree else frozenset()


@cached_by_text
def reads_of_functions(source: str) -> frozenset[str]:
    """Name the global variables that a cell's functions read, without Python's own."""
    try:
        read = global_reads(symtable.symtable(as_python(source), "cell", "exec"))
        return frozenset(read) - set(dir(builtins))
    except NOT_PYTHON:
        return frozenset()


def global_reads(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the global names that the functions of a cell read."""
    for scope in table.get_children():
        is_function = scope.get_type() == "function" and not scope.get_name().endswith(
            ("listcomp", "setcomp", "dictcomp", "genexpr")
        )
        if is_function or table.get_type() != "module":
            yield from (
                symbol.get_name()
                for symbol in scope.get_symbols()
                if symbol.is_global() and symbol.is_referenced()
            )
        yield from global_reads(scope)


@cached_by_text
def needed_names(source: str) -> frozenset[str] | None:
    """Name what a cell reads and may not have assigned itself; None where it cannot be read."""
    tree = parse(source)
    try:
        return None if tree is None else frozenset(names_from_outside(tree))
    except NOT_PYTHON:  # too deep, mostly
        return None


def names_from_outside(tree: ast.Module) -> set[str]:
    """Name what a text reads before it has assigned it, at its top level or in its functions."""
    names: set[str] = set()
    own: set[str] = set()
    for statement in tree.body:
        stored = bound_here(statement)
        read = names_read_by(ast.unparse(statement))
        if isinstance(statement, ast.AugAssign):
            read |= stored
        elif not isinstance(statement, ast.Assign | ast.AnnAssign):
            own |= stored  # a loop reads what it has assigned before
        names |= read - own
        own |= stored
    return names


def names_read_by(source: str) -> set[str]:
    """Name the global names that a text reads, in its functions, too.

    Raises:
        SyntaxError: It is not Python.
    """
    return set(names_read(symtable.symtable(source, "cell", "exec")))


def names_read(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the global names that a text reads, in its functions, too."""
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from names_read(inner)


def given_names(source: str) -> list[str]:
    """Name the functions, classes, imports and CONSTANTS that a locked cell gives."""
    tree = parse(source)
    names: list[str] = []
    for node in tree.body if tree else []:
        if isinstance(node, FUNCTION | ast.ClassDef | ast.Import | ast.ImportFrom):
            names += sorted(bound_here(node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names += sorted(name for name in bound_here(node) if name.isupper())
    return names
