"""Runs inside the student's kernel: lets each test find what it relies on, and hides what it has.

Before a test, names that the course gives and Python's own are put back, the variables of the test
that a student's function reads get other names, and so do switches of the interpreter
(`kernel_settings`). After it, what it leaves behind is taken away. That is for honest students: a
name is covered by accident. It judges nothing, and finds no forgery; the second look does.

`GuardedExecute` sends this file as text, as the first thing that a kernel executes, so it imports
nothing of the course and needs no file in a sandbox. It then answers messages on the kernel's shell
channel. A message is no code: it has no outputs, no number and no history.
"""

import ast
import builtins
import contextlib
import functools
import linecache
import secrets
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

NAMELESS = "an error was raised whose own type or text raises an error"
MISSING = object()
Namespace = dict[str, Any]


class VariableRenamer(ast.NodeTransformer):
    """Gives a test other names for some of its variables: no function of a student reads them."""

    def __init__(self, names: list[str]) -> None:
        self.names = {name: f"_{secrets.token_hex(8)}_{name}" for name in names}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Rename a variable."""
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_function(self, node: Any) -> Any:
        """Rename a function; inside, a name is left alone where it is an argument."""
        node.name = self.names.get(getattr(node, "name", ""), getattr(node, "name", ""))
        taken = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        names, self.names = self.names, {k: v for k, v in self.names.items() if k not in taken}
        self.generic_visit(node)
        self.names = names
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = visit_function  # noqa: N815

    def visit_named(self, node: Any) -> Any:
        """Rename a class, or what an error is called."""
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        return node

    visit_ClassDef = visit_ExceptHandler = visit_named  # noqa: N815

    def visit_names(self, node: Any) -> Any:
        """Rename what a function declares global."""
        node.names = [self.names.get(name, name) for name in node.names]
        return node

    visit_Global = visit_Nonlocal = visit_names  # noqa: N815


class Importer:
    """Stands first among Python's finders, and sees the end of each import that has settings."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.asked: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a module with settings as the other finders do, and watch its loader."""
        if name in self.asked or name not in self.settings.modules:
            return None
        self.asked.add(name)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                self.watch(name, spec)
                return spec
        return None

    def watch(self, name: str, spec: ModuleSpec) -> None:
        """Remember a module's settings when its loader has executed it."""
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None or isinstance(loader, type):  # built in: it was there at the start
            return

        def execute_and_remember(module: types.ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            self.settings.remember(name)

        loader.exec_module = execute_and_remember


def is_part_of_same_name(module: Any, name: str, value: Any) -> bool:
    """Tell ``from time import time`` from a forgery: it is the module's own, and honest."""
    return isinstance(module, types.ModuleType) and vars(module).get(name, MISSING) is value


class Guard:
    """Looks after one kernel: prepares tests, and clears up after them."""

    def __init__(self, shell: Any, settings: Any) -> None:
        """Take charge of a shell's kernel; `start` remembers how all was.

        Args:
            shell: IPython's.
            settings: A ``GlobalSettings`` of the same kernel.
        """
        self.shell, self.kernel, self.settings = shell, shell.kernel, settings
        self.space: Namespace = shell.user_ns
        self.built_in: Namespace = {}
        self.given: Namespace = {}  # what locked cells have defined
        self.own: Namespace = {}  # IPython's names, before the first cell
        self.streams: Namespace = {}
        self.saved: Namespace | None = None
        self.of_tests: dict[str, tuple[Any, Any]] = {}  # values of tests, and those before
        self.set_aside: set[str] = set()  # names that are another thing while a test runs
        self.cached: set[str] = set()
        self.renamer: VariableRenamer | None = None
        self.unsent: list[str] = []
        self.kernel.shell_handlers["guard_request"] = self.answer

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer a message: ``do`` names a method, ``names`` is its argument.

        A ``quiet`` message gets no answer: what was mended comes with the next one.
        """
        content = parent["content"]
        methods: dict[str, Callable[[list[str]], list[str] | None]] = {
            "start": self.start,
            "before_test": self.before_test,
            "recall": self.recall,
            "after_test": self.after_test,
            "remember_given": self.remember_given,
            "put_back": self.put_back,
            "keep": self.settings.keep,
        }
        try:
            self.unsent += methods[content["do"]](content.get("names", [])) or []
        except Exception as error:  # a silent guard would look like a kernel that hangs
            self.unsent.append(f"the guard failed: {type(error).__name__}: {error}")
        if not content.get("quiet"):
            found, self.unsent = self.unsent, []
            reply = {"status": "ok", "found": [str(what)[:200] for what in found[:50]]}
            self.kernel.session.send(stream, "guard_reply", reply, parent, ident=ident)

    def start(self, names: list[str]) -> None:
        """Remember how all is, outside of any cell, before the first cell runs."""
        linecache.clearcache()  # the guard's own text
        self.shell.last_execution_result = None
        self.own = dict(self.space)
        name_errors(self.shell)
        sys.meta_path.insert(0, Importer(self.settings))  # type: ignore[arg-type]
        self.built_in = {k: v for k, v in vars(builtins).items() if not k.startswith("_")}
        self.streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}

    def remember_given(self, names: list[str]) -> None:
        """Remember what a locked cell has defined."""
        self.given |= {name: self.space[name] for name in names if name in self.space}

    def before_test(self, names: list[str]) -> list[str]:
        """Get ready for a test: all as it was, no name covers another.

        Names of locked cells that the submission uses for something else, and names that cover
        built-in ones, are set aside while the test runs. That is often an accident.

        Args:
            names: Variables of the test that a student's function reads.

        Returns:
            What was mended.
        """
        found = self.put_back_interpreter()
        if names:
            self.renamer = VariableRenamer(names)
            self.shell.ast_transformers.append(self.renamer)
            found += [f"the test uses the name {name}, too: kept apart" for name in names]
        found += self.put_back([])
        self.saved, self.set_aside = dict(self.space), set()
        self.cached = set(linecache.cache)
        for name, value in self.given.items():
            mine = self.space.get(name, MISSING)
            if mine is not value and not is_part_of_same_name(value, name, mine):
                self.space[name] = value
                self.set_aside.add(name)
                found.append(f"{name}, which the course gives, was replaced")
        return found + self.uncover_built_in()

    def put_back_interpreter(self) -> list[str]:
        """Put back Python's own functions and the output streams."""
        found = []
        for owner, kept in ((builtins, self.built_in), (sys, self.streams)):
            for name, value in kept.items():
                if getattr(owner, name, MISSING) is not value:
                    setattr(owner, name, value)
                    found.append(f"{owner.__name__}.{name} was replaced")
        return found

    def recall(self, names: list[str]) -> None:
        """Give a test what earlier tests have left, such as an import or a checking function.

        As without a guard, the last to assign a name counts. Where a submission has the name, too,
        it keeps its own value unless the test reads the name: its functions may read it as well.

        Args:
            names: What the test reads before it assigns it.
        """
        for name, (value, before) in self.of_tests.items():
            now = self.space.get(name, MISSING)
            if now is before and (now is MISSING or name in names):
                self.space[name] = value
                self.set_aside.add(name)

    def uncover_built_in(self) -> list[str]:
        """Take away names that cover Python's own, and tell them."""
        found = []
        for name in self.space.keys() & self.built_in.keys() - self.given.keys():
            if self.space[name] is not self.own.get(name, MISSING):
                del self.space[name]
                self.set_aside.add(name)
                if name in self.own:  # IPython has its own `open` and `exit`
                    self.space[name] = self.own[name]
                found.append(f"the name {name} covered Python's own")
        return found

    def after_test(self, names: list[str]) -> None:
        """Take away what a test has left behind: its names, its text and its result.

        Later tests get the names back. What a function of the submission has made global meanwhile
        stays: a cache, a counter.

        Args:
            names: What the test binds at its top level.
        """
        theirs = {*names, *self.own, *self.set_aside}
        theirs |= set(self.renamer.names.values()) if self.renamer else set()
        if self.renamer in self.shell.ast_transformers:
            self.shell.ast_transformers.remove(self.renamer)
        self.renamer = None
        if self.saved is not None:
            for name in {*names, *self.of_tests} & theirs & self.space.keys():
                before = self.saved.get(name, MISSING)
                if self.space[name] is not before:
                    self.of_tests[name] = self.space[name], before
            for name in theirs:
                if name in self.saved:
                    self.space[name] = self.saved[name]
                else:
                    self.space.pop(name, None)
            self.saved = None
        for name in [name for name in linecache.cache if name not in self.cached]:
            del linecache.cache[name]
            getattr(self.shell.compile, "_filename_map", {}).pop(name, None)
        self.shell.last_execution_result = None
        history = self.shell.history_manager
        for inputs in (history.input_hist_parsed, history.input_hist_raw):
            inputs.append("")  # in place of the test's text
        self.shell.execution_count += 1

    def put_back(self, names: list[str]) -> list[str]:
        """Put back switches of the whole interpreter; ``names`` may hold one of them."""
        changed: list[str] = self.settings.put_back("".join(names))
        return changed


class NamelessError(Exception):
    """Stands for an error whose own type or text cannot be read."""


def nameable(error: Any) -> Any:
    """Give an error that a kernel can report: itself, or one in its place."""
    try:
        texts = (type(error).__name__, str(error))
        return error if all(type(text) is str for text in texts) else NamelessError(NAMELESS)
    except BaseException:
        return NamelessError(NAMELESS)


def name_errors(shell: Any) -> None:
    """Let a shell report every error: without a report, the kernel would seem to hang."""
    show, run_async, run = shell._showtraceback, shell.run_cell_async, shell.run_cell
    show_all = shell.showtraceback

    def showtraceback(*arguments: Any, **named: Any) -> None:
        error = sys.exc_info()[1]
        try:
            if nameable(error) is error:
                show_all(*arguments, **named)
                return
        except BaseException:  # another part of it cannot be read
            pass
        with contextlib.suppress(BaseException):
            show(NamelessError, NamelessError(NAMELESS), [f"NamelessError: {NAMELESS}"])
            shell._last_traceback = [f"NamelessError: {NAMELESS}"]

    def named(result: Any) -> Any:
        for part in ("error_before_exec", "error_in_exec"):
            if getattr(result, part, None) is not None:
                setattr(result, part, nameable(getattr(result, part)))
        return result

    async def run_cell_async(*arguments: Any, **options: Any) -> Any:
        return named(await run_async(*arguments, **options))

    def run_cell(*arguments: Any, **options: Any) -> Any:
        return named(run(*arguments, **options))

    shell.showtraceback = showtraceback
    shell.run_cell_async = functools.wraps(run_async)(run_cell_async)
    shell.run_cell = functools.wraps(run)(run_cell)
