"""Operators that make one small mistake in a function: the field's standard ones, for Python.

A mutant is the function with one place changed. Each operator looks at one node of the syntax tree
and names what may stand there by mistake. Nothing is changed in docstrings, annotations, the
words of an error, or arguments that only say how a thing looks (``COSMETIC``): no contract speaks
of these.
"""

import ast
import copy
import difflib
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

COSMETIC = frozenset(
    "alpha cmap color colors desc edgecolor figsize fmt fontsize label label_type layout linestyle"
    " linewidth".split()
)
MODULES = frozenset("F ast copy itertools math nn np os plt random re stats sys time torch".split())
LONG = 200  # characters
SHOWN = 120  # characters of a line that are kept in any case
SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,),
    ast.Or: (ast.And,), ast.Break: (ast.Continue,), ast.Continue: (ast.Break,),
}  # fmt: skip
NAMES = {
    "min": ("max",), "max": ("min",), "any": ("all",), "all": ("any",), "sum": ("mean", "max"),
    "mean": ("sum", "median"), "median": ("mean",), "argmax": ("argmin",), "argmin": ("argmax",),
    "floor": ("round",), "round": ("floor",), "ceil": ("floor",), "zeros": ("ones",),
    "ones": ("zeros",), "train": ("eval",), "eval": ("train",), "strip": ("lstrip", "rstrip"),
    "lower": ("upper",), "upper": ("lower",), "startswith": ("endswith",), "sample": ("choices",),
    "choices": ("sample",), "perf_counter": ("process_time",), "append": ("extend",),
    "exp": ("log",), "log": ("exp",), "repeat": ("repeat_interleave",),
    "AdamW": ("SGD", "Adam"), "hist": ("plot",), "bar": ("plot",), "clamp": ("clamp_min",),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A function with one mistake in it.

    Attributes:
        function: Its name.
        line: What the changed lines were (as ``ast.unparse`` writes them), joined by a blank.
        becomes: What they are now; "" where they are gone.
        operator: What made the mistake.
        code: The whole mutant.
    """

    function: str
    line: str
    becomes: str
    operator: str
    code: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it as long as the line stays as it is."""
        return self.function, self.line, self.becomes


def parse_expression(code: str, **parts: ast.AST) -> Any:
    """Parse an expression with names in it that stand for nodes."""
    tree = ast.parse(code, mode="eval").body

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return copy.deepcopy(parts.get(node.id, node))

    return Fill().visit(tree)


def changed(node: Any, **fields: Any) -> Any:
    """Copy a node with other fields."""
    new = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def without(values: list[Any], place: int) -> list[Any]:
    """Copy a list without one of its members."""
    return [*values[:place], *values[place + 1 :]]


def swapped(values: list[Any], place: int) -> list[Any]:
    """Copy a list with two neighbors in the other order."""
    return [*values[:place], values[place + 1], values[place], *values[place + 2 :]]


def replace_operator(node: ast.AST) -> Iterator[Any]:
    """Write another operator, or drop one of the operands."""
    for new in SWAPS.get(type(node), ()):
        yield new()
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            rest = without(node.values, place)
            yield rest[0] if len(rest) == 1 else changed(node, values=rest)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield node.operand


def replace_constant(node: ast.AST) -> Iterator[Any]:
    """Move a number by one, make it zero or negative; empty a text or change it."""
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        for new in dict.fromkeys((value + 1, value - 1, value * 0, -value, value * 2)):
            if new != value:
                yield parse_expression(repr(new))
    elif isinstance(value, str) and value:
        is_long = len(value) > LONG  # a text that somebody wrote, not a name or a key
        yield from (
            ast.Constant(""),
            ast.Constant(value[: len(value) // 2] if is_long else f"XX{value}"),
        )


def change_condition(node: ast.AST) -> Iterator[Any]:
    """Negate a condition, or let it hold always or never; drop the one of a comprehension."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield changed(node, test=ast.UnaryOp(ast.Not(), node.test))
        yield changed(node, test=ast.Constant(False))
        if not isinstance(node, ast.While):
            yield changed(node, test=ast.Constant(True))
    elif isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            yield changed(node, ifs=without(node.ifs, place))
            negated = ast.UnaryOp(ast.Not(), node.ifs[place])
            yield changed(node, ifs=[*without(node.ifs, place), negated])


def delete_statement(node: ast.AST) -> Iterator[Any]:
    """Leave out a statement; keep the block of a ``with``; return nothing."""
    kinds = ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.If | ast.For | ast.Break
    if isinstance(node, kinds):
        yield ast.Pass()
    elif isinstance(node, ast.With):
        yield ast.If(ast.Constant(True), node.body, [])
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))
        if isinstance(node.value, ast.Name | ast.ListComp | ast.DictComp | ast.Dict):
            yield ast.Return(parse_expression("type(x)()", x=node.value))


def shorten_loop(node: ast.AST) -> Iterator[Any]:
    """Leave out the first or the last round, or turn the order round."""
    if isinstance(node, ast.For | ast.comprehension):
        for code in ("list(x)[1:]", "list(x)[:-1]", "list(x)[:1]", "list(x)[::-1]"):
            yield changed(node, iter=parse_expression(code, x=node.iter))


def is_module(node: ast.AST) -> bool:
    """Tell a module's name, or a name in a module, from an object with methods."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in MODULES


def change_call(node: ast.AST) -> Iterator[Any]:
    """Swap or drop arguments; leave out the call and keep its object, or its first argument."""
    if not isinstance(node, ast.Call):
        return
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    for place in range(len(node.args) - 1):
        yield changed(node, args=swapped(node.args, place))
    if len(node.args) > 1:
        yield changed(node, args=node.args[:-1])
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in COSMETIC:
            yield changed(node, keywords=without(node.keywords, place))
    if isinstance(node.func, ast.Attribute) and not is_module(node.func):
        yield node.func.value
    elif node.args and not starred:
        yield node.args[0]


def replace_name(node: ast.AST) -> Iterator[Any]:
    """Call a function's neighbor: ``min`` for ``max``, ``mean`` for ``sum``."""
    if isinstance(node, ast.Call):
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        for new in NAMES.get(getattr(node.func, field, ""), ()):
            yield changed(node, func=changed(node.func, **{field: new}))


def shift_slice(node: ast.AST) -> Iterator[Any]:
    """Move or drop the ends of a slice."""
    if not isinstance(node, ast.Slice):
        return
    for end in ("lower", "upper", "step"):
        value = getattr(node, end)
        if value is not None:
            yield changed(node, **{end: None})
            if not isinstance(value, ast.Constant):
                yield changed(node, **{end: ast.BinOp(value, ast.Add(), ast.Constant(1))})
                yield changed(node, **{end: ast.BinOp(value, ast.Sub(), ast.Constant(1))})
    if node.step is None and (node.lower is None) != (node.upper is None):
        yield changed(node, lower=node.upper, upper=node.lower)


def change_members(node: ast.AST) -> Iterator[Any]:
    """Swap two neighbors of a list, tuple or dict, or leave out a member of a dict."""
    if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
        for place in range(len(node.elts) - 1):
            yield changed(node, elts=swapped(node.elts, place))
    elif isinstance(node, ast.Dict):
        for place in range(len(node.keys)):
            rest = without(node.keys, place), without(node.values, place)
            yield changed(node, keys=rest[0], values=rest[1])
        for place in range(len(node.keys) - 1):
            yield changed(node, values=swapped(node.values, place))


OPERATORS: tuple[Callable[[ast.AST], Iterator[Any]], ...] = (
    replace_operator, replace_constant, change_condition, delete_statement, shorten_loop,
    change_call, replace_name, shift_slice, change_members,
)  # fmt: skip


def is_silent(node: Any, field: str) -> bool:
    """Tell what no contract speaks of: annotations, words of errors, looks."""
    if field in ("annotation", "returns", "args" if isinstance(node, ast.FunctionDef) else ""):
        return True
    return isinstance(node, ast.keyword) and node.arg in COSMETIC


def places(node: Any) -> Iterator[tuple[Any, str, int | None, ast.AST]]:
    """List every place below a node: parent, field, number in the field's list, child."""
    if isinstance(node, ast.Raise):
        return
    for field, value in ast.iter_fields(node):
        if is_silent(node, field):
            continue
        if isinstance(value, ast.AST):
            yield node, field, None, value
            yield from places(value)
        elif isinstance(value, list):
            for number, child in enumerate(value):
                if isinstance(child, ast.AST) and not is_docstring(node, field, number, child):
                    yield node, field, number, child
                    yield from places(child)


def is_docstring(node: ast.AST, field: str, number: int, child: ast.AST) -> bool:
    """Tell the text at the top of a function, which no test reads."""
    is_first = isinstance(node, ast.FunctionDef) and field == "body" and number == 0
    return is_first and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)


def put(parent: Any, field: str, number: int | None, node: Any) -> None:
    """Put a node in a place."""
    if number is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[number] = node


def describe_change(before: str, after: str) -> tuple[str, str]:
    """Say which lines were changed and what they became, without indentation."""
    old, new = before.splitlines(), after.splitlines()
    opcodes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    spans = [(a, b, c, d) for tag, a, b, c, d in opcodes if tag != "equal"]
    if not spans:
        return "", ""
    lines = old[spans[0][0] : spans[-1][1]], new[spans[0][2] : spans[-1][3]]
    line, becomes = (" ".join(map(str.strip, part)) for part in lines)
    return shorten_change(line, becomes)


def common_start(one: str, other: str) -> int:
    """Count the characters at the start that two texts share."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def shorten_change(line: str, becomes: str) -> tuple[str, str]:
    """Cut what two long lines share, but for some characters on both sides of the change."""
    if len(line) <= SHOWN:
        return line, textwrap.shorten(becomes, 2 * SHOWN)
    start = common_start(line, becomes)
    room = min(len(line), len(becomes)) - start
    end = min(room, common_start(line[::-1], becomes[::-1]))
    left, right = max(0, start - SHOWN // 3), max(0, end - SHOWN // 3)
    lines = (text[left : len(text) - right] for text in (line, becomes))
    short, long = (("…" if left else "") + text + ("…" if right else "") for text in lines)
    return textwrap.shorten(short, 3 * SHOWN), textwrap.shorten(long, 3 * SHOWN)


def sites(tree: Any) -> Iterator[tuple[Any, str, int | None, Any, Any, str]]:
    """List all changes: a place of ``places``, what to put there, and which operator says so."""
    for place in places(tree):
        for operator in OPERATORS:
            for new in operator(place[-1]):
                yield (*place, new, operator.__name__)
    for number in range(len(getattr(tree, "decorator_list", []))):
        yield tree, "decorator_list", number, None, None, "remove_decorator"


def make_mutants(code: str, function: str) -> list[Mutant]:
    """Make every mutant of a function.

    Args:
        code: Python source that defines it, as a function, a method or an assigned name.
        function: Its name.

    Returns:
        The mutants. Of two that read the same one is kept; two with the same change on different
        lines get a number at the end of ``becomes``.

    Raises:
        ValueError: The code does not define the function.
    """
    tree = find_definition(code, function)
    original = ast.unparse(tree)
    found: dict[str, Mutant] = {}
    times: Counter[tuple[str, str]] = Counter()
    for parent, field, number, child, new, operator in sites(tree):
        mutated = mutated_code(tree, parent, field, number, child, new)
        if mutated == original or mutated in found or not compiles(mutated):
            continue
        line, becomes = describe_change(original, mutated)
        times[line, becomes] += 1
        if times[line, becomes] > 1:
            becomes += f"  # {times[line, becomes]}"
        found[mutated] = Mutant(function, line, becomes, operator, mutated)
    return list(found.values())


def mutated_code(
    tree: Any, parent: Any, field: str, number: int | None, child: Any, new: Any
) -> str:
    """Write the code with one place changed (or one decorator removed) and put the place back."""
    if new is None:
        decorators = parent.decorator_list
        parent.decorator_list = without(decorators, number or 0)
        code = ast.unparse(tree)
        parent.decorator_list = decorators
        return code
    put(parent, field, number, new)
    try:
        return ast.unparse(ast.fix_missing_locations(tree))
    except (AttributeError, ValueError):  # a node that cannot stand there
        return ""
    finally:
        put(parent, field, number, child)


def find_definition(code: str, name: str) -> Any:
    """Find a function, or the last assignment to a name.

    Raises:
        ValueError: There is none.
    """
    found = None
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            found = node
    if found is None:
        raise ValueError(f"{name}: expected a definition in the code, found none")
    return found


def compiles(code: str) -> bool:
    """Tell whether a mutant is Python at all."""
    try:
        compile(code, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return bool(code)
