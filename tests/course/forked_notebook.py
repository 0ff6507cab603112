"""Execute a notebook in this process, and in forks that go another way from some cell on."""

import contextlib
import io
import multiprocessing
import os
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from nbformat import NotebookNode

from authoring.answer_bank import run

SECONDS = 300.0  # a fork that has not ended by then is killed


class ForkedNotebook:
    """The cells of a notebook, run one after another in one namespace."""

    def __init__(self, cells: Sequence[NotebookNode], parameters: dict[str, Any]):
        import torch
        import torch._dynamo

        torch.set_num_threads(1)  # a forked process cannot use the parent's threads
        self.cells = [cell for cell in cells if cell.cell_type == "code"]
        self.parameters = parameters
        self.namespace: dict[str, Any] = {"__name__": "__main__", "display": print, "In": [""]}

    def run_cell(self, cell: NotebookNode) -> str:
        """Run a cell; tell its error, "" for none."""
        self.namespace["In"].append(cell.source)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                with contextlib.redirect_stderr(io.StringIO()):
                    run(cell.source, self.namespace, cell.id)
        except Exception as error:
            return "".join(traceback.format_exception_only(error)).strip()
        finally:
            plt.close("all")
        if "parameters" in cell.metadata.get("tags", ()):
            self.namespace.update(self.parameters)
        return ""

    def run_cells(self, cells: Sequence[NotebookNode]) -> dict[str, str]:
        """Run cells, failed ones left behind; tell the errors by the cells' ids."""
        return {cell.id: said for cell in cells if (said := self.run_cell(cell))}

    def fork(self, work: Callable[[], dict[str, str]]) -> Callable[[], dict[str, str]]:
        """Start some work in a fork of this process; returns a function that waits for it."""
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=lambda: sender.send(work()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of forks; the child uses no thread
            process.start()
        sender.close()

        def wait() -> dict[str, str]:
            try:
                assert receiver.poll(SECONDS), f"no result in {SECONDS:g} s"
                return dict(receiver.recv())
            finally:
                process.kill()
                process.join()

        return wait


@contextlib.contextmanager
def working_in(folder: Path):
    """Work in a folder, and leave the environment as it was."""
    before, variables = Path.cwd(), os.environ.copy()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(variables)
