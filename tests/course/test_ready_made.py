"""Ready-made results: found, checked, loaded, and enough for every later section."""

import copy
import functools
import hashlib
import http.server
import json
import lzma
import threading
from pathlib import Path

import nbformat
import pytest
import torch
from forked_notebook import ForkedNotebook, working_in
from safetensors.torch import load_file, save_file
from slow_imports import SLOW
from torch import nn
from warm_kernels import forked_kernels

from authoring.answer_bank import read_source
from authoring.assignment import NEXACODE
from authoring.execute import execute
from authoring.graded_cells import function_todos, is_graded_by_machine, todo_of
from authoring.nexacode_results import sentiment_table
from authoring.write_ready_made import half
from nexa_helpers.conversations import (
    extract_training_triples,
    parse_conversation,
    triples_from_rows,
)
from nexa_helpers.developers import simulate_conversations
from nexa_helpers.feedback import analyze_feedback_signals
from nexa_helpers.given import ready_made
from nexa_helpers.given.check_tools import check_tokenizer, tiny_policy
from nexa_helpers.given.ready_made import (
    READY_MADE_FILES,
    LookUp,
    SentimentTable,
    find_ready_made,
    fingerprint,
    load_weights,
    single_vote,
)
from nexa_helpers.microscopes import (
    CLIP_CASES,
    CLIP_RANGES,
    NORMALIZERS,
    SHAPINGS,
    run_clipping,
    run_overlong,
    run_token_level,
)
from nexa_helpers.process_reward import ProcessRewardModel, encode_feedback, predict_rewards

READY_MADE = NEXACODE.ready_made
TODOS = function_todos(read_source(NEXACODE))
CONTENT = b'{"a": 1}'


@pytest.fixture
def known(monkeypatch):
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setitem(READY_MADE_FILES, "results.json", digest)
    monkeypatch.delenv("NEXA_READY_MADE_URL", raising=False)


@pytest.fixture
def server(tmp_path):
    """Serve the folder ``published`` on loopback."""
    folder = tmp_path / "published"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


# Finding files


def test_a_file_beside_the_notebook_is_found(known, tmp_path):
    (tmp_path / "results.json").write_bytes(CONTENT)
    assert find_ready_made("results.json", tmp_path) == tmp_path / "results.json"


def test_a_file_that_is_not_the_expected_one_is_refused(known, tmp_path):
    (tmp_path / "results.json").write_bytes(b"{}")
    with pytest.raises(ValueError, match=r"results\.json: expected SHA-256 .* got"):
        find_ready_made("results.json", tmp_path)


def test_without_file_and_address_the_error_says_what_to_do(known, tmp_path):
    with pytest.raises(FileNotFoundError, match="put your course's folder"):
        find_ready_made("results.json", tmp_path / "ready_made")


def test_a_file_is_downloaded_from_the_configured_address(
    known, tmp_path, server, monkeypatch, capsys
):
    folder, address = server
    (folder / "results.json").write_bytes(CONTENT)
    monkeypatch.setenv("NEXA_READY_MADE_URL", f"{address}/")
    path = find_ready_made("results.json", tmp_path / "new")
    assert path.read_bytes() == CONTENT
    assert "Downloading results.json" in capsys.readouterr().out


def test_a_download_with_a_wrong_hash_is_not_kept(known, tmp_path, server):
    folder, address = server
    (folder / "results.json").write_bytes(b"something else")
    with pytest.raises(ValueError, match="expected SHA-256"):
        find_ready_made("results.json", tmp_path / "new", address)
    assert not (tmp_path / "new" / "results.json").exists()


def test_an_address_without_the_file_is_an_error_with_its_name(known, tmp_path, server):
    with pytest.raises(FileNotFoundError, match=r"results\.json.*404"):
        find_ready_made("results.json", tmp_path / "new", server[1])


# Weights and stand-ins


def save_policy(model, path, part):
    save_file(half(model, part), path)


def test_weights_come_back_to_half_precision(tmp_path, monkeypatch):
    tokenizer = check_tokenizer()
    saved, loaded = tiny_policy(tokenizer, seed=1), tiny_policy(tokenizer, seed=2)
    save_policy(saved, tmp_path / "weights.safetensors", "Ada")
    monkeypatch.setattr(ready_made, "find_ready_made", lambda name: tmp_path / name)
    assert load_weights(loaded, "weights.safetensors", "Ada") is loaded
    for key, value in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value.half().float()), key
    assert loaded.head.weight is loaded.embedding.weight
    assert not loaded.training


def test_weights_of_another_model_are_refused(tmp_path, monkeypatch):
    tokenizer = check_tokenizer()
    save_policy(tiny_policy(tokenizer), tmp_path / "weights.safetensors", "Ada")
    monkeypatch.setattr(ready_made, "find_ready_made", lambda name: tmp_path / name)
    with pytest.raises(ValueError, match="expected the weights of Linear"):
        load_weights(nn.Linear(2, 2), "weights.safetensors", "Ada")
    with pytest.raises(ValueError, match="expected the weights of SimplePolicy"):
        load_weights(tiny_policy(tokenizer), "weights.safetensors", "Boris")


def test_a_table_gives_copies_and_names_what_it_does_not_know():
    function = LookUp("parse_conversation", {fingerprint("x"): [{"role": "user"}]})
    function("x").append("changed")
    assert function("x") == [{"role": "user"}]
    with pytest.raises(KeyError, match="parse_conversation: the ready-made results know only"):
        function("y")


def test_the_sentiments_of_the_table_are_those_of_the_function():
    table = SentimentTable(sentiment_table())
    rows = simulate_conversations(700, seed=5) + simulate_conversations(300, 5, "test")
    triples, _ = triples_from_rows(rows)
    assert table(triples)["sentiments"] == analyze_feedback_signals(triples)["sentiments"]


def test_a_single_vote_is_the_prediction_without_dropout():
    tokenizer = check_tokenizer()
    torch.manual_seed(0)
    prm = ProcessRewardModel(len(tokenizer), 16, 2).eval()
    triples, _ = triples_from_rows(simulate_conversations(20))
    batch = encode_feedback(triples, tokenizer)
    rewards, votes = single_vote(prm, **batch, num_votes=3)
    assert rewards.tolist() == predict_rewards(prm, triples, tokenizer)
    assert votes.tolist() == [rewards.tolist()] * 3


# The committed files


def test_the_files_are_pinned_small_and_hold_no_code():
    assert {path.name for path in READY_MADE.iterdir()} == set(READY_MADE_FILES)
    assert sum(path.stat().st_size for path in READY_MADE.iterdir()) <= 8e6
    for name, digest in READY_MADE_FILES.items():
        path = READY_MADE / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, name
        if name.endswith(".safetensors"):
            assert all(x.dtype == torch.float16 for x in load_file(path).values())


def test_the_tables_are_those_of_the_package():
    assert json.loads((READY_MADE / "sentiments.json").read_text()) == (sentiment_table())
    tables = json.loads(lzma.decompress((READY_MADE / "conversations.json.xz").read_bytes()))
    rows = simulate_conversations(60, 42) + simulate_conversations(60, 42, "test")
    for row in rows:
        turns = tables["parse_conversation"][fingerprint(row["chosen"])]
        assert turns == parse_conversation(row["chosen"])
        triples = tables["extract_training_triples"][fingerprint(turns)]
        assert triples == extract_training_triples(turns)


def test_the_curves_of_the_microscopes_are_those_of_the_reference():
    kept = json.loads((READY_MADE / "results.json").read_text())
    curves = {name: run_token_level(name, 16) for name in NORMALIZERS}
    for case, options in CLIP_CASES.items():
        clipped = {name: run_clipping(name, num_seeds=32, **options) for name in CLIP_RANGES}
        assert_close(kept["clip_panels"][case], clipped)
    assert_close(kept["token_level"], curves)
    assert_close(kept["overlong"], {name: run_overlong(name, 16)[-1:] for name in SHAPINGS})


def assert_close(kept, found):
    assert list(kept) == list(found)
    for name, values in found.items():
        torch.testing.assert_close(torch.tensor(kept[name]), values.float(), atol=1e-4, rtol=0)


# The notebook


def run_with(notebook, folder: Path, numbers: list[int]):
    """Execute a notebook with some switches on; tell the cells that failed."""
    source = folder / NEXACODE.notebook_name
    nbformat.write(notebook, source)
    (folder / "ready_made").symlink_to(READY_MADE)
    parameters = {"PROFILE": "grade", "DATA_SOURCE": "embedded", "READY_MADE": numbers}
    with forked_kernels(*SLOW):
        executed = execute(source, folder / "out.ipynb", parameters, allow_errors=True)
    failed = {}
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                failed[cell.id] = output.evalue
    return failed


def settings(cell):
    return cell.metadata.get("nbgrader", {})


def test_with_every_switch_the_untouched_release_runs_to_its_end(tmp_path):
    release = nbformat.read(NEXACODE.release_notebook, as_version=4)
    assert run_with(release, tmp_path, TODOS) == {}


def first_difference(cells, number: int) -> int:
    """Find the first cell that does something else where a TODO is blank and switched on."""
    signs = [f"{number} in READY_MADE"] + ["if DEPLOYED"] * (number in (3, 4, 5))
    mine = f"todo{number}-"
    for place, cell in enumerate(cells):
        is_stub = settings(cell).get("solution") and settings(cell)["grade_id"].startswith(mine)
        is_setting = "SKIP_TRAINING = " in cell.source
        if is_stub or (not is_setting and any(sign in cell.source for sign in signs)):
            return place
    raise AssertionError(f"no cell depends on TODO {number}")


@pytest.fixture(scope="module")
def failed_cells(tmp_path_factory):
    """Run the solved notebook once; where a TODO first matters, a fork goes on without it."""
    folder = tmp_path_factory.mktemp("blank")
    (folder / "ready_made").symlink_to(READY_MADE)
    release = {
        cell.id: cell for cell in nbformat.read(NEXACODE.release_notebook, as_version=4).cells
    }
    source = read_source(NEXACODE)
    parameters = {"PROFILE": "grade", "DATA_SOURCE": "embedded"}
    notebook = ForkedNotebook(source.cells, parameters)
    (setup,) = [cell for cell in notebook.cells if "SKIP_TRAINING = " in cell.source]
    starts = {number: first_difference(notebook.cells, number) for number in TODOS}

    def go_on_without(number: int, start: int) -> dict[str, str]:
        notebook.namespace["READY_MADE"] = [number]
        cells = copy.deepcopy(notebook.cells[start:])
        for cell in cells:
            name = settings(cell).get("grade_id", "")
            if name.startswith(f"todo{number}-"):  # the stub, and checks without their hidden part
                cell.source = release[cell.id].source
        # Checks of other TODOs stand on nothing of this one: test_answer_bank.py looks at that.
        others = [cell for cell in cells if is_graded_by_machine(cell) and todo_of(cell) != number]
        return notebook.run_cells([setup, *(cell for cell in cells if cell not in others)])

    found = {}
    with working_in(folder):
        for place, cell in enumerate(notebook.cells):
            for number in [number for number, start in starts.items() if start == place]:
                found[number] = notebook.fork(functools.partial(go_on_without, number, place))()
            if is_graded_by_machine(cell):
                continue  # no other cell stands on a check
            said = notebook.run_cell(cell)
            assert not said, f"{cell.id}: {said}"
    return found


@pytest.mark.parametrize("number", TODOS)
def test_one_blank_todo_and_its_switch_costs_nothing_else(failed_cells, number):
    assert failed_cells[number] == {}
