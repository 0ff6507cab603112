"""`make adapters`: a run that is stopped goes on where it was, and students get what was pinned."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from smollm2 import SMOLLM2
from transformers import LlamaForCausalLM

from authoring import adapters
from authoring.adapters import PLANS, Plan, Run
from nexa_helpers import adapter_evaluation
from nexa_helpers.adapter_evaluation import find_adapter_file, judge_answers, shares_table
from nexa_helpers.adapter_plans import adapter_size
from nexa_helpers.adapter_training import TrainingSettings
from nexa_helpers.code_answers import DEVELOPERS, WISHES
from nexa_helpers.model_sources import make_tiny_model, make_tiny_tokenizer

SETTINGS = TrainingSettings(updates=3, requests=1, group_size=2, max_tokens=4)


def make_run(folder, settings=SETTINGS):
    model = make_tiny_model(len(make_tiny_tokenizer())).requires_grad_(False)
    return Run(model, "ada", Plan("ada", settings), folder)


def test_a_stopped_run_ends_as_one_that_was_not_stopped(tmp_path, monkeypatch):
    tokenizer = make_tiny_tokenizer()
    whole = make_run(tmp_path / "whole")
    whole.train(tokenizer)
    stopped = make_run(tmp_path / "parts")
    keep = stopped.keep

    def keep_and_stop(number, row):
        keep(number, row)
        if number == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(stopped, "keep", keep_and_stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.train(tokenizer)
    again = make_run(tmp_path / "parts")
    assert len(again.curve) == 2
    again.train(tokenizer)
    assert len(again.curve) == 3
    for one, other in zip(whole.weights.values(), again.weights.values(), strict=True):
        torch.testing.assert_close(one, other)
    files = sorted(path.name for path in (tmp_path / "parts" / "ada").iterdir())
    assert files == ["state-3.safetensors", "state.json"], "old states are removed"


def test_a_state_of_other_settings_is_not_taken_up(tmp_path):
    make_run(tmp_path).train(make_tiny_tokenizer())
    with pytest.raises(ValueError, match="made with other settings"):
        make_run(tmp_path, replace(SETTINGS, rank=2))


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path, monkeypatch):
    content = b"{}"
    pins = {"results.json": hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(adapter_evaluation, "ADAPTER_FILES", pins)
    with pytest.raises(FileNotFoundError, match="put your course's folder"):
        find_adapter_file("results.json", tmp_path)
    path = tmp_path / "results.json"
    path.write_bytes(content)
    assert find_adapter_file("results.json", tmp_path) == path
    path.write_bytes(b"[]")
    with pytest.raises(ValueError, match=r"expected SHA-256 \w{12}\.\.\., got \w{12}"):
        find_adapter_file("results.json", tmp_path)


def test_a_file_comes_from_the_address_of_the_course(tmp_path, monkeypatch):
    source = tmp_path / "course" / "ada"
    source.mkdir(parents=True)
    (source / "adapter_config.json").write_text("{}")
    pins = {"ada/adapter_config.json": hashlib.sha256(b"{}").hexdigest()}
    monkeypatch.setattr(adapter_evaluation, "ADAPTER_FILES", pins)
    monkeypatch.setenv("NEXA_READY_MADE_URL", (tmp_path / "course").as_uri())
    found = find_adapter_file("ada/adapter_config.json", tmp_path / "here")
    assert found.read_text() == "{}"


def test_what_students_get_is_pinned_and_small():
    folder = adapters.REAL_MODEL.ready_made
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix() for path in there}
    assert names == set(adapter_evaluation.ADAPTER_FILES)
    for path in there:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(folder).as_posix()
        assert adapter_evaluation.ADAPTER_FILES[name] == digest
        assert path.stat().st_size <= 3_000_000, name
        assert path.suffix in (".json", ".safetensors"), name
        if path.suffix == ".json":
            json.loads(path.read_text())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("developer", DEVELOPERS)
def test_a_stock_peft_loads_each_ready_made_adapter(developer):
    folder = adapters.REAL_MODEL.ready_made / developer
    model = LlamaForCausalLM(SMOLLM2)
    loaded = PeftModel.from_pretrained(model, folder)
    adapter = {name: w for name, w in loaded.named_parameters() if "lora_" in name}
    assert (
        sum(weights.numel() for weights in adapter.values())
        == adapter_size(SMOLLM2, 4)["parameters"]
    )
    assert all(weights.isfinite().all() for weights in adapter.values())
    assert all(w.abs().max() > 0 for name, w in adapter.items() if "lora_B" in name), "trained"


def test_the_results_have_what_the_notebook_shows():
    results = json.loads((adapters.REAL_MODEL.ready_made / "results.json").read_text())
    trained = {f"{name}, ready-made" if name in DEVELOPERS else name for name in PLANS}
    hinted = {f"hinted for {name}" for name in DEVELOPERS}
    assert set(results["outcomes"]) == {"base"} | hinted | trained
    assert set(results["paired"]) == hinted | trained
    assert set(results["curves"]) == set(PLANS)
    assert set(results["forgotten"]) == set(DEVELOPERS)
    for name, plan in PLANS.items():
        assert len(results["curves"][name]) == plan.settings.updates
    lengths = {len(column) for found in results["outcomes"].values() for column in found.values()}
    assert lengths == {64}


def test_outcomes_by_hand():
    typed = '```python\ndef f(a: int):\n    """Do."""\n    return a\n```'
    found = judge_answers([typed, "no"])
    assert found["ada"] == found["boris"] == found["chen"] == [True, False]
    assert set(found) == {"function", *WISHES, *DEVELOPERS}
    assert "0.50" in shares_table({"base": found})
