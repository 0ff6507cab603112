"""Executing a notebook with a guard in its kernel (`kernel_guard`), which prepares each test.

A test runs without history, and what it leaves behind (names, its text, its result) is taken away
again, so that a later cell of the submission finds nothing of it; later tests get the names back.
What was mended before a test is told, and costs nobody a point. The submission's folder is not on
Python's path, with a sandbox and without.
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_locked
from traitlets import Bool

from nexa_grade.cell_names import (
    as_python,
    bound_names,
    definitions,
    given_names,
    needed_names,
    parse,
    variables_of,
)
from nexa_grade.cells import id_of, is_test
from nexa_grade.execution import kernel_settings
from nexa_grade.execution.grading_machine import (
    MOST_ROUNDS,
    Lost,
    add_cause,
    error_in,
    explain,
    rest_after,
)
from nexa_grade.execution.left_out_cells import NOTE, left_out, read_experiments, read_texts
from nexa_grade.execution.resumed_execute import ResumedExecute
from nexa_grade.forgery import kernel_guard
from nexa_grade.forgery.watch import Sign, WatchForForgery, shared_variables
from nexa_grade.kernel_language import PYTHON, kernel_language
from nexa_grade.repair.release import plain_text, release_path

GUARD, SETTINGS = Path(kernel_guard.__file__), Path(kernel_settings.__file__)
DEVICE = "torch's default device"  # put back before each cell: one that is not here stops all
# It leaves no name in the notebook, and the guard gets built-in functions of its own.
START = """(lambda space, other: exec(compile({source!r}, "<guard>", "exec"), space)
or exec(compile({settings!r}, "<guard>", "exec"), other)
or space["Guard"](get_ipython(), other["GlobalSettings"](get_ipython())))(
*({{"__name__": name, "__builtins__": dict(vars(__import__("builtins")))}}
for name in ("guard", "settings")))"""


def shadowing_files(folder: Path) -> list[str]:
    """List modules beside a notebook that have the name of a library."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        name = path.stem if path.suffix in (".py", ".so", ".pyc") else path.name
        if name.isidentifier() and (path.is_dir() or path.suffix):
            try:
                spec = importlib.util.find_spec(name)
            except (ImportError, ValueError):
                continue
            if spec is not None and spec.origin != str(path):
                found.append(path.name)
    return found


def name_of(cell: NotebookNode) -> str:
    """Name a cell by its grade id, else by its cell id."""
    return id_of(cell) or str(cell.get("id", ""))


def own_variables(test: str) -> frozenset[str]:
    """Name what a test assigns; what it reads first is the student's, and it puts that back."""
    return variables_of(test) - (needed_names(test) or frozenset())


class GuardedExecute(ResumedExecute):
    """nbgrader's Execute, bounded, with the guard, and without experiments."""

    run_experiments = Bool(
        False, help="Run the course's own experiments, too, which no point depends on"
    ).tag(config=True)

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start a kernel for which modules beside the notebook shadow nothing."""
        kwargs["env"] = {**(kwargs.get("env") or os.environ), "PYTHONSAFEPATH": "1"}
        super().start_new_kernel(**kwargs)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any], km: KernelManager | None = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute a notebook."""
        self.watch = WatchForForgery(parent=self.parent, config=self.config)
        self.signs: list[Sign] = []
        self.shared = shared_variables(nb)
        self.is_python = kernel_language(nb) == PYTHON
        self.has_guard = False
        self.lost = Lost()
        self.setters: dict[str, list[str]] = {}  # settings by the course's function that sets them
        self.skip_cells_with_tag = ""  # no tag keeps a test from running
        self.submission = resources.get("nbgrader", {})
        self.left_out: set[int] = set()
        self.of_course: frozenset[str] = frozenset()
        self.read_release(nb)
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        if (folder / "timestamp.txt").is_file():
            time = (folder / "timestamp.txt").read_bytes()[:40]
            self.log.info("The time of submission is what its timestamp.txt says: %a", time)
        for name in shadowing_files(folder):
            self.tell(nb, Sign("", f"the file {name!a} has a library's name"))
        return super().preprocess(nb, resources, km)

    def read_release(self, nb: NotebookNode) -> None:
        """Find the cells that need not run, and what the course's ungraded cells say."""
        is_known = {"assignment", "notebook"} <= self.submission.keys()
        if not self.is_python or not is_known:  # no command of nbgrader's
            return
        path = release_path(self, self.submission["assignment"], self.submission["notebook"])
        self.of_course = read_texts(path)
        if not self.run_experiments:
            self.left_out = left_out(nb, read_experiments(path))

    def tell(self, nb: NotebookNode, *signs: Sign) -> None:
        """Report what was not reported yet."""
        new = [sign for sign in signs if sign not in self.signs]
        self.signs += new
        self.watch.judge(nb, new, self.submission)

    def run_cell(self, cell: NotebookNode, index: int) -> None:
        """Execute a cell as what it is: a test, a cell of the course, or the student's own."""
        if not self.is_python:
            self.execute_cell(cell, index, store_history=True)
            return
        if not self.has_guard:
            self.start_guard()
        if index in self.left_out:
            cell.outputs = [new_output("stream", text=NOTE)]
        elif is_test(cell):
            self.run_test(cell, index)
        elif cell.cell_type == "code" and is_locked(cell):
            self.run_given(cell, index)
            self.send("remember_given", given_names(cell.source))
        elif cell.cell_type == "code" and plain_text(cell.source) in self.of_course:
            self.run_given(cell, index)
        else:
            self.run_own(cell, index)

    def run_test(self, cell: NotebookNode, index: int) -> None:
        """Execute a test, and leave nothing of it behind."""
        shared = sorted(self.shared & own_variables(cell.source))
        asked = self.send("before_test", shared, quiet=False)
        self.send("recall", sorted(needed_names(cell.source) or ()))
        self.tell_mended(name_of(cell), self.wait_for_reply(asked))
        self.execute_cell(cell, index, store_history=False)
        self.send("after_test", sorted(bound_names(cell.source)))
        error = error_in(cell)
        if error is not None and (cause := explain(error, self.lost)):
            add_cause(error, cause)
            self.tell_cause(name_of(cell), cause)

    def run_given(self, cell: NotebookNode, index: int) -> None:
        """Execute a cell of the course; a switch that it sets on purpose stays as it sets it."""
        self.send("put_back")
        self.execute_cell(cell, index, store_history=True)
        self.send("keep", self.set_on_purpose(cell.source))

    def set_on_purpose(self, source: str) -> list[str]:
        """Name the settings that a cell of the course sets, or its functions that it calls."""
        for name, text in definitions(as_python(source)).items() if parse(source) else ():
            self.setters[name] = kernel_settings.set_on_purpose(text)
        found = kernel_settings.set_on_purpose(source)
        called = [names for name, names in self.setters.items() if f"{name}(" in source]
        return sorted({*found, *(name for names in called for name in names)})

    def run_own(self, cell: NotebookNode, index: int) -> None:
        """Execute a student's cell, and its other lines where one needs what is not here."""
        self.send("put_back", [DEVICE])
        self.execute_cell(cell, index, store_history=True)
        outputs, source, before = cell.get("outputs", []), cell.source, len(self.lost.said)
        text = source
        for _ in range(MOST_ROUNDS):
            error = error_in(cell)
            rest = None if error is None else rest_after(text, error, self.lost)
            if rest is None:
                break
            outputs, text = [one for one in outputs if one is not error], rest
            cell.outputs = []
            if not rest.strip():
                break
            cell.source = rest
            self.execute_cell(cell, index, store_history=True)
            outputs = [*outputs, *cell.outputs]
        cell.source = source
        causes = self.lost.said[before:]
        for cause in causes:
            self.tell_cause(name_of(cell), cause)
        if cell.cell_type == "code":
            said = [
                new_output("stream", text=f"{one}; the other lines were run.\n") for one in causes
            ]
            cell.outputs = [*said, *outputs]

    def tell_cause(self, cell: str, cause: str) -> None:
        """Tell the instructor what this machine has not, or what a cell did."""
        self.tell(self.nb, Sign(cell, cause))

    def tell_mended(self, cell: str, reply: dict[str, Any] | None) -> None:
        """Tell what the guard says; its answer comes from a process that runs a student's code."""
        found = reply["content"].get("found") if reply else None
        for what in found if isinstance(found, list) else ():
            self.tell_cause(cell, ascii(str(what))[1:-1][:200])

    def replace_kernel(self) -> None:
        """End the kernel, and start another one, with a guard of its own."""
        super().replace_kernel()
        self.has_guard = False

    def tell_break(self, cell: str, cause: str) -> None:
        """Tell the instructor what a cell did."""
        self.tell_cause(cell, f"{cause}; the cell has no points, the others go on")

    def start_guard(self) -> None:
        """Send the guard to the kernel, which has executed nothing yet."""
        self.has_guard = True
        code = START.format(source=GUARD.read_text(), settings=SETTINGS.read_text())
        request = self.kc.execute(code, silent=True, store_history=False)
        reply = self.wait_for_reply(request)
        if reply is None or reply["content"]["status"] != "ok":
            raise DeadKernelError("the guard did not start in the kernel")
        self.send("start")

    def send(self, what: str, names: list[str] | None = None, quiet: bool = True) -> str:
        """Send the guard a message.

        Args:
            what: A method of the guard.
            names: Its argument.
            quiet: Want no answer. A kernel does one thing after another, so nothing overtakes it,
                and what the guard mends comes with its next answer.

        Returns:
            The message's id.
        """
        content = {"do": what, "names": names or [], "quiet": quiet}
        message = self.kc.session.msg("guard_request", content)
        self.kc.shell_channel.send(message)
        return str(message["header"]["msg_id"])
