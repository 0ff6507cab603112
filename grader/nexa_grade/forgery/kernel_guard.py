"""Runs inside the student's kernel: is what the tests rely on still what it was?

`guarded.GuardedExecute` sends this file as text, as the first thing that a kernel executes, so it
imports nothing of the course and needs no file in a sandbox. `kernel_settings` comes with it. It
then answers messages on the kernel's shell channel. A message is no code: no transformer sees it,
it has no outputs, no number and no history. A module gets its baseline when the kernel starts or,
where it is imported later, at the end of its import, before the importing cell goes on.

Left out: defence against a program that knows this file. It shares the interpreter with it.
"""

import ast
import asyncio
import contextlib
import functools
import gc
import linecache
import secrets
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from operator import attrgetter, is_not
from typing import Any

SYSTEM = """builtins cmath collections collections.abc contextlib copy dataclasses functools
inspect io itertools json linecache math operator random re statistics string threading time timeit
traceback"""
LIBRARIES = """numpy numpy.linalg numpy.testing scipy.stats torch torch._tensor torch.autograd
torch.linalg torch.nn torch.nn.functional torch.nn.init torch.nn.modules.module torch.overrides
torch.testing torch.testing._comparison"""
JUPYTER = """IPython.core.compilerop IPython.core.displayhook IPython.core.events
IPython.core.inputtransformer2 IPython.core.interactiveshell ipykernel.compiler
ipykernel.displayhook ipykernel.ipkernel ipykernel.kernelbase ipykernel.zmqshell
jupyter_client.session"""
WATCHED = frozenset(f"{SYSTEM} {LIBRARIES} {JUPYTER}".split())
GLOBAL_HOOKS = """_global_forward_hooks _global_forward_pre_hooks _global_backward_hooks
_global_backward_pre_hooks _global_module_registration_hooks _global_parameter_registration_hooks
_global_buffer_registration_hooks"""
HOOKS = ("displayhook", "excepthook", "unraisablehook")
PARTS = """ast_transformers builtin_trap compile custom_exceptions display_pub display_trap
displayhook events input_transformer_manager user_module user_ns"""
CHANGE_OTHERS = (
    "torch._compile",
    "torch._dynamo",
    "torch.package",
)  # they wrap functions when they are imported
NAMELESS = "an error was raised whose own type or text raises an error"
MISSING = object()
TOOLS = range(6)  # of sys.monitoring

Finding = tuple[str, bool]  # what was found, and whether it is a reason to hold the submission
Namespace = dict[str, Any]

code_of, defaults_of = attrgetter("__code__"), attrgetter("__defaults__")
keywords_of = attrgetter("__kwdefaults__")


class Baseline:
    """What some modules and classes contain, to be compared and put back."""

    def __init__(self) -> None:
        self.namespaces: list[tuple[str, Any, Any, Namespace, int]] = []
        self.functions: list[types.FunctionType] = []
        self.labels: list[str] = []
        self.details: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        self.keywords: list[tuple[int, Namespace]] = []
        self.seen: set[int] = set()

    def add_module(self, module: types.ModuleType) -> None:
        """Keep a module's functions, classes and modules, and what its own classes contain."""
        kept = {
            name: value
            for name, value in vars(module).copy().items()
            if callable(value) or isinstance(value, types.ModuleType)
        }
        self.namespaces.append((module.__name__, module, vars(module), kept, 0))
        package = module.__name__.partition(".")[0]
        for name, value in kept.items():
            label = f"{module.__name__}.{name}"
            if isinstance(value, types.FunctionType):
                self.add_function(label, value)
            elif isinstance(value, type) and value.__module__.partition(".")[0] == package:
                self.add_class(label, value)

    def add_class(self, label: str, owner: type) -> None:
        """Keep a class's methods and descriptors; built-in classes cannot be changed."""
        if id(owner) in self.seen or not owner.__flags__ & 1 << 9:  # Py_TPFLAGS_HEAPTYPE
            return
        self.seen.add(id(owner))
        namespace = vars(owner)
        kept = {
            name: value
            for name, value in namespace.copy().items()
            if callable(value) or hasattr(type(value), "__get__")
        }
        self.namespaces.append((label, owner, namespace, kept, len(namespace)))
        for name, value in kept.items():
            function = getattr(value, "__func__", value)  # of static and class methods
            if isinstance(function, types.FunctionType):
                self.add_function(f"{label}.{name}", function)

    def add_function(self, label: str, function: types.FunctionType) -> None:
        """Keep a function's code and its defaults."""
        if id(function) in self.seen:
            return
        self.seen.add(id(function))
        if function.__kwdefaults__:  # a dictionary: it can be changed in place
            self.keywords.append((len(self.functions), dict(function.__kwdefaults__)))
        self.labels.append(label)
        self.functions.append(function)
        for known, value in zip(self.details, (code_of, defaults_of, keywords_of), strict=True):
            known.append(value(function))

    def put_back(self) -> Iterator[str]:
        """Put back what has changed.

        Yields:
            The name of each thing that had.
        """
        for label, owner, namespace, kept, size in self.namespaces:
            if any(map(is_not, map(namespace.get, kept), kept.values())):
                for name, value in list(kept.items()):
                    found = namespace.get(name, MISSING)
                    if found is not value:
                        if is_change_of_library(found):
                            kept[name] = found
                            continue
                        assign(owner, name, value)
                        if not is_setting(value, found):
                            yield f"{label}.{name}"
            if size and len(namespace) > size:
                for name in [name for name in namespace if name not in kept]:
                    value = namespace[name]
                    if isinstance(value, types.FunctionType) and overrides(owner, name):
                        assign(owner, name, MISSING)
                        yield f"{label}.{name}"
        yield from self.put_back_functions()

    def put_back_functions(self) -> Iterator[str]:
        """Put back the code and the defaults of functions."""
        parts = ("__code__", "__defaults__", "__kwdefaults__")
        read = (code_of, defaults_of, keywords_of)
        for part, value_of, known in zip(parts, read, self.details, strict=True):
            if any(map(is_not, map(value_of, self.functions), known)):
                for label, function, value in zip(self.labels, self.functions, known, strict=True):
                    if value_of(function) is not value:
                        setattr(function, part, value)
                        yield f"{label}.{part}"
        for place, keywords in self.keywords:
            found: Any = self.functions[place].__kwdefaults__
            if len(found) != len(keywords) or any(
                map(is_not, map(found.get, keywords), keywords.values())
            ):
                found.clear()
                found.update(keywords)
                yield f"{self.labels[place]}.__kwdefaults__"


def assign(owner: Any, name: str, value: Any) -> None:
    """Set an attribute of a module or a class, whatever their own ``__setattr__`` says."""
    kind: Any = type if isinstance(owner, type) else types.ModuleType
    if value is MISSING:
        kind.__delattr__(owner, name)
    else:
        kind.__setattr__(owner, name, value)


def is_change_of_library(value: Any) -> bool:
    """Tell a change that a library makes itself, later than it was imported."""
    space = getattr(value, "__globals__", {})
    name = space.get("__name__", "")
    return isinstance(value, types.FunctionType) and name.startswith(CHANGE_OTHERS)


def is_setting(known: Any, found: Any) -> bool:
    """Tell what sets an option, from a forgery: no function or class of a student is called by it.

    A plain value in place of a descriptor, such as a trait of IPython; one of Python's own types
    or torch's classes of tensors in place of another class (``np.bool = bool``).
    """
    if type(found) in (str, bool, int, float, type(None)):
        return not callable(known)
    kinds = ("builtins", "torch")
    return isinstance(known, type) and isinstance(found, type) and found.__module__ in kinds


def overrides(owner: type, name: str) -> bool:
    """Tell whether a method that was added to a class covers one that it had inherited."""
    return any(name in vars(base) for base in owner.__mro__[1:])


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
    """Stands first among Python's finders, and sees the end of each watched import."""

    def __init__(self, baseline: Baseline, settings: Any) -> None:
        self.baseline, self.settings = baseline, settings
        self.asked: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a watched module as the other finders do, and watch its loader."""
        if name in self.asked or name not in WATCHED | self.settings.modules:
            return None
        self.asked.add(name)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                self.watch(name, spec)
                return spec
        return None

    def watch(self, name: str, spec: ModuleSpec) -> None:
        """Keep the module as it is when its loader has executed it."""
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None or isinstance(loader, type):  # built in: it was there at the start
            return

        def execute_and_keep(module: types.ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            if name in WATCHED:
                self.baseline.add_module(module)
            self.settings.remember(name)

        loader.exec_module = execute_and_keep


def is_part_of_same_name(module: Any, name: str, value: Any) -> bool:
    """Tell ``from time import time`` from a forgery: it is the module's own, and honest."""
    return isinstance(module, types.ModuleType) and vars(module).get(name, MISSING) is value


class Authorship:
    """Tells code of a student's cells from that of libraries and of locked cells."""

    def __init__(self, space: Namespace) -> None:
        self.space = space
        self.own_files: set[str] = set()  # where the code of locked cells says that it is from
        self.given: Namespace = {}  # what locked cells have defined

    def add_given(self, name: str, value: Any) -> None:
        """Remember what a locked cell has defined."""
        self.given[name] = value
        methods = vars(value).values() if isinstance(value, type) else [value]
        for method in methods:
            if isinstance(method, types.FunctionType):
                self.own_files.add(method.__code__.co_filename)

    def is_in_theirs(self, code: types.CodeType) -> bool:
        """Tell code of a student's cell."""
        return "ipykernel_" in code.co_filename and code.co_filename not in self.own_files

    def is_of_library(self, value: Any) -> bool:
        """Tell a function of an imported module, such as one that colors tracebacks."""
        if not isinstance(value, types.FunctionType) or self.is_theirs(value):
            return False
        module = sys.modules.get(value.__module__ or "")
        return module is not None and vars(module) is value.__globals__

    def is_theirs(self, value: Any) -> bool:
        """Tell a function, or an object of a class, that a student's cell has made."""
        while isinstance(value, functools.partial | types.MethodType):
            if isinstance(value, types.MethodType) and self.is_theirs(value.__self__):
                return True
            value = value.func if isinstance(value, functools.partial) else value.__func__
        if isinstance(value, types.FunctionType):
            return value.__globals__ is self.space and self.is_in_theirs(value.__code__)
        kind = value if isinstance(value, type) else type(value)
        return kind.__module__ == "__main__" and self.given.get(kind.__name__) is not kind


class ImportWatch:
    """What an import finds: the watched modules, and the finders."""

    def __init__(self, authorship: Authorship, settings: Any) -> None:
        self.authorship = authorship
        self.baseline = Baseline()
        self.modules = {name: sys.modules[name] for name in WATCHED if name in sys.modules}
        for module in self.modules.values():
            self.baseline.add_module(module)
        self.importer = Importer(self.baseline, settings)
        sys.meta_path.insert(0, self.importer)  # type: ignore[arg-type]

    def check(self) -> Iterator[str]:
        """Put back what has changed, and name it."""
        for name in self.baseline.put_back():
            yield f"{name} was changed"
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
                yield f"the module {name} was replaced"
        if self.importer not in sys.meta_path:
            sys.meta_path.insert(0, self.importer)  # type: ignore[arg-type]
            yield "sys.meta_path was changed"
        for finder in [one for one in sys.meta_path if self.authorship.is_theirs(one)]:
            sys.meta_path.remove(finder)
            yield "sys.meta_path was changed"

    def built_in_names(self) -> frozenset[str]:
        """List the names of Python's own functions, as they were."""
        kept = next(
            kept for label, _, _, kept, _ in self.baseline.namespaces if label == "builtins"
        )
        return frozenset(name for name in kept if not name.startswith("_"))


class ShellWatch:
    """What runs a cell, and shows what came out: IPython's shell and its kernel."""

    def __init__(self, authorship: Authorship, shell: Any) -> None:
        self.authorship, self.shell, self.kernel = authorship, shell, shell.kernel
        manager = shell.input_transformer_manager
        self.lists = [
            ("ast_transformers", shell.ast_transformers),
            ("input_transformers_post", shell.input_transformers_post),
            ("cleanup_transforms", manager.cleanup_transforms),
            ("line_transforms", manager.line_transforms),
            ("token_transformers", manager.token_transformers),
        ]
        self.lists_kept = [list(value) for _, value in self.lists]
        owners = {
            "shell": shell,
            "kernel": self.kernel,
            "displayhook": shell.displayhook,
            "display_pub": shell.display_pub,
            "session": self.kernel.session,
            "compile": shell.compile,
            "input_transformer_manager": manager,
        }
        self.objects = [(label, owner, dict(vars(owner))) for label, owner in owners.items()]
        self.handlers = dict(self.kernel.shell_handlers)
        self.parts = {name: getattr(shell, name) for name in PARTS.split()}

    def check(self) -> Iterator[str]:
        """Put back what has changed, and name it."""
        for (name, value), kept in zip(self.lists, self.lists_kept, strict=True):
            if len(value) != len(kept) or any(map(is_not, value, kept)):
                value[:] = kept
                yield f"{name} of IPython was changed"
        for name, value in self.parts.items():
            if getattr(self.shell, name) is not value:
                setattr(self.shell, name, value)
                yield f"{name} of IPython was changed"
        yield from self.check_objects()
        if self.kernel.shell_handlers != self.handlers:
            self.kernel.shell_handlers.clear()
            self.kernel.shell_handlers.update(self.handlers)
            yield "the kernel's handlers were changed"
        for event, callbacks in self.shell.events.callbacks.items():
            for callback in [one for one in callbacks if self.authorship.is_theirs(one)]:
                callbacks.remove(callback)
                yield f"a callback for {event} was registered"

    def check_objects(self) -> Iterator[str]:
        """Put back methods that stand on the objects themselves, and name them."""
        for label, owner, kept in self.objects:
            for name, value in list(vars(owner).items()):
                if not callable(getattr(type(owner), name, None)):
                    continue
                if name not in kept:
                    delattr(owner, name)
                    if not self.authorship.is_of_library(value):
                        yield f"{label}.{name} of IPython was changed"
                elif value is not kept[name]:
                    setattr(owner, name, kept[name])
                    if not self.authorship.is_of_library(value):
                        yield f"{label}.{name} of IPython was changed"


class InterpreterWatch:
    """The hooks of Python itself."""

    def __init__(self, authorship: Authorship) -> None:
        self.authorship = authorship
        self.hooks = {name: getattr(sys, name) for name in HOOKS}
        self.thread_hook = threading.excepthook
        self.tools = monitoring_tools()
        self.signals = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def check(self) -> Iterator[str]:
        """Put back what has changed, and name it."""
        for name, hook in self.hooks.items():
            found = getattr(sys, name)
            if found is not hook:
                setattr(sys, name, hook)
                if not self.authorship.is_of_library(found):
                    yield f"sys.{name} was replaced"
        if threading.excepthook is not self.thread_hook:
            threading.excepthook = self.thread_hook
            yield "threading.excepthook was replaced"
        if sys.gettrace() is not None:
            sys.settrace(None)
            yield "sys.settrace was called"
        if sys.getprofile() is not None:
            sys.setprofile(None)
            yield "sys.setprofile was called"
        if monitoring_tools() != self.tools:
            yield "sys.monitoring was used"
        for number, handler in self.signals.items():
            if self.authorship.is_theirs(signal.getsignal(number)):
                signal.signal(number, handler)
                yield f"a handler for signal {int(number)} was set"
        for callback in [one for one in gc.callbacks if self.authorship.is_theirs(one)]:
            gc.callbacks.remove(callback)
            yield "gc.callbacks was changed"


class TorchWatch:
    """What stands between a call of torch and its result."""

    def __init__(self, authorship: Authorship) -> None:
        self.authorship = authorship

    def check(self) -> Iterator[str]:
        """Name what a student's cell has put there; take hooks away."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "_C"):
            return
        is_theirs = self.authorship.is_theirs
        for place in range(torch._C._len_torch_function_stack()):
            if is_theirs(torch._C._get_function_stack_at(place)):
                yield "a TorchFunctionMode is on"
        for place in range(torch._C._len_torch_dispatch_stack()):
            if is_theirs(torch._C._get_dispatch_stack_at(place)):
                yield "a TorchDispatchMode is on"
        module = sys.modules["torch.nn.modules.module"]
        for name in GLOBAL_HOOKS.split():
            registered = getattr(module, name, {})
            for key in [key for key, hook in registered.items() if is_theirs(hook)]:
                del registered[key]
                yield "a hook on all modules of torch was registered"


class WaitingWatch:
    """Code of the submission that could run beside a test: threads, and what the loop has."""

    def __init__(self, authorship: Authorship) -> None:
        self.authorship = authorship

    def check(self) -> Iterator[str]:
        """Name what is waiting."""
        here = threading.get_ident()
        for thread, frame in sys._current_frames().items():
            if thread != here and self.is_running_theirs(frame):
                yield "a thread of the submission is running"
        loop: Any = asyncio.get_running_loop()
        waiting = [task.get_coro() for task in asyncio.all_tasks(loop)]
        handles = [*getattr(loop, "_ready", ()), *getattr(loop, "_scheduled", ())]
        callbacks = [getattr(handle, "_callback", None) for handle in handles]
        codes = [getattr(coroutine, "cr_code", None) for coroutine in waiting]
        if any(map(self.authorship.is_theirs, callbacks)) or any(
            code is not None and self.authorship.is_in_theirs(code) for code in codes
        ):
            yield "code of the submission waits in the event loop"

    def is_running_theirs(self, frame: types.FrameType | None) -> bool:
        """Tell a stack of calls in which code of a student's cell stands."""
        while frame is not None:
            is_of_notebook = frame.f_globals is self.authorship.space
            if is_of_notebook and self.authorship.is_in_theirs(frame.f_code):
                return True
            frame = frame.f_back
        return False


class Guard:
    """Looks after one kernel: asks the watches, and prepares tests."""

    def __init__(self, shell: Any, settings: Any) -> None:
        """Take charge of a shell's kernel; `start` takes the baseline.

        Args:
            shell: IPython's.
            settings: A ``GlobalSettings`` of the same kernel.
        """
        self.shell, self.kernel, self.settings = shell, shell.kernel, settings
        self.space: Namespace = shell.user_ns
        self.authorship = Authorship(self.space)
        self.given_baseline = Baseline()
        self.watches: list[Any] = []
        self.built_in: frozenset[str] = frozenset()
        self.own: Namespace = {}  # IPython's names, before the first cell
        self.streams: Namespace = {}
        self.saved: Namespace | None = None
        self.of_tests: dict[str, tuple[Any, Any]] = {}  # values of tests, and those before
        self.set_aside: set[str] = set()  # names that are another thing while a test runs
        self.cached: set[str] = set()
        self.renamer: VariableRenamer | None = None
        self.unsent: list[Finding] = []
        self.kernel.shell_handlers["guard_request"] = self.answer

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer a message: ``do`` names a method, ``names`` is its argument.

        A ``quiet`` message gets no answer: what was found comes with the next one.
        """
        content = parent["content"]
        methods: dict[str, Callable[[list[str]], list[Finding]]] = {
            "start": self.start,
            "check": self.check,
            "before_test": self.before_test,
            "recall": self.recall,
            "after_test": self.after_test,
            "remember_given": self.remember_given,
            "put_back": self.put_back,
            "keep": self.keep,
        }
        try:
            found = methods[content["do"]](content.get("names", []))
        except Exception as error:  # a silent guard would look like a kernel that hangs
            found = [(f"the guard failed: {type(error).__name__}: {error}", True)]
        self.unsent += found
        if content.get("quiet"):
            return
        found, self.unsent = self.unsent, []
        limited = [[str(what)[:200], bool(is_held)] for what, is_held in found[:50]]
        reply = {"status": "ok", "found": limited}
        self.kernel.session.send(stream, "guard_reply", reply, parent, ident=ident)

    def start(self, names: list[str]) -> list[Finding]:
        """Take the baseline, outside of any cell, before the first cell runs."""
        linecache.clearcache()  # the guard's own text
        self.shell.last_execution_result = None
        self.own = dict(self.space)
        name_errors(self.shell)
        imports = ImportWatch(self.authorship, self.settings)
        self.watches = [
            imports,
            ShellWatch(self.authorship, self.shell),
            InterpreterWatch(self.authorship),
            TorchWatch(self.authorship),
            WaitingWatch(self.authorship),
        ]
        self.built_in = imports.built_in_names()
        self.streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
        return []

    def remember_given(self, names: list[str]) -> list[Finding]:
        """Remember what a locked cell has defined."""
        for name in names:
            value = self.space.get(name, MISSING)
            if value is MISSING:
                continue
            self.authorship.given[name] = value
            if isinstance(value, types.FunctionType) and value.__globals__ is self.space:
                self.authorship.add_given(name, value)
                self.given_baseline.add_function(name, value)
            elif isinstance(value, type) and value.__module__ == "__main__":
                self.authorship.add_given(name, value)
                self.given_baseline.add_class(name, value)
        return []

    def before_test(self, names: list[str]) -> list[Finding]:
        """Get ready for a test: all as it was, no name covers another.

        Names of locked cells that the submission uses for something else, and names that cover
        built-in ones, are set aside while the test runs. That is often an accident.
        """
        found = self.check([])
        if names:
            self.renamer = VariableRenamer(names)
            self.shell.ast_transformers.append(self.renamer)
            found += [(f"the test uses the name {name}, too: kept apart", False) for name in names]
        found += self.put_back([])
        self.saved, self.set_aside = dict(self.space), set()
        self.cached = set(linecache.cache)
        for name, value in self.authorship.given.items():
            mine = self.space.get(name, MISSING)
            if mine is not value and not is_part_of_same_name(value, name, mine):
                self.space[name] = value
                self.set_aside.add(name)
                found.append((f"{name}, which the course gives, was replaced", False))
        return found + self.uncover_built_in()

    def recall(self, names: list[str]) -> list[Finding]:
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
        return []

    def uncover_built_in(self) -> list[Finding]:
        """Take away names that cover Python's own, and tell them."""
        found: list[Finding] = []
        for name in [name for name in self.space if name in self.built_in]:
            is_given = name in self.authorship.given
            if not is_given and self.space[name] is not self.own.get(name, MISSING):
                del self.space[name]
                self.set_aside.add(name)
                if name in self.own:  # IPython has its own `open` and `exit`
                    self.space[name] = self.own[name]
                found.append((f"the name {name} covered Python's own", False))
        return found

    def after_test(self, names: list[str]) -> list[Finding]:
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
        return []

    def put_back(self, names: list[str]) -> list[Finding]:
        """Put back switches of the whole interpreter; ``names`` may hold one of them."""
        return [(what, False) for what in self.settings.put_back("".join(names))]

    def keep(self, names: list[str]) -> list[Finding]:
        """Take switches as they are now: a cell of the course has set those in ``names``."""
        self.settings.keep(names)
        return []

    def check(self, names: list[str]) -> list[Finding]:
        """Compare with the baseline, and put back what can be put back."""
        found = [(f"{name} was changed", True) for name in self.given_baseline.put_back()]
        found += [(what, True) for watch in self.watches for what in watch.check()]
        for name, stream in self.streams.items():
            if getattr(sys, name) is not stream:
                setattr(sys, name, stream)
                found.append((f"sys.{name} was replaced", False))
        return found


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


def monitoring_tools() -> list[str | None]:
    """Name the tools that watch the interpreter; Python 3.12 has a place for them."""
    monitoring: Any = getattr(sys, "monitoring", None)
    return [monitoring.get_tool(tool) for tool in TOOLS] if monitoring else []
