"""Which names does the text of a cell define, and which does it read?"""

import ast
import builtins
import functools
import symtable
import tokenize
from collections.abc import Iterable, Iterator

from IPython.core.inputtransformer2 import TransformerManager

SHELL = "get_ipython()"


@functools.lru_cache(maxsize=100)  # trees are large
def parse(source: str) -> ast.Module | None:
    """Parse the text of a cell, magics included; None where it is not Python."""
    try:
        return ast.parse(TransformerManager().transform_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None


def stored_names(tree: ast.AST) -> set[str]:
    """Collect all names that a text assigns, defines, imports or takes as arguments."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names


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


# A class hands in the same given cells and tests: a worker looks at each text once.
cached_by_text = functools.lru_cache(maxsize=1000)


@cached_by_text
def top_level_stores(source: str) -> frozenset[str]:
    """Name what a cell assigns, defines or imports at its top level."""
    tree = parse(source)
    return frozenset().union(*map(stored_here, tree.body)) if tree else frozenset()


def stored_here(node: ast.AST) -> set[str]:
    """Collect the names that a statement stores, without those inside its functions."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return set()
    names = set()
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        names.add(node.id)
    elif isinstance(node, ast.alias):
        names.add((node.asname or node.name).partition(".")[0])
    return names.union(*map(stored_here, ast.iter_child_nodes(node)))


@cached_by_text
def variables_of(source: str) -> frozenset[str]:
    """Name what a test assigns or defines at its top level; what it imports is no secret."""
    tree = parse(source)
    return top_level_stores(source) - set(imports_of(tree)) if tree else frozenset()


@cached_by_text
def reads_of_functions(source: str) -> frozenset[str]:
    """Name the global variables that a cell's functions read, without Python's own."""
    try:
        text = TransformerManager().transform_cell(source)
        read = global_reads(symtable.symtable(text, "cell", "exec"))
        return frozenset(read) - set(dir(builtins))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
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
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # too deep, mostly
        return None


def names_from_outside(tree: ast.Module) -> set[str]:
    """Name what a text reads before it has assigned it, at its top level or in its functions."""
    names: set[str] = set()
    own: set[str] = set()
    for statement in tree.body:
        stored = stored_here(statement)
        read = set(names_read(symtable.symtable(ast.unparse(statement), "cell", "exec")))
        if isinstance(statement, ast.AugAssign):
            read |= stored
        elif not isinstance(statement, ast.Assign | ast.AnnAssign):
            own |= stored  # a loop reads what it has assigned before
        names |= read - own
        own |= stored
    return names


def names_read(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the global names that a text reads, in its functions, too."""
    is_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from names_read(inner)


# What looks up names at most, and calls no method of an object.
HARMLESS = (
    *(ast.Import, ast.ImportFrom, ast.alias, ast.Assign, ast.Expr, ast.Pass, ast.Constant),
    *(ast.Name, ast.Load, ast.Store, ast.List, ast.Tuple, ast.UnaryOp, ast.USub),
)


def given_names(source: str) -> list[str]:
    """Name the functions, classes, imports and CONSTANTS that a locked cell gives."""
    names: list[str] = []
    try:
        body = ast.parse("\n".join(map(without_magic, source.splitlines()))).body
    except SyntaxError:
        return []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [(name.asname or name.name).partition(".")[0] for name in node.names]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found = [name.id for name in targets if isinstance(name, ast.Name)]
            names += [name for name in found if name.isupper()]
    return names


@cached_by_text
def only_defines(source: str) -> bool:
    """Tell whether a given cell calls nothing that could be a student's: its checks stay valid."""
    tree = parse(source)
    return tree is not None and not any(map(may_call, tree.body))


def may_call(node: ast.AST) -> bool:
    """Tell a statement or expression that may call something when it is executed.

    Annotations and decorators of given cells, and bases such as ``nn.Module``, are libraries' own.
    """
    parts: Iterable[ast.AST | None] = ast.iter_child_nodes(node)
    if isinstance(node, ast.FunctionDef | ast.Lambda):  # its body runs later
        parts = [*node.args.defaults, *node.args.kw_defaults]
    elif isinstance(node, ast.AnnAssign):
        parts = [node.value]
    elif isinstance(node, ast.ClassDef):
        if node.keywords or not all(isinstance(base, ast.Attribute) for base in node.bases):
            return True
        parts = node.body
    elif not isinstance(node, HARMLESS):
        return True
    return any(map(may_call, filter(None, parts)))


def without_magic(line: str) -> str:
    """Empty a line that is IPython's and not Python's."""
    return "" if line.startswith(("%", "!")) else line
