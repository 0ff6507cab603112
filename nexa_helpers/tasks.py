"""The small world of code that the simulated developers talk about: tasks, styles, responses.

A task is an operation on a list of numbers with a name, such as "reverse the prices". A response
to it is one function in Python or JavaScript, in one of 64 styles. Any text can be read back:
Python is parsed with ``ast``, JavaScript with one pattern, and labels are not trusted. Nothing is
executed. What is left out: code longer than one function of one line.
"""

import ast
import random
import re
import warnings
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

NOUNS = (
    "prices scores ages sizes weights heights costs points votes grades rates levels times "
    "speeds depths ranks marks limits lengths orders"
).split()


@dataclass(frozen=True)
class Operation:
    """Something to do with a list of numbers, in words, in Python and in JavaScript."""

    verb: str
    goals: tuple[str, str]  # two ways to say it
    python: str
    javascript: str
    result: str  # for [3, 1, 2]
    reason: str


OPERATIONS = [
    Operation("reverse", ("reverse the {xs}", "put the {xs} in the opposite order"),
              "{xs}[::-1]", "[...{xs}].reverse()", "[2, 1, 3]", "reads from the end"),
    Operation("sort", ("sort the {xs}", "put the {xs} in ascending order"),
              "sorted({xs})", "[...{xs}].sort((a, b) => a - b)", "[1, 2, 3]", "starts small"),
    Operation("sum", ("sum the {xs}", "add up the {xs}"),
              "sum({xs})", "{xs}.reduce((a, b) => a + b, 0)", "6", "adds all of them"),
    Operation("count", ("count the {xs}", "tell how many {xs} there are"),
              "len({xs})", "{xs}.length", "3", "asks for the length"),
    Operation("first", ("get the first of the {xs}", "pick the one that the {xs} start with"),
              "{xs}[0]", "{xs}[0]", "3", "looks at the start"),
    Operation("last", ("get the last of the {xs}", "pick the one that the {xs} end with"),
              "{xs}[-1]", "{xs}.at(-1)", "2", "looks at the end"),
    Operation("largest", ("find the largest of the {xs}", "get the maximum of the {xs}"),
              "max({xs})", "Math.max(...{xs})", "3", "keeps the highest"),
    Operation("smallest", ("find the smallest of the {xs}", "get the minimum of the {xs}"),
              "min({xs})", "Math.min(...{xs})", "1", "keeps the lowest"),
    Operation("unique", ("drop repeated {xs}", "keep only distinct {xs}"),
              "list(dict.fromkeys({xs}))", "[...new Set({xs})]", "[3, 1, 2]", "skips what it saw"),
    Operation("double", ("double the {xs}", "multiply the {xs} by two"),
              "[2 * n for n in {xs}]", "{xs}.map(n => 2 * n)", "[6, 2, 4]", "takes each one twice"),
    Operation("square", ("square the {xs}", "raise the {xs} to the power of two"),
              "[n * n for n in {xs}]", "{xs}.map(n => n * n)", "[9, 1, 4]",
              "multiplies each by itself"),
    Operation("negate", ("negate the {xs}", "flip the signs of the {xs}"),
              "[-n for n in {xs}]", "{xs}.map(n => -n)", "[-3, -1, -2]", "changes each sign"),
    Operation("increase", ("add one to the {xs}", "increase the {xs} by one"),
              "[n + 1 for n in {xs}]", "{xs}.map(n => n + 1)", "[4, 2, 3]", "moves each one up"),
    Operation("even", ("keep the even {xs}", "select {xs} whose remainder by two is zero"),
              "[n for n in {xs} if n % 2 == 0]", "{xs}.filter(n => n % 2 === 0)", "[2]",
              "looks for remainder zero"),
    Operation("odd", ("keep the odd {xs}", "select {xs} whose remainder by two is one"),
              "[n for n in {xs} if n % 2 == 1]", "{xs}.filter(n => n % 2 === 1)", "[3, 1]",
              "looks for remainder one"),
    Operation("positive", ("keep the positive {xs}", "select {xs} above zero"),
              "[n for n in {xs} if n > 0]", "{xs}.filter(n => n > 0)", "[3, 1, 2]",
              "compares with zero"),
]  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One programming task: an operation on a list of numbers with a name."""

    operation: Operation
    noun: str

    def goal(self, rng: random.Random) -> str:
        """Say what is wanted, in one of its two ways."""
        return rng.choice(self.operation.goals).format(xs=self.noun)

    def expression(self, language: str) -> str:
        """The one line of code that solves the task."""
        return str(getattr(self.operation, language)).format(xs=self.noun)


def split_tasks() -> dict[str, list[Task]]:
    """Pair every operation with every noun, and keep one pair in eight for tests."""
    tasks: dict[str, list[Task]] = {"train": [], "test": []}
    for i, operation in enumerate(OPERATIONS):
        for j, noun in enumerate(NOUNS):
            tasks["test" if (i + j) % 8 == 7 else "train"].append(Task(operation, noun))
    return tasks


TASKS = split_tasks()
EXAMPLE = [3, 1, 2]  # the list of every test that the assistant writes

FEATURES = {
    "language": ("python", "javascript"),
    "naming": ("snake_case", "camelCase"),
    "types": ("typed", "untyped"),
    "docs": ("documented", "undocumented"),
    "tests": ("tested", "untested"),
    "length": ("brief", "explained"),
}
# What the logged assistant hardly ever writes, and no developer of the log wishes for.
RARE_FEATURES = {"guard": ("unguarded", "guarded")}


@dataclass(frozen=True)
class Style:
    """How a response is written: one value for each of the six features, and for the rare one.

    Types in JavaScript are written as TypeScript writes them.
    """

    language: str = "python"
    naming: str = "snake_case"
    types: str = "untyped"
    docs: str = "undocumented"
    tests: str = "untested"
    length: str = "brief"
    guard: str = "unguarded"


STYLES = [Style(*values) for values in product(*FEATURES.values())]
FEATURE_OF_WISH = {
    wish: feature for feature, values in (FEATURES | RARE_FEATURES).items() for wish in values
}


def comply(style: Style, wish: str | None) -> Style:
    """Change a style so that it meets a wish; "content" and None change nothing."""
    return replace(style, **{FEATURE_OF_WISH[wish]: wish}) if wish in FEATURE_OF_WISH else style


def write_response(task: Task, style: Style) -> str:
    """Write the response to a task in a given style.

    Args:
        task: What was asked.
        style: How to write it.

    Returns:
        A fenced block of code, and a sentence after it where the style explains.
    """
    verb, xs, result = task.operation.verb, task.noun, task.operation.result
    name = f"{verb}_{xs}" if style.naming == "snake_case" else verb + xs.capitalize()
    goal = task.operation.goals[0].format(xs=xs)
    doc, typed = f"{goal.capitalize()}.", style.types == "typed"
    expression = task.expression(style.language)
    if style.language == "python":
        code = f"def {name}({xs}: list):" if typed else f"def {name}({xs}):"
        code += f'\n    """{doc}"""' if style.docs == "documented" else ""
        code += f"\n    if not {xs}:\n        return None" if style.guard == "guarded" else ""
        code += f"\n    return {expression}"
        test = f"assert {name}([3, 1, 2]) == {result}"
    else:
        code = f"/** {doc} */\n" if style.docs == "documented" else ""
        code += f"function {name}({xs}: number[]) {{" if typed else f"function {name}({xs}) {{"
        code += f"\n  if (!{xs}.length) return null;" if style.guard == "guarded" else ""
        code += f"\n  return {expression};\n}}"
        test = f"console.assert({name}([3, 1, 2]) == {as_javascript_text(result)});"
    code += f"\n\n{test}" if style.tests == "tested" else ""
    explanation = f"\nIt {task.operation.reason}." if style.length == "explained" else ""
    return f"```{style.language}\n{code}\n```{explanation}"


def as_javascript_text(result: str) -> str:
    """Write a list as JavaScript's ``==`` compares it: "2,1,3"."""
    return result if result.isdigit() else '"' + re.sub(r"[\[\]' ]", "", result) + '"'


@dataclass(frozen=True)
class ParsedResponse:
    """What a developer sees in a response: the function's name and line, the style, and the words.

    A test is a pair: what the function gets, and what should come out, both as values; a test of
    another form is None.
    """

    name: str
    expression: str  # with the argument called xs
    style: dict[str, str]
    tests: tuple[tuple[Any, Any] | None, ...] = ()
    docstring: str = ""
    explanation: str = ""


FENCED = re.compile(r"```\w*\n(?P<code>.*?)\n```(?P<prose>.*)", re.DOTALL)
JAVASCRIPT = re.compile(
    r"(?:/\*\* (?P<docs>.+) \*/\n)?"
    r"function (?P<name>\w+)\((?P<argument>\w+)(?P<types>: [\w\[\]]+)?\) \{\n"
    r"(?P<guard>  if \(!(?P<guarded>\w+)\.length\) return null;\n)?"
    r"  return (?P<expression>.+);\n\}"
    r"(?P<tests>\n\nconsole\.assert\((?P<tested>\w+)\((?P<given>.*)\) == (?P<expected>.*)\);)?"
)
MAX_CHARACTERS = 2000  # of JavaScript: no pattern looks at more
NO_VALUE = object()  # stands for code that is no literal, and equals nothing else


def read_literal(code: ast.AST | str, limit: int = 60) -> Any:
    """Read a literal without running anything: its value, or ``NO_VALUE``.

    Args:
        code: Text, or Python that is parsed already.
        limit: Most characters, or parts of the tree; more are no literal.
    """
    size = len(code) if isinstance(code, str) else sum(1 for _ in islice(ast.walk(code), limit + 1))
    try:
        return ast.literal_eval(code) if size <= limit else NO_VALUE
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return NO_VALUE


def read_python(code: str) -> ParsedResponse | None:
    """Read Python code that is one function with one argument and one returned line, or None."""
    try:
        with warnings.catch_warnings(action="ignore"):  # odd escapes in sampled text
            body = ast.parse(code).body
        return read_function(body[0], body[1:]) if body else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read_function(function: ast.stmt, rest: list[ast.stmt]) -> ParsedResponse | None:
    """Read a parsed function and the statements after it, which must be tests of it, or None."""
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return None
    arguments = function.args.posonlyargs + function.args.args
    others = (function.args.vararg, function.args.kwarg, *function.args.kwonlyargs)
    docstring = ast.get_docstring(function)
    *before, last = function.body[docstring is not None :] or [function]
    if len(arguments) != 1 or any(others) or len(before) > 1:
        return None
    if not all(is_guard(node, arguments[0].arg) for node in before):
        return None  # a line that does nothing for the task
    if not isinstance(last, ast.Return) or last.value is None:
        return None
    if not all(isinstance(node, ast.Assert) and has_call(node, function.name) for node in rest):
        return None  # such a line after the function, or a test of something else
    style = {
        "language": "python",
        "types": "typed" if arguments[0].annotation else "untyped",
        "docs": "documented" if docstring else "undocumented",
        "tests": "tested" if rest else "untested",
        "guard": "guarded" if before else "unguarded",
    }
    expression = rename_argument(ast.unparse(last.value), arguments[0].arg)
    tests = tuple(read_test(node, function.name) for node in rest)
    return ParsedResponse(function.name, expression, style, tests, docstring or "")


def is_guard(node: ast.stmt, argument: str) -> bool:
    """Tell whether a statement is the guard against an empty list, as the assistant writes it."""
    return ast.unparse(node) == f"if not {argument}:\n    return None"


def read_test(node: ast.stmt, name: str) -> tuple[Any, Any] | None:
    """Read ``assert name(given) == expected``: both values, or None for another form."""
    match node:
        case ast.Assert(
            test=ast.Compare(
                left=ast.Call(func=ast.Name(id=called), args=[given], keywords=[]),
                ops=[ast.Eq()],
                comparators=[expected],
            )
        ) if called == name:
            return read_literal(given), read_literal(expected)
    return None


def has_call(node: ast.AST, name: str) -> bool:
    """Tell whether some code calls a function."""
    functions = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    return any(isinstance(function, ast.Name) and function.id == name for function in functions)


def rename_argument(expression: str, argument: str) -> str:
    """Call the argument ``xs``; another ``xs``, which nobody has defined, becomes ``undefined``."""
    names = {"xs": "undefined", argument: "xs"}
    return re.sub(r"\w+", lambda match: names.get(match[0], match[0]), expression)


def read_javascript(code: str) -> ParsedResponse | None:
    """Read JavaScript code of the one shape that the assistant writes, or None."""
    match = JAVASCRIPT.fullmatch(code) if len(code) <= MAX_CHARACTERS else None
    if match is None or match["tested"] not in (None, match["name"]):
        return None
    if match["guarded"] not in (None, match["argument"]):
        return None
    style = {
        "language": "javascript",
        "types": "typed" if match["types"] else "untyped",
        "docs": "documented" if match["docs"] else "undocumented",
        "tests": "tested" if match["tests"] else "untested",
        "guard": "guarded" if match["guard"] else "unguarded",
    }
    expression = rename_argument(match["expression"], match["argument"])
    tests = [match.group("given", "expected")] if match["tests"] else []
    values = tuple((read_literal(given), read_literal(expected)) for given, expected in tests)
    return ParsedResponse(match["name"], expression, style, values, match["docs"] or "")


def read_response(response: str) -> ParsedResponse | None:
    """Read any text as a developer would; labels such as "python" after a fence are not trusted.

    Args:
        response: Any text, also one that a model wrote.

    Returns:
        What is in it, or None where the code cannot be read: it is empty, does not parse, or is
        not one function.
    """
    match = FENCED.fullmatch(response.strip())
    code, prose = (match["code"], match["prose"]) if match else (response.strip(), "")
    parsed = read_python(code) or read_javascript(code)
    if parsed is not None:
        patterns = {
            "snake_case": r"[a-z0-9]+(_[a-z0-9]+)+",
            "camelCase": r"[a-z0-9]+([A-Z][a-z0-9]*)+",
        }
        fitting = [kind for kind, text in patterns.items() if re.fullmatch(text, parsed.name)]
        naming = fitting[0] if fitting else "other"
        explanation = prose.strip()
        parsed.style.update(naming=naming, length="explained" if explanation else "brief")
        parsed = replace(parsed, explanation=explanation)
    return parsed


def is_right(task: Task, parsed: ParsedResponse) -> bool:
    """Tell whether a response solves the task: the name says what it does, and the line does it."""
    expression = Task(task.operation, "xs").expression(parsed.style["language"])
    name = f"{task.operation.verb}{task.noun}"
    if parsed.style["language"] == "python":
        expression = ast.unparse(ast.parse(expression))
    return parsed.expression == expression and parsed.name.replace("_", "").lower() == name


def plain_words(text: str) -> str:
    """Lower the case of a text, and drop all but letters, digits and single spaces."""
    return " ".join(re.sub(r"[^a-z0-9 ]", "", text[:200].lower()).split())


def is_true_test(task: Task, language: str, test: tuple[Any, Any] | None) -> bool:
    """Tell whether a test expects the task's own result for [3, 1, 2]; nothing is executed.

    Any literal counts that the language finds equal. A test of another list does not count: its
    result is not known here.
    """
    if test is None or test[0] != EXAMPLE:
        return False
    expected, result = test[1], task.operation.result
    if language == "python":
        return bool(expected == ast.literal_eval(result))
    text = as_javascript_text(result).strip('"')  # JavaScript compares a list by its text
    if isinstance(expected, str):
        return expected == text
    is_number = isinstance(expected, int | float) and not isinstance(expected, bool)
    return is_number and text.lstrip("-").isdigit() and expected == int(text)


def find_slips(task: Task, parsed: ParsedResponse) -> set[str]:
    """Find what is false in a response to a task, though it has the form of the real thing.

    Args:
        task: What was asked.
        parsed: The response as it was read.

    Returns:
        Features: "tests" where a test is not true, "docs" where the docstring says something else
        than the task (in either of its two wordings), "length" where the explanation is not this
        task's.
    """
    goals = {plain_words(goal.format(xs=task.noun)) for goal in task.operation.goals}
    reason = plain_words(f"It {task.operation.reason}")
    language = parsed.style["language"]
    return {
        feature
        for feature, is_false in (
            ("tests", not all(is_true_test(task, language, test) for test in parsed.tests)),
            ("docs", bool(parsed.docstring) and plain_words(parsed.docstring) not in goals),
            ("length", bool(parsed.explanation) and plain_words(parsed.explanation) != reason),
        )
        if is_false
    }
