"""Runs in the sandbox: a notebook's definitions, then the calls of the probes on given inputs.

``python runner.py REQUEST`` reads a JSON file and writes one line of JSON per probe to stdout.
The file stands alone: the grader's package is out of sight here. Nothing in this process can be
trusted once a student's line has run, so it has no expected value, and nobody believes its
comparisons: it makes none.
"""

import ast
import contextlib
import json
import os
import re
import select
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

Namespace = dict[str, Any]
SECONDS_A_CELL = 5.0
MOST_BYTES = 2**20  # of one probe's results
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
RUNS_HERE = re.compile(r"\s*%%(?:time|capture|timeit|prun)\b.*\n")  # the rest of the cell is Python
CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*$")


def as_python(source: str) -> str:
    """Take magics out of the text of a cell."""
    with contextlib.suppress(SyntaxError, ValueError):  # most cells have none, and IPython is slow
        ast.parse(source)
        if "get_ipython" not in source:
            return source
    from IPython.core.inputtransformer2 import TransformerManager

    source = RUNS_HERE.sub("", source, count=1) if RUNS_HERE.match(source) else source
    text = TransformerManager().transform_cell(source)
    return re.sub(r"^([ \t]*)get_ipython\(\)\..*$", r"\1pass", text, flags=re.MULTILINE)


def is_definition(node: ast.stmt) -> bool:
    """Tell a function, a class, an import, or an assignment of a constant."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [part for target in targets for part in ast.walk(target)]
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        is_constant = all(CONSTANT.match(name) for name in names)
        return is_constant or not any(isinstance(part, ast.Call) for part in ast.walk(node.value))
    return isinstance(node, DEFINITIONS)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in a block that takes too long; code that catches it is ended later."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_cell(source: str, is_whole: bool, namespace: Namespace) -> None:
    """Run a cell statement by statement; a statement that fails costs itself alone.

    Args:
        source: The cell's text.
        is_whole: Run all of it, not its definitions alone.
        namespace: Where it runs.
    """
    try:
        nodes = ast.parse(as_python(source)).body
    except Exception:  # of many kinds: the text of a student
        return
    for node in nodes:
        if is_whole or is_definition(node):
            with contextlib.suppress(BaseException), time_limit(SECONDS_A_CELL):
                module = ast.Module([node], type_ignores=[])
                exec(compile(module, "<cell>", "exec"), namespace)


def run_cells(cells: list[dict[str, Any]], namespace: Namespace) -> None:
    """Run the definitions of a notebook; what it gives is put back in the end.

    Args:
        cells: Each with ``text``, ``is_given`` and ``is_whole``.
        namespace: Where they run.
    """
    given: Namespace = {}
    for cell in cells:
        before = dict(namespace)
        run_cell(cell["text"], cell["is_whole"], namespace)
        if cell["is_given"]:
            new = {name: value for name, value in namespace.items() if name != "__builtins__"}
            given |= {
                name: value
                for name, value in new.items()
                if name not in before or before[name] is not value
            }
    put_back(given, namespace)


def put_back(given: Namespace, namespace: Namespace) -> None:
    """Put back what a notebook gives, but for a part of a module: ``from time import time``."""
    for name, value in given.items():
        mine = namespace.get(name)
        if not isinstance(value, ModuleType) or getattr(value, name, None) is not mine:
            namespace[name] = value


def plain(value: Any) -> Any:
    """Turn a result into what JSON can say.

    Raises:
        TypeError: It cannot be said in JSON.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):  # tensors, arrays and their numbers
        return plain((value.detach() if hasattr(value, "detach") else value).tolist())
    raise TypeError(f"expected plain data, got {type(value).__name__}")


def run_probe(call: Any, namespace: Namespace, inputs: list[Any]) -> list[dict[str, Any]]:
    """Call a function on each input; stop at the first error."""
    results: list[dict[str, Any]] = []
    warnings.resetwarnings()  # an answer may have made errors of them
    warnings.simplefilter("ignore")
    for given in inputs:
        try:
            results.append({"got": plain(call(namespace, given))})
        except BaseException as error:
            results.append({"error": f"{type(error).__name__}: {str(error)[:200]}"})
            break
    return results


def lines_of_a_fork(work: Any, seconds: float, deadline: float) -> Iterator[str]:
    """Do something in a process of its own, and end that where it is silent for too long.

    Args:
        work: A function that yields texts of one line.
        seconds: How long one line may take.
        deadline: When all has to end, by the monotonic clock.

    Yields:
        The lines, as long as there are some.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with contextlib.suppress(BaseException), os.fdopen(writer, "wb") as file:
            for line in work():
                file.write(f"{line}\n".encode())
                file.flush()
        os._exit(0)
    os.close(writer)
    data = b""
    try:
        while len(data) <= MOST_BYTES:
            left = min(seconds, deadline - time.monotonic())
            is_ready = left > 0 and select.select([reader], [], [], left)[0]
            part = os.read(reader, 2**16) if is_ready else b""
            if not part:
                return
            *lines, data = (data + part).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def definitions_of(table: str) -> Namespace:
    """Run what the table sends here: the functions that call the student's."""
    space: Namespace = {"__name__": "probes"}
    exec(compile(table, "<probes>", "exec"), space)
    return space


def do_nothing(*arguments: Any, **named: Any) -> None:
    """Stand in for a call that has nothing to do here."""


def spare_graphics_calls(calls: Iterable[str]) -> None:
    """Let calls that only wait for a graphics card do nothing where there is none, as in a kernel.

    Args:
        calls: Their names in ``torch.cuda`` and ``torch.mps``.
    """
    torch: Any = sys.modules.get("torch")
    with contextlib.suppress(Exception):  # no torch, or one that is only half there
        is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        for name in [name for name, is_available in is_there.items() if not is_available]:
            for call in calls:
                setattr(getattr(torch, name), call, do_nothing)


def make_namespace(
    cells: list[dict[str, Any]], table: Namespace, nothing_to_do: Iterable[str] = ()
) -> Namespace:
    """Run the definitions of a notebook, and what the table prepares after them.

    Args:
        cells: See `run_cells`.
        table: What `definitions_of` returns.
        nothing_to_do: See `spare_graphics_calls`.
    """
    # A notebook has these two without an import.
    namespace: Namespace = {
        "__name__": "__main__", "display": do_nothing, "get_ipython": do_nothing,
    }  # fmt: skip
    run_cells(cells, namespace)
    spare_graphics_calls(nothing_to_do)
    if "prepare" in table:
        table["prepare"](namespace)
    return namespace


def run_probes(
    request: dict[str, Any], table: Namespace, namespace: Namespace
) -> Iterator[tuple[str, str]]:
    """Run probes one after another; one that crashes or hangs costs itself alone.

    All share one forked process as long as it lives: a fork of what torch has loaded costs more
    than most calls.

    Yields:
        The name of a probe and its results, JSON; "" where it gave none.
    """
    deadline = time.monotonic() + request["seconds_in_all"]
    left = list(request["probes"])
    while left:

        def work(probes: tuple[dict[str, Any], ...] = tuple(left)) -> Iterator[str]:
            for probe in probes:
                yield json.dumps(run_probe(table[probe["call"]], namespace, probe["inputs"]))

        for results in lines_of_a_fork(work, request["seconds"], deadline):
            if left:
                yield left.pop(0)["name"], results
        if left:
            yield left.pop(0)["name"], ""


def main(path: str) -> None:
    """Answer a request file on stdout; what a student's code prints goes nowhere.

    A request has ``cells``, ``nothing_to_do`` (see `make_namespace`), ``table`` (text),
    ``probes`` (each with ``name``, ``call`` and ``inputs``), ``seconds`` of one probe and
    ``seconds_in_all`` of all of them. An answer is one line of JSON per probe: ``probe`` and
    ``results``.
    """
    request = json.loads(Path(path).read_text())
    output = os.dup(1)
    silence()
    table = definitions_of(request["table"])
    namespace = make_namespace(request["cells"], table, request["nothing_to_do"])
    for name, results in run_probes(request, table, namespace):
        line = json.dumps({"probe": name, "results": results})
        os.write(output, f"{line}\n".encode())


def silence() -> None:
    """Let all that this process prints go nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


if __name__ == "__main__":
    main(sys.argv[1])
