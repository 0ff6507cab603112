"""Executing the course notebook, with progress for people and seconds per section for planning.

Papermill does the work. What is added: the section and cell being executed, on one line every few
seconds, and two readers of the executed notebook, ``section_times`` and ``solved_copy``. It leaves
out grading, which is nbgrader's.
"""

import copy
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

SECONDS_BETWEEN_SAVES = 5.0  # writing two megabytes twice a cell would cost twenty seconds
HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
BEFORE_FIRST_HEADING = "Before the first section"
OUTPUT_CLEANERS = [
    (re.compile(r"\[\d[\d:]*<[^\]]*\]"), ""),  # tqdm's clock
    (re.compile(r"\b0x[0-9a-f]{6,}\b"), "0x0"),  # addresses of objects
    (re.compile(r"[^\s\"'<>]*/ipykernel_\d+/\d+\.py"), "notebook cell"),
    (re.compile(re.escape(sys.prefix)), "(environment)"),
    (re.compile(re.escape(str(Path(__file__).resolve().parent.parent))), "(course)"),
    (re.compile(re.escape(str(Path.home())) + r"(?=/)"), "~"),
]


class Heartbeat:
    """Prints a status line when it changes, and every few seconds while it does not."""

    def __init__(self, describe: Callable[[], str], seconds: float = 5.0):
        """Take the function that says what is going on and the longest silence allowed."""
        self.describe = describe
        self.seconds = seconds
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def beat(self) -> None:
        """Print until told to stop."""
        started = time.monotonic()
        while not self.done.is_set():
            elapsed = time.monotonic() - started
            print(f"  {elapsed:4.0f} s  {self.describe()}", flush=True)
            self.done.wait(self.seconds)

    def __enter__(self) -> Self:
        """Start printing."""
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop printing."""
        self.done.set()
        self.thread.join()


class SpeakingEngine(NBClientEngine):  # type: ignore[misc]
    """Papermill's own engine that also says where it is, and writes the notebook less often."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, **kwargs: Any
    ) -> None:
        """Execute the notebook while a heartbeat tells where it is."""
        cells = nb_man.nb.cells
        sections = section_of_each_cell(nb_man.nb)
        position, start_cell = 0, nb_man.cell_start
        saved, save = time.monotonic(), nb_man.save

        def cell_start(cell: NotebookNode, cell_index: int | None = None, **rest: Any) -> None:
            nonlocal position
            position = cell_index or 0
            start_cell(cell, cell_index, **rest)

        def save_now_and_then(**rest: Any) -> None:
            nonlocal saved
            if time.monotonic() - saved >= SECONDS_BETWEEN_SAVES:
                save(**rest)
                saved = time.monotonic()

        def describe() -> str:
            return f"{position} of {len(cells)} cells done, now in: {sections[position]}"

        nb_man.cell_start, nb_man.save = cell_start, save_now_and_then
        try:
            with Heartbeat(describe):
                super().execute_managed_notebook(nb_man, kernel_name, **kwargs)
        finally:
            nb_man.save = save  # papermill saves once more, when all is done
        print(f"  {position + 1} of {len(cells)} cells run", flush=True)


papermill_engines.register("speaking", SpeakingEngine)


def execute(
    source: Path,
    output: Path,
    parameters: dict[str, Any] | None = None,
    kernel_name: str = "python3",
    allow_errors: bool = False,
) -> NotebookNode:
    """Execute a notebook in the folder of its output and say how far it is.

    Args:
        source: The notebook to execute; it is not changed.
        output: Where the executed notebook is written, every few seconds and at the end.
        parameters: Values for the notebook's ``parameters`` cell.
        kernel_name: The Jupyter kernel; ``python3`` is the environment that runs this function.
        allow_errors: Go on after a cell that fails.

    Returns:
        The executed notebook.

    Raises:
        papermill.PapermillExecutionError: A cell failed and ``allow_errors`` is false.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            source,
            output,
            parameters=parameters or {},
            engine_name="speaking",
            kernel_name=kernel_name,
            allow_errors=allow_errors,
            cwd=output.parent,
            progress_bar=False,
            autosave_cell_every=0,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns about its own sockets
        )
    except papermill.PapermillExecutionError:
        if not allow_errors:
            raise
    return nbformat.read(output, as_version=4)


def section_of_each_cell(notebook: NotebookNode) -> list[str]:
    """Name, for each cell, the level-2 heading that it stands under."""
    names, current = [], BEFORE_FIRST_HEADING
    for cell in notebook.cells:
        headings = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        current = headings[-1] if headings else current
        names.append(current)
    return names


def section_times(notebook: NotebookNode) -> dict[str, float]:
    """Sum the seconds that papermill measured, by level-2 heading.

    Args:
        notebook: A notebook that papermill has executed.

    Returns:
        Seconds by heading, in the notebook's order; headings without a code cell are left out.
    """
    times: dict[str, float] = {}
    for cell, section in zip(notebook.cells, section_of_each_cell(notebook), strict=True):
        seconds = cell.metadata.get("papermill", {}).get("duration")
        if cell.cell_type == "code" and seconds is not None:
            times[section] = times.get(section, 0.0) + seconds
    return times


def print_section_times(notebook: NotebookNode) -> None:
    """Print seconds per section and their sum."""
    times = section_times(notebook)
    for section, seconds in times.items():
        print(f"  {seconds:7.1f} s  {section}")
    print(f"  {sum(times.values()):7.1f} s  all sections")


def solved_copy(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """Put the outputs of an executed notebook into a copy of its source.

    Cells that papermill added are left behind, and with them its metadata, times and this
    machine's paths; so that executing again changes only what really came out differently.

    Args:
        source: The authored notebook, without outputs.
        executed: The same notebook after execution; cells are matched by id.

    Returns:
        A new notebook.
    """
    solved = copy.deepcopy(source)
    outputs = {cell.id: cell.outputs for cell in executed.cells if cell.cell_type == "code"}
    code_cells = [cell for cell in solved.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
        cell.outputs = [clean_output(output, count) for output in merge_streams(outputs[cell.id])]
    return solved


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join what a cell wrote to one stream, in pieces, into one output at its first place.

    A progress bar writes hundreds of pieces, each beginning with a carriage return.
    """
    merged: list[NotebookNode] = []
    streams: dict[str, NotebookNode] = {}
    for output in copy.deepcopy(outputs):
        if output.output_type == "stream" and output.name in streams:
            streams[output.name].text += output.text
            continue
        if output.output_type == "stream":
            streams[output.name] = output
        merged.append(output)
    return merged


def clean_output(output: NotebookNode, count: int) -> NotebookNode:
    """Take clocks, addresses and folders out of one output."""
    output = copy.deepcopy(output)
    if "text" in output:
        output.text = clean_text(output.text)
    if "execution_count" in output:
        output.execution_count = count
    data = output.get("data", {})
    for kind in [kind for kind in data if "jupyter.widget" in kind]:
        del data[kind]
    for kind in [kind for kind in data if kind.startswith("text/")]:
        data[kind] = clean_text(data[kind])
    return output


def clean_text(text: str) -> str:
    """Keep what a terminal would show, without clocks, addresses and folders."""
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    text = "\n".join(lines)
    for pattern, replacement in OUTPUT_CLEANERS:
        text = pattern.sub(replacement, text)
    return text


if __name__ == "__main__":
    print_section_times(nbformat.read(sys.argv[1], as_version=4))
