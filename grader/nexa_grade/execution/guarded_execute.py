"""Executing a notebook with a guard in its kernel (`guard`), which looks before each test.

A test runs without history, and what it leaves behind (names, its text, its result) is taken away
again, so that a later cell of the submission finds nothing of it; later tests get the names back.
What was found is judged here: what no honest notebook does holds the submission for a person
(`forgery`); the rest is mended and told. The submission's folder is not on Python's path, with a
sandbox and without.
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

from nexa_grade.cell_names import given_names, needed_names, only_defines, variables_of
from nexa_grade.cells import id_of, is_test
from nexa_grade.execution.bounded_execute import BoundedExecute
from nexa_grade.execution.left_out_cells import NOTE, left_out, read_experiments
from nexa_grade.forgery import kernel_guard as guard
from nexa_grade.forgery.watch import Sign, WatchForForgery, shared_variables
from nexa_grade.kernel_language import PYTHON, kernel_language
from nexa_grade.repair.release import release_path

GUARD = Path(guard.__file__)
SILENT = "the guard in the kernel did not answer"
# It leaves no name in the notebook, and the guard gets built-in functions of its own.
START = """(lambda space: exec(compile({source!r}, "<guard>", "exec"), space)
or space["Guard"](get_ipython()))(
{{"__name__": "guard", "__builtins__": dict(vars(__import__("builtins")))}})"""


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


def own_variables(test: str) -> frozenset[str]:
    """Name what a test assigns; what it reads first is the student's, and it puts that back."""
    return variables_of(test) - (needed_names(test) or frozenset())


class GuardedExecute(BoundedExecute):
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
        """Execute a notebook.

        Raises:
            HeldForReview: The guard found what no honest notebook does.
        """
        self.watch = WatchForForgery(parent=self.parent, config=self.config)
        self.signs: list[Sign] = []
        self.shared = shared_variables(nb)
        self.is_python = kernel_language(nb) == PYTHON
        self.has_guard = False
        self.is_checked = False  # and nothing has run since that could have changed anything
        self.skip_cells_with_tag = ""  # no tag keeps a test from running
        self.submission = resources.get("nbgrader", {})
        self.left_out = set() if self.run_experiments else self.find_experiments(nb)
        folder = Path(resources.get("metadata", {}).get("path") or ".")
        if (folder / "timestamp.txt").is_file():
            claimed = (folder / "timestamp.txt").read_bytes()[:40]
            self.log.info("The time of submission is what its timestamp.txt says: %a", claimed)
        for name in shadowing_files(folder):
            self.tell(nb, Sign("", f"the file {name!a} has a library's name", is_held=False))
        return super().preprocess(nb, resources, km)

    def find_experiments(self, nb: NotebookNode) -> set[int]:
        """Choose the cells that need not run."""
        if (
            not self.is_python or not {"assignment", "notebook"} <= self.submission.keys()
        ):  # no command of nbgrader's
            return set()
        path = release_path(self, self.submission["assignment"], self.submission["notebook"])
        return left_out(nb, read_experiments(path))

    def tell(self, nb: NotebookNode, *signs: Sign) -> None:
        """Report signs that were not reported yet, and hold the submission where they say so."""
        new = [sign for sign in signs if sign not in self.signs]
        self.signs += new
        self.watch.judge(nb, new, self.submission)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Execute a cell, with a look before each locked one and after the last."""
        if not self.is_python:
            self.execute_cell(cell, index, store_history=True)
            return cell, resources
        if not self.has_guard:
            self.start_guard()
        name = id_of(cell) or cell.get("id", "")
        given = cell.cell_type == "code" and is_locked(cell) and not is_test(cell)
        was_checked = self.is_checked
        self.is_checked &= cell.cell_type != "code" or index in self.left_out
        if index in self.left_out:
            cell.outputs = [new_output("stream", text=NOTE)]
        elif is_test(cell):
            self.ask("before_test", name, sorted(self.shared & own_variables(cell.source)))
            self.send("recall", sorted(needed_names(cell.source) or ()), quiet=True)
            self.execute_cell(cell, index, store_history=False)
            self.send("after_test", quiet=True)
        elif given:
            if not was_checked:
                self.ask("check", name)
            self.execute_cell(cell, index, store_history=True)
            self.is_checked = only_defines(cell.source)
            self.send("remember_given", given_names(cell.source), quiet=True)
        else:
            self.execute_cell(cell, index, store_history=True)
        if index == len(self.nb.cells) - 1:
            self.ask("check", name)
        return cell, resources

    def start_guard(self) -> None:
        """Send the guard to the kernel, which has executed nothing yet."""
        self.has_guard = True
        source = GUARD.read_text()
        request = self.kc.execute(START.format(source=source), silent=True, store_history=False)
        reply = self.wait_for_reply(request)
        if reply is None or reply["content"]["status"] != "ok":
            raise DeadKernelError("the guard did not start in the kernel")
        self.ask("start", "")

    def ask(self, what: str, cell: str, names: list[str] | None = None) -> None:
        """Send the guard a message, and tell what it answers."""
        reply = self.wait_for_reply(self.send(what, names))
        found = reply["content"].get("found") if reply else None
        self.tell(self.nb, *read_findings(cell, found))

    def send(self, what: str, names: list[str] | None = None, quiet: bool = False) -> str:
        """Send the guard a message.

        Args:
            what: A method of the guard.
            names: Its argument.
            quiet: Want no answer. A kernel does one thing after another, so nothing overtakes it,
                and what the guard finds comes with its next answer.

        Returns:
            The message's id.
        """
        content = {"do": what, "names": names or [], "quiet": quiet}
        message = self.kc.session.msg("guard_request", content)
        self.kc.shell_channel.send(message)
        return str(message["header"]["msg_id"])


def read_findings(cell: str, found: Any) -> list[Sign]:
    """Read the guard's answer; it comes from a process that runs a student's code."""
    if not isinstance(found, list):
        return [Sign(cell, SILENT)]
    signs = []
    for finding in found:
        if not (isinstance(finding, list) and len(finding) == 2 and isinstance(finding[1], bool)):
            return [Sign(cell, SILENT)]
        signs.append(Sign(cell, ascii(str(finding[0]))[1:-1], finding[1]))
    return signs
