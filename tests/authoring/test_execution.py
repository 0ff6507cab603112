"""The source notebook runs from its first cell to its last: embedded, hub and real rows.

The kernel is a process of its own, which papermill drives, as in a classroom; it is a fork of one
that has imported torch. Real text is never shown: only counts and the names of failed cells leave
these tests.
"""

import os

import nbformat
import pytest
from hub_standin import hub_repositories, standin_hub
from slow_imports import SLOW
from warm_kernels import forked_kernels

from authoring.assignment import NEXACODE
from authoring.execute import execute
from authoring.graded_cells import is_graded_by_machine
from nexa_helpers.developers import simulate_conversations

REFUSED = "http://127.0.0.1:9"  # the discard port: nothing listens there


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Execute the source notebook; returns the printed text of each cell, by the cell's id.

    With ``last``, the cells after that one are left out, and so are the checks: what they run on
    does not depend on where the rows came from.
    """
    for name in [name for name in os.environ if name.startswith(("HF_", "NEXA_"))]:
        if name != "NEXA_TEST_HH":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))

    def execute_with(endpoint=REFUSED, last="", **parameters):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        source = nbformat.read(NEXACODE.source_notebook, as_version=4)
        if last:
            ids = [cell.id for cell in source.cells]
            cells = source.cells[: ids.index(last) + 1]
            source.cells = [cell for cell in cells if not is_graded_by_machine(cell)]
        nbformat.write(source, tmp_path / "source.ipynb")
        with forked_kernels(*SLOW):
            target = tmp_path / "run" / "out.ipynb"
            notebook = execute(tmp_path / "source.ipynb", target, parameters)
        return {
            cell.id: "".join(output.get("text", "") for output in cell.get("outputs", []))
            for cell in notebook.cells
        }

    return execute_with


def test_the_fast_profile_runs_on_embedded_conversations(run):
    printed = run(PROFILE="fast", DATA_SOURCE="embedded")
    assert "train: 300 conversations, source: embedded" in printed["run-load"]
    assert "Parse errors: 0" in printed["run-triples"]
    assert "YES" in printed["run-latency"]


def test_the_notebook_takes_rows_and_gpt2s_vocabulary_from_the_hub(run, monkeypatch):
    rows = simulate_conversations(80, seed=1)
    repositories = hub_repositories({"helpful-base": (rows[:60], rows[60:])})
    monkeypatch.setenv("NEXA_HUB_TIMEOUT", "50")
    with standin_hub(repositories) as hub:
        printed = run(hub.url, "setup-live-world", PROFILE="grade", DATA_SOURCE="hub")
    assert "train: 60 conversations, source: hub" in printed["run-load"]
    assert "50257 tokens" in printed["run-tokenizer"]
    assert "Live world: " in printed["setup-live-world"]


def test_the_notebook_runs_on_the_real_file(run, monkeypatch):
    path = os.environ.get("NEXA_TEST_HH")
    if not path:
        pytest.skip("NEXA_TEST_HH does not name the real HH-RLHF file (.jsonl.gz)")
    monkeypatch.setenv("NEXA_DATA", path)
    printed = run(last="run-train", PROFILE="grade", DATA_SOURCE="local", NUM_CONVERSATIONS=5000)
    assert "Parsed 2312 conversations\nExtracted 3444 triples" in printed["run-triples"]
    assert "Parse errors: 0" in printed["run-triples"]
