"""Runs inside the student's kernel: is what the tests rely on still what it was?

`guarded.GuardedExecute` sends this file as text, as the first thing that a kernel executes, so it
imports nothing of the course and needs no file in a sandbox. It then answers messages on the
kernel's shell channel. A message is no code: no transformer sees it, it has no outputs, no number
and no history. A module gets its baseline when the kernel starts or, where it is imported later,
at the end of its import, before the importing cell goes on.

Left out: defence against a program that knows this file. It shares the interpreter with it.
"""

import ast
import asyncio
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
MISSING = object()
TOOLS = range(6)  # of sys.monitoring

Finding = tuple[str, bool]  # what was found, and whether it is a reason to hold the submission
Namespace = dict[str, Any]

code_of, defaults_of = attrgetter("__code__"), attrgetter("__defaults__")
keywords_of = attrgetter("__kwdefaults__")


class Kept:
    """What some modules and classes hold, to be compared and put back."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.spaces: list[tuple[str, Any, Any, Namespace, int]] = []
        self.functions: list[types.FunctionType] = []
        self.labels: list[str] = []
        self.details: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        self.keywords: list[tuple[int, Namespace]] = []
        self.seen: set[int] = set()

    def add_module(self, module: types.ModuleType) -> None:
        """Keep a module's functions, classes and modules, and what its own classes hold."""
        kept = {
            name: value
            for name, value in vars(module).copy().items()
            if callable(value) or isinstance(value, types.ModuleType)
        }
        self.spaces.append((module.__name__, module, vars(module), kept, 0))
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
        held = vars(owner)
        kept = {
            name: value
            for name, value in held.copy().items()
            if callable(value) or hasattr(type(value), "__get__")
        }
        self.spaces.append((label, owner, held, kept, len(held)))
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
        for label, owner, held, kept, size in self.spaces:
            if any(map(is_not, map(held.get, kept), kept.values())):
                for name, value in list(kept.items()):
                    if held.get(name, MISSING) is not value:
                        if is_change_of_library(held.get(name)):
                            kept[name] = held[name]
                            continue
                        assign(owner, name, value)
                        yield f"{label}.{name}"
            if size and len(held) > size:
                for name in [name for name in held if name not in kept]:
                    value = held[name]
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


def overrides(owner: type, name: str) -> bool:
    """Tell whether a method that was added to a class covers one that it had inherited."""
    return any(name in vars(base) for base in owner.__mro__[1:])


class KeepApart(ast.NodeTransformer):
    """Gives a test other names for some of its variables: no function of a student reads them."""

    def __init__(self, names: list[str]) -> None:
        """Choose names that nobody knows."""
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

    def __init__(self, kept: Kept) -> None:
        """Remember where to keep what is imported."""
        self.kept = kept
        self.asked: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a watched module as the other finders do, and watch its loader."""
        if name not in WATCHED or name in self.asked:
            return None
        self.asked.add(name)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                self.watch(spec)
                return spec
        return None

    def watch(self, spec: ModuleSpec) -> None:
        """Keep the module as it is when its loader has executed it."""
        loader: Any = spec.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None or isinstance(loader, type):  # built in: it was there at the start
            return

        def execute_and_keep(module: types.ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            self.kept.add_module(module)

        loader.exec_module = execute_and_keep


def is_part_of_same_name(module: Any, name: str, value: Any) -> bool:
    """Tell ``from time import time`` from a forgery: it is the module's own, and honest."""
    return isinstance(module, types.ModuleType) and vars(module).get(name, MISSING) is value


class Guard:
    """Looks after one kernel."""

    def __init__(self, shell: Any) -> None:
        """Take charge of a shell's kernel; `start` takes the baseline."""
        self.shell, self.kernel = shell, shell.kernel
        self.space: Namespace = shell.user_ns
        self.own_files: set[str] = set()  # where the code of locked cells says that it is from
        self.given: Namespace = {}
        self.given_kept = Kept()
        self.saved: Namespace | None = None
        self.apart: KeepApart | None = None
        self.untold: list[Finding] = []
        self.kernel.shell_handlers["guard_request"] = self.answer

    def answer(self, stream: Any, ident: Any, parent: Any) -> None:
        """Answer a message: ``do`` names a method, ``names`` is its argument.

        A ``quiet`` message gets no answer: what was found comes with the next one.
        """
        content = parent["content"]
        methods: dict[str, Callable[[list[str]], list[Finding]]] = {
            "start": self.start,
            "check": self.check,
            "enter": self.enter,
            "leave": self.leave,
            "keep": self.keep,
        }
        try:
            found = methods[content["do"]](content.get("names", []))
        except Exception as error:  # a silent guard would look like a kernel that hangs
            found = [(f"the guard failed: {type(error).__name__}: {error}", True)]
        self.untold += found
        if content.get("quiet"):
            return
        found, self.untold = self.untold, []
        limited = [[str(what)[:200], bool(is_held)] for what, is_held in found[:50]]
        reply = {"status": "ok", "found": limited}
        self.kernel.session.send(stream, "guard_reply", reply, parent, ident=ident)

    def start(self, names: list[str]) -> list[Finding]:
        """Take the baseline, outside of any cell, before the first cell runs."""
        linecache.clearcache()  # the guard's own text
        self.shell.last_execution_result = None
        self.own = dict(self.space)
        self.kept = Kept()
        self.modules = {name: sys.modules[name] for name in WATCHED if name in sys.modules}
        for module in self.modules.values():
            self.kept.add_module(module)
        self.importer = Importer(self.kept)
        sys.meta_path.insert(0, self.importer)  # type: ignore[arg-type]
        shell, manager = self.shell, self.shell.input_transformer_manager
        self.lists = [
            ("ast_transformers", shell.ast_transformers),
            ("input_transformers_post", shell.input_transformers_post),
            ("cleanup_transforms", manager.cleanup_transforms),
            ("line_transforms", manager.line_transforms),
            ("token_transformers", manager.token_transformers),
        ]
        self.lists_kept = [list(value) for _, value in self.lists]
        self.objects = [
            (name, value, dict(vars(value)))
            for name, value in (
                ("shell", shell),
                ("kernel", self.kernel),
                ("displayhook", shell.displayhook),
                ("display_pub", shell.display_pub),
                ("session", self.kernel.session),
                ("compile", shell.compile),
                ("input_transformer_manager", manager),
            )
        ]
        self.handlers = dict(self.kernel.shell_handlers)
        self.parts = {name: getattr(shell, name) for name in PARTS.split()}
        self.hooks = {name: getattr(sys, name) for name in HOOKS}
        self.streams = {name: getattr(sys, name) for name in ("stdout", "stderr")}
        self.thread_hook = threading.excepthook
        self.tools = monitoring_tools()
        self.signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
        return []

    def keep(self, names: list[str]) -> list[Finding]:
        """Keep what a locked cell has defined."""
        for name in names:
            value = self.space.get(name, MISSING)
            if value is MISSING:
                continue
            self.given[name] = value
            if isinstance(value, types.FunctionType) and value.__globals__ is self.space:
                self.own_files.add(value.__code__.co_filename)
                self.given_kept.add_function(name, value)
            elif isinstance(value, type) and value.__module__ == "__main__":
                for method in vars(value).values():
                    if isinstance(method, types.FunctionType):
                        self.own_files.add(method.__code__.co_filename)
                self.given_kept.add_class(name, value)
        return []

    def enter(self, names: list[str]) -> list[Finding]:
        """Get ready for a test: all as it was, no name covers another.

        Names of locked cells that the submission uses for something else, and names that cover
        built-in ones, are set aside while the test runs. That is often an accident.
        """
        found = self.check([])
        if names:
            self.apart = KeepApart(names)
            self.shell.ast_transformers.append(self.apart)
            found += [(f"the test uses the name {name}, too: kept apart", False) for name in names]
        self.saved = dict(self.space)
        self.cached = set(linecache.cache)
        for name, value in self.given.items():
            mine = self.space.get(name, MISSING)
            if mine is not value and not is_part_of_same_name(value, name, mine):
                self.space[name] = value
                found.append((f"{name}, which the course gives, was replaced", False))
        for name in [name for name in self.space if name in self.built_in]:
            if name not in self.given and self.space[name] is not self.own.get(name, MISSING):
                del self.space[name]
                if name in self.own:  # IPython has its own `open` and `exit`
                    self.space[name] = self.own[name]
                found.append((f"the name {name} covered Python's own", False))
        return found

    @functools.cached_property
    def built_in(self) -> frozenset[str]:
        """List the names of Python's own functions, as they were."""
        kept = next(kept for label, _, _, kept, _ in self.kept.spaces if label == "builtins")
        return frozenset(name for name in kept if not name.startswith("_"))

    def leave(self, names: list[str]) -> list[Finding]:
        """Take away what a test has left behind: its names, its text and its result."""
        if self.apart in self.shell.ast_transformers:
            self.shell.ast_transformers.remove(self.apart)
        self.apart = None
        if self.saved is not None:
            for name in [name for name in self.space if name not in self.saved]:
                del self.space[name]
            self.space.update(self.saved)
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

    def check(self, names: list[str]) -> list[Finding]:
        """Compare with the baseline, and put back what can be put back."""
        found = [(f"{name} was changed", True) for name in self.kept.put_back()]
        found += [(f"{name} was changed", True) for name in self.given_kept.put_back()]
        found += [(what, True) for what in self.check_modules()]
        found += [(what, True) for what in self.check_shell()]
        found += [(what, True) for what in self.check_interpreter()]
        found += [(what, True) for what in self.check_torch()]
        found += [(what, True) for what in self.check_waiting()]
        for name, stream in self.streams.items():
            if getattr(sys, name) is not stream:
                setattr(sys, name, stream)
                found.append((f"sys.{name} was replaced", False))
        return found

    def check_modules(self) -> Iterator[str]:
        """Look at what an import would find."""
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
                yield f"the module {name} was replaced"
        if self.importer not in sys.meta_path:
            sys.meta_path.insert(0, self.importer)  # type: ignore[arg-type]
            yield "sys.meta_path was changed"
        for finder in [finder for finder in sys.meta_path if self.is_theirs(finder)]:
            sys.meta_path.remove(finder)
            yield "sys.meta_path was changed"

    def check_shell(self) -> Iterator[str]:
        """Look at what runs a cell, and shows what came out."""
        for (name, value), kept in zip(self.lists, self.lists_kept, strict=True):
            if len(value) != len(kept) or any(map(is_not, value, kept)):
                value[:] = kept
                yield f"{name} of IPython was changed"
        for name, value in self.parts.items():
            if getattr(self.shell, name) is not value:
                setattr(self.shell, name, value)
                yield f"{name} of IPython was changed"
        for label, owner, held in self.objects:
            for name, value in list(vars(owner).items()):
                if not callable(getattr(type(owner), name, None)):
                    continue
                if name not in held:
                    delattr(owner, name)
                    yield f"{label}.{name} of IPython was changed"
                elif value is not held[name]:
                    setattr(owner, name, held[name])
                    yield f"{label}.{name} of IPython was changed"
        if self.kernel.shell_handlers != self.handlers:
            self.kernel.shell_handlers.clear()
            self.kernel.shell_handlers.update(self.handlers)
            yield "the kernel's handlers were changed"
        for event, callbacks in self.shell.events.callbacks.items():
            for callback in [callback for callback in callbacks if self.is_theirs(callback)]:
                callbacks.remove(callback)
                yield f"a callback for {event} was registered"

    def check_interpreter(self) -> Iterator[str]:
        """Look at the hooks of Python itself."""
        for name, hook in self.hooks.items():
            if getattr(sys, name) is not hook:
                setattr(sys, name, hook)
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
            if self.is_theirs(signal.getsignal(number)):
                signal.signal(number, handler)
                yield f"a handler for signal {int(number)} was set"
        for callback in [callback for callback in gc.callbacks if self.is_theirs(callback)]:
            gc.callbacks.remove(callback)
            yield "gc.callbacks was changed"

    def check_torch(self) -> Iterator[str]:
        """Look for what stands between a call of torch and its result."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "_C"):
            return
        for place in range(torch._C._len_torch_function_stack()):
            if self.is_theirs(torch._C._get_function_stack_at(place)):
                yield "a TorchFunctionMode is on"
        for place in range(torch._C._len_torch_dispatch_stack()):
            if self.is_theirs(torch._C._get_dispatch_stack_at(place)):
                yield "a TorchDispatchMode is on"
        module = sys.modules["torch.nn.modules.module"]
        for name in GLOBAL_HOOKS.split():
            registered = getattr(module, name, {})
            for key in [key for key, hook in registered.items() if self.is_theirs(hook)]:
                del registered[key]
                yield "a hook on all modules of torch was registered"

    def check_waiting(self) -> Iterator[str]:
        """Look for code of the submission that could run beside a test."""
        here = threading.get_ident()
        for thread, frame in sys._current_frames().items():
            walked: types.FrameType | None = frame if thread != here else None
            while walked is not None:
                if walked.f_globals is self.space and self.is_in_theirs(walked.f_code):
                    yield "a thread of the submission is running"
                    break
                walked = walked.f_back
        loop: Any = asyncio.get_running_loop()
        waiting = [task.get_coro() for task in asyncio.all_tasks(loop)]
        handles = [*getattr(loop, "_ready", ()), *getattr(loop, "_scheduled", ())]
        callbacks = [getattr(handle, "_callback", None) for handle in handles]
        codes = [getattr(coroutine, "cr_code", None) for coroutine in waiting]
        if any(map(self.is_theirs, callbacks)) or any(
            code is not None and self.is_in_theirs(code) for code in codes
        ):
            yield "code of the submission waits in the event loop"

    def is_in_theirs(self, code: types.CodeType) -> bool:
        """Tell code of a student's cell from that of libraries and of locked cells."""
        return "ipykernel_" in code.co_filename and code.co_filename not in self.own_files

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


def monitoring_tools() -> list[str | None]:
    """Name the tools that watch the interpreter; Python 3.12 has a place for them."""
    monitoring: Any = getattr(sys, "monitoring", None)
    return [monitoring.get_tool(tool) for tool in TOOLS] if monitoring else []
