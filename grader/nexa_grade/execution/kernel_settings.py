"""Runs inside the student's kernel: switches of the whole interpreter are put back before a test.

Gradients left off, another default dtype or device, a filter for warnings, a plotting style: such a
switch outlives the cell, the function or the library that set it, and would change what every later
cell finds. Each entry of `SETTINGS` reads one and writes it back. What counts is the value right
after the module's import, or the one that a cell of the course has set on purpose (`keep`). A
function may set a switch while it runs: nothing here looks in between.

`GuardedExecute` sends this file as text, beside the guard: it imports nothing of the course. A
library is looked at only where it is imported already. To add a setting, add an entry.

Left out on purpose: a recursion limit that was raised, additions to ``sys.path`` and to the
environment. A right answer may need them, and no test is changed by them.
"""

import copy
import decimal
import gc
import locale
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One switch."""

    name: str  # as it is told
    module: str  # that has to be imported
    words: str  # what sets it: a cell of the course with one of these words means it
    read: Callable[[Any, Any], Any]  # from the module and IPython's shell
    write: Callable[[Any, Any, Any], object]  # the same, and the value
    is_told: bool = True  # in the instructor's log, where it was put back
    is_state: bool = False  # of a random generator: every cell of the course sets it


def update(target: Any, values: Any) -> None:
    """Give a dictionary its earlier contents, whatever its own methods do."""
    for name in [name for name in dict.keys(target) if name not in values]:
        dict.__delitem__(target, name)
    dict.update(target, values)


def read_environment(module: Any, shell: Any) -> dict[str, str]:
    """Read the environment."""
    return dict(os.environ)


def write_environment(module: Any, shell: Any, values: dict[str, str]) -> None:
    """Give the variables that there were their values; additions stay."""
    os.environ.update({k: v for k, v in values.items() if os.environ.get(k) != v})


def write_path(module: Any, shell: Any, folders: list[str]) -> None:
    """Put the folders that there were first; additions stay behind them."""
    sys.path[:] = folders + [folder for folder in sys.path if folder not in folders]


def write_recursion(module: Any, shell: Any, limit: int) -> None:
    """Raise the limit again."""
    sys.setrecursionlimit(max(limit, sys.getrecursionlimit()))


def read_locale(module: Any, shell: Any) -> str:
    """Read the locale of all categories."""
    return locale.setlocale(locale.LC_ALL)


def read_folder(module: Any, shell: Any) -> str | None:
    """Read the working folder; None where it was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 (as os.chdir wants it)
    except OSError:
        return None


def write_folder(module: Any, shell: Any, folder: str | None) -> None:
    """Go back to a folder."""
    if folder:
        os.chdir(folder)


def write_warnings(module: Any, shell: Any, filters: list[Any]) -> None:
    """Set the filters for warnings; which warnings were shown once is forgotten with them."""
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def write_collector(module: Any, shell: Any, is_on: bool) -> None:
    """Turn the garbage collector on or off."""
    (gc.enable if is_on else gc.disable)()


def read_formatter(module: Any, shell: Any) -> Any:
    """Read how IPython writes values as text."""
    formatter = shell.display_formatter.formatters["text/plain"]
    return dict(formatter.type_printers), formatter.float_format, formatter.pprint


def write_formatter(module: Any, shell: Any, values: Any) -> None:
    """Set how IPython writes values as text."""
    formatter = shell.display_formatter.formatters["text/plain"]
    formatter.float_format, formatter.pprint = values[1:]
    update(formatter.type_printers, values[0])


def read_style(matplotlib: Any, shell: Any) -> dict[str, Any]:
    """Read matplotlib's parameters, without its choice of a backend."""
    left_out = ("backend", "backend_fallback", "interactive")
    return {k: v for k, v in dict.items(matplotlib.rcParams) if k not in left_out}


def write_style(matplotlib: Any, shell: Any, values: dict[str, Any]) -> None:
    """Set matplotlib's parameters."""
    dict.update(matplotlib.rcParams, values)


def read_backend(pyplot: Any, shell: Any) -> Any:
    """Read matplotlib's backend: the inline one has two names."""
    name = dict.get(sys.modules["matplotlib"].rcParams, "backend")
    return "inline" if "inline" in str(name) else name


def write_backend(pyplot: Any, shell: Any, name: Any) -> None:
    """Change the backend back, which closes all figures."""
    if isinstance(name, str):
        pyplot.switch_backend(
            "module://matplotlib_inline.backend_inline" if name == "inline" else name
        )


def read_options(pandas: Any, shell: Any) -> Any:
    """Read all options of pandas."""
    return copy.deepcopy(sys.modules["pandas._config.config"]._global_config)


def write_options(pandas: Any, shell: Any, values: Any) -> None:
    """Set all options of pandas."""
    update(sys.modules["pandas._config.config"]._global_config, copy.deepcopy(values))


def read_device(torch: Any, shell: Any) -> str | None:
    """Read torch's default device; None where nobody has set one."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else str(context.device)


def write_inference(torch: Any, shell: Any, is_on: bool) -> None:
    """Turn torch's inference mode on or off."""
    shell._nexa_inference_mode = mode = torch.inference_mode(is_on)
    mode.__enter__()


def read_deterministic(torch: Any, shell: Any) -> tuple[bool, bool]:
    """Read whether torch wants deterministic algorithms, and only warns."""
    is_on = torch.are_deterministic_algorithms_enabled()
    return is_on, torch.is_deterministic_algorithms_warn_only_enabled()


def read_autocast(torch: Any, shell: Any) -> bool:
    """Read whether torch computes with fewer bits on the processor."""
    return bool(torch.is_autocast_enabled("cpu"))


def read_texts(torch: Any, shell: Any) -> dict[str, Any]:
    """Read how torch writes tensors."""
    return dict(vars(sys.modules["torch._tensor_str"].PRINT_OPTS))


def write_texts(torch: Any, shell: Any, values: dict[str, Any]) -> None:
    """Set how torch writes tensors."""
    vars(sys.modules["torch._tensor_str"].PRINT_OPTS).update(values)


SETTINGS = [
    Setting("the environment's variables", "os", "environ", read_environment, write_environment,
            is_told=False),
    Setting("sys.path", "sys", "sys.path", lambda m, s: list(sys.path), write_path, is_told=False),
    Setting("the recursion limit", "sys", "setrecursionlimit",
            lambda m, s: sys.getrecursionlimit(), write_recursion, is_told=False),
    Setting("the working folder", "os", "chdir %cd", read_folder, write_folder),
    Setting("the locale", "locale", "setlocale", read_locale,
            lambda m, s, v: locale.setlocale(locale.LC_ALL, v)),
    Setting("the filters for warnings", "warnings", "filterwarnings simplefilter resetwarnings",
            lambda m, s: list(warnings.filters), write_warnings, is_told=False),
    Setting("the garbage collector", "gc", "gc.", lambda m, s: gc.isenabled(), write_collector),
    Setting("the level of all logs", "logging", "logging",
            lambda m, s: logging.root.manager.disable, lambda m, s, v: logging.disable(v)),
    Setting("the context of decimal", "decimal", "getcontext setcontext",
            lambda m, s: decimal.getcontext().copy(), lambda m, s, v: decimal.setcontext(v.copy()),
            is_told=False),
    Setting("the state of random", "random", "", lambda m, s: random.getstate(),
            lambda m, s, v: random.setstate(v), is_told=False, is_state=True),
    Setting("what IPython shows of a cell", "IPython", "ast_node_interactivity",
            lambda m, s: s.ast_node_interactivity,
            lambda m, s, v: setattr(s, "ast_node_interactivity", v), is_told=False),
    Setting("how IPython writes values", "IPython", "for_type %precision %pprint",
            read_formatter, write_formatter, is_told=False),
    Setting("numpy's answer to overflow", "numpy", "seterr",
            lambda m, s: m.geterr(), lambda m, s, v: m.seterr(**v)),
    Setting("numpy's way to print", "numpy", "set_printoptions",
            lambda m, s: m.get_printoptions(), lambda m, s, v: m.set_printoptions(**v),
            is_told=False),
    Setting("the state of numpy.random", "numpy", "", lambda m, s: m.random.get_state(),
            lambda m, s, v: m.random.set_state(v), is_told=False, is_state=True),
    Setting("matplotlib's parameters", "matplotlib", "rcParams rc( style. set_theme",
            read_style, write_style, is_told=False),
    Setting("matplotlib's backend", "matplotlib.pyplot", "%matplotlib switch_backend .use(",
            read_backend, write_backend),
    Setting("the options of pandas", "pandas", "set_option pd.options pandas.options",
            read_options, write_options, is_told=False),
    Setting("torch's inference mode", "torch", "inference_mode",
            lambda m, s: m.is_inference_mode_enabled(), write_inference),
    Setting("torch's gradients", "torch", "set_grad_enabled",
            lambda m, s: m.is_grad_enabled(), lambda m, s, v: m.set_grad_enabled(v)),
    Setting("torch's default device", "torch", "set_default_device", read_device,
            lambda m, s, v: m.set_default_device(v)),
    Setting("torch's default dtype", "torch", "set_default_dtype set_default_tensor_type",
            lambda m, s: m.get_default_dtype(), lambda m, s, v: m.set_default_dtype(v)),
    Setting("torch's autocast", "torch", "autocast", read_autocast,
            lambda m, s, v: m.set_autocast_enabled("cpu", v)),
    Setting("torch's search for anomalies", "torch", "set_detect_anomaly detect_anomaly",
            lambda m, s: m.is_anomaly_enabled(), lambda m, s, v: m.set_anomaly_enabled(v)),
    Setting("torch's deterministic algorithms", "torch", "use_deterministic_algorithms",
            read_deterministic,
            lambda m, s, v: m.use_deterministic_algorithms(v[0], warn_only=v[1])),
    Setting("torch's threads", "torch", "set_num_threads",
            lambda m, s: m.get_num_threads(), lambda m, s, v: m.set_num_threads(v), is_told=False),
    Setting("torch's precision of products", "torch", "set_float32_matmul_precision",
            lambda m, s: m.get_float32_matmul_precision(),
            lambda m, s, v: m.set_float32_matmul_precision(v)),
    Setting("torch's way to print", "torch", "set_printoptions", read_texts, write_texts,
            is_told=False),
    Setting("the state of torch's generator", "torch", "",
            lambda m, s: m._C.default_generator.get_state(),
            lambda m, s, v: m._C.default_generator.set_state(v), is_told=False, is_state=True),
]  # fmt: skip

# They wait for a graphics card or clear its books; a machine without one has nothing to do.
NOTHING_TO_DO = (
    "synchronize", "empty_cache", "ipc_collect", "set_device", "reset_peak_memory_stats",
    "reset_max_memory_allocated", "reset_accumulated_memory_stats", "init",
)  # fmt: skip


def nothing_to_do() -> Callable[..., None]:
    """Make what stands in for a call that waits for a graphics card, where there is none.

    Returns:
        A function of its own each time: torch's compiler tells functions apart by identity.
    """

    def do_nothing(*arguments: Any, **named: Any) -> None:
        pass

    return do_nothing


class GlobalSettings:
    """Remembers the switches of one kernel, and puts them back."""

    def __init__(self, shell: Any) -> None:
        """Remember the switches of what is imported already."""
        self.shell = shell
        self.known: dict[str, Any] = {}  # by the setting's name
        self.modules = {setting.module for setting in SETTINGS}
        for name in self.modules & sys.modules.keys():
            self.remember(name)

    def remember(self, module: str) -> None:
        """Remember the switches of a module that was imported just now."""
        self.read([one for one in SETTINGS if one.module == module and one.name not in self.known])
        if module == "torch":
            self.spare_graphics_calls()

    def read(self, settings: list[Setting]) -> None:
        """Take the present values as those that count."""
        for setting in settings:
            if setting.module in sys.modules:
                try:
                    module = sys.modules[setting.module]
                    self.known[setting.name] = setting.read(module, self.shell)
                except Exception:  # another version of the library: there is nothing to put back
                    self.known.pop(setting.name, None)

    def spare_graphics_calls(self) -> None:
        """Let calls that only wait for a graphics card do nothing where there is none."""
        torch = sys.modules["torch"]
        try:
            is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        except Exception:  # a torch that is only half there
            return
        for name in [name for name, is_available in is_there.items() if not is_available]:
            module = getattr(torch, name, None)
            for call in NOTHING_TO_DO:
                if hasattr(module, call):
                    setattr(module, call, nothing_to_do())

    def keep(self, names: list[str]) -> None:
        """Take the present values of some settings, and the states of random generators."""
        chosen = [one for one in SETTINGS if one.is_state or one.name in names]
        self.read(chosen)

    def put_back(self, only: str = "") -> list[str]:
        """Put back what differs.

        Args:
            only: The name of one setting; "" for all.

        Returns:
            What was put back and may have cost points otherwise, by name.
        """
        changed = []
        for setting in SETTINGS:
            module = sys.modules.get(setting.module)
            if module is None or setting.name not in self.known or only not in ("", setting.name):
                continue
            value = self.known[setting.name]
            try:
                if not setting.is_state and setting.read(module, self.shell) == value:
                    continue
                setting.write(module, self.shell, value)
            except Exception as error:
                kind = type(error).__name__
                changed.append(f"{setting.name} could not be put back ({kind})")
                continue
            if setting.is_told:
                changed.append(f"{setting.name} was left changed by an earlier cell: put back")
        return changed


def set_on_purpose(text: str) -> list[str]:
    """Name the settings that a text of the course sets."""
    return [one.name for one in SETTINGS if any(word in text for word in one.words.split())]
