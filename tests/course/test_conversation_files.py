"""Files of conversations: what people have is read, the rest is an error with file and row."""

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow
import pytest
from datasets import Dataset, DatasetDict
from fsspec.compression import compr

from nexa_helpers.conversation_files import read_conversation, read_rows, read_split
from nexa_helpers.conversations import parse_conversation, triples_from_rows
from nexa_helpers.data import load_conversations

ROOT = Path(__file__).parents[2]
CONTEXT = "\n\nHuman: q\n\nAssistant: a\n\nHuman: no"
TALK = {"chosen": f"{CONTEXT}\n\nAssistant: good", "rejected": f"{CONTEXT}\n\nAssistant: bad"}
TURNS = [("user", "q"), ("assistant", "a"), ("user", "no"), ("assistant", "good")]
MESSAGES = [{"role": role, "content": content} for role, content in TURNS]
BAD_REPLY = [{"role": "assistant", "content": "bad"}]


def talk(number):
    return {name: text.replace("q", f"q{number}") for name, text in TALK.items()}


def as_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def turns_of(text):
    return [(turn["role"], turn["content"]) for turn in parse_conversation(text)]


# Formats of files

THREE = [talk(number) for number in range(3)]
LINES = as_lines(THREE)
BOM = b"\xef\xbb\xbf"
TABLE = pd.DataFrame(THREE)
CONTENTS = {
    "a.jsonl": LINES,
    "a.ndjson": LINES,
    "lines.json": LINES,
    "blank lines.jsonl": b"\n" + LINES.replace(b"\n", b"\n\n"),
    "no last newline.jsonl": LINES.rstrip(),
    "[v1] (2).jsonl": LINES,
    "UPPER.JSONL": LINES,
    "windows.jsonl": LINES.replace(b"\n", b"\r\n"),
    "bom.jsonl": BOM + LINES,
    "bom.jsonl.gz": gzip.compress(BOM + LINES),
    "a.jsonl.gz": gzip.compress(LINES),
    "a.jsonl.bz2": bz2.compress(LINES),
    "a.jsonl.xz": lzma.compress(LINES),
    "list.json": json.dumps(THREE),
    "indented bom.json": BOM + json.dumps(THREE, indent=2).encode(),
    "list.json.gz": gzip.compress(json.dumps(THREE).encode()),
    "a.csv": TABLE.to_csv(index=False),
    "index bom.csv": BOM + TABLE.to_csv(lineterminator="\r\n").encode(),
    "a.csv.gz": gzip.compress(TABLE.to_csv(index=False).encode()),
    "a.tsv": TABLE.to_csv(index=False, sep="\t"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_is_read_whatever_its_format(tmp_path, name):
    assert read_rows(write(tmp_path / name, CONTENTS[name])) == THREE


@pytest.fixture
def zst_file(tmp_path):
    path = tmp_path / "a.jsonl.zst"
    with pyarrow.CompressedOutputStream(str(path), "zstd") as packed:
        packed.write(LINES)
    return path


@pytest.mark.skipif("zstd" not in compr, reason="zstandard is not installed")
def test_a_zst_file_is_read_where_zstandard_is_there(zst_file):
    assert read_rows(zst_file) == THREE


def test_without_zstandard_the_error_of_a_zst_file_says_what_to_install(zst_file, monkeypatch):
    monkeypatch.delitem(compr, "zstd", raising=False)
    with pytest.raises(ValueError, match="zstandard") as error:
        read_rows(zst_file)
    [line] = str(error.value).splitlines()
    assert line == (f"{zst_file}: expected the package zstandard, which unpacks .zst; install it")


def test_parquet_and_arrow_are_read(tmp_path):
    TABLE.to_parquet(tmp_path / "a.parquet")
    Dataset.from_list(THREE).save_to_disk(tmp_path / "saved")
    assert read_rows(tmp_path / "a.parquet") == THREE
    assert read_split(tmp_path / "saved", "train") == THREE[:2]


def test_each_cell_of_a_table_is_text(tmp_path):
    rows = [{"prompt": CONTEXT, "chosen": "NA", "rejected": "7"}] * 2
    path = write(tmp_path / "a.csv", pd.DataFrame(rows).to_csv(index=False))
    found = read_rows(path)[0]
    assert found["chosen"] == f"{CONTEXT}\n\nAssistant: NA"
    assert found["rejected"] == f"{CONTEXT}\n\nAssistant: 7"


def test_the_type_of_a_column_may_show_late(tmp_path):
    first = [{"chosen": TALK["chosen"], "note": None}] * 40_000  # more than the 10 MB of a chunk
    rows = [*first, {"chosen": TALK["chosen"], "note": {"by": "me"}, "more": 1}]
    found = read_rows(write(tmp_path / "a.jsonl", as_lines(rows) + b" " * (11 << 20)))
    assert found == [{"chosen": TALK["chosen"]}] * 40_001


OFFLINE = """
import socket, sys
def refuse(*address, **options):
    raise SystemExit(f"asked the net: {address}")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from nexa_helpers.data import load_conversations
print(len(load_conversations("local")), load_conversations("local", "test"))
"""


def test_no_net_and_no_home_are_needed(tmp_path):
    path = write(tmp_path / "in" / "a.jsonl", LINES)
    nowhere = write(tmp_path / "file", b"") / "home"  # no folder can be made here
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    clean |= {"HOME": str(nowhere), "HF_HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], capture_output=True, text=True, timeout=100, check=False,
        env=clean | {"NEXA_DATA": str(path), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"2 {THREE[2:]}\n")
    assert done.stderr == ""
    assert sorted(found.name for found in path.parent.iterdir()) == ["a.jsonl"]


# Formats of rows

SYSTEM = {"role": "system", "content": "Be brief."}
HH_PROMPT = f"{CONTEXT}\n\nAssistant:"
ROWS = {
    "HH-RLHF": TALK,
    "lines of Windows": {name: text.replace("\n", "\r\n") for name, text in TALK.items()},
    "blank lines before": {name: f"\n \n{text}" for name, text in TALK.items()},
    "lists": {"chosen": MESSAGES, "rejected": MESSAGES[:3] + BAD_REPLY},
    "prompt of lists": {"prompt": MESSAGES[:3], "chosen": MESSAGES[3:], "rejected": BAD_REPLY},
    "prompt of a list, texts": {"prompt": MESSAGES[:3], "chosen": "good", "rejected": "bad"},
    "first question beside lists": {
        "prompt": "q", "chosen": MESSAGES, "rejected": MESSAGES[:3] + BAD_REPLY
    },
    "prompt and endings": {"prompt": HH_PROMPT, "chosen": " good", "rejected": " bad"},
    "endings without a space": {"prompt": HH_PROMPT, "chosen": "good", "rejected": "bad"},
    "prompt without a marker after it": {"prompt": CONTEXT, "chosen": "good", "rejected": "bad"},
    "endings with their marker": {
        "prompt": HH_PROMPT, "chosen": "\n\nAssistant: good", "rejected": "\n\nAssistant: bad"
    },
    "prompt and whole conversations": {"prompt": HH_PROMPT, **TALK},
    "prompt with lines of Windows": {
        "prompt": HH_PROMPT.replace("\n", "\r\n"), "chosen": " good", "rejected": " bad"
    },
    "a reply begun in the prompt": {"prompt": f"{HH_PROMPT} go", "chosen": "od", "rejected": "d"},
    "empty prompt": {"prompt": "", **TALK},
    "null prompt": {"prompt": None, **TALK},
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_row_becomes_the_text_of_hh_rlhf(name):
    found = read_conversation(ROWS[name], "here")
    begun = name == "a reply begun in the prompt"
    assert turns_of(found["chosen"]) == [*TURNS[:3], ("assistant", "go od" if begun else "good")]
    assert turns_of(found["rejected"]) == [*TURNS[:3], ("assistant", "go d" if begun else "bad")]
    assert len(triples_from_rows([found])[0]) == 1


def test_messages_alone_have_no_rejected_text():
    assert read_conversation({"messages": MESSAGES}, "here") == {"chosen": TALK["chosen"]}


def test_a_prompt_without_markers_is_one_turn_of_the_user():
    found = read_conversation({"prompt": "What is 1 + 1?\n", "chosen": "2"}, "here")
    assert turns_of(found["chosen"]) == [("user", "What is 1 + 1?"), ("assistant", "2")]


def test_a_system_message_begins_the_turn_of_the_user():
    found = read_conversation({"messages": [SYSTEM, *MESSAGES]}, "here")
    assert turns_of(found["chosen"]) == [("user", "Be brief.\n\nq"), *TURNS[1:]]


def test_columns_that_are_not_known_are_left_out():
    assert read_conversation({**TALK, "response": 3, "score": None}, "here") == TALK


BEGINNING = r"expected '\\n\\nHuman:' or '\\n\\nAssistant:', with both newlines, at the beginning"
TYPE = "expected a text or a list of messages, got"
MESSAGE = "message 1: expected the role user, assistant or system and a text, got the role"
BAD = {
    "no marker": ("hello", BEGINNING),
    "empty": ("", BEGINNING),
    "stripped": (TALK["chosen"].strip(), BEGINNING),
    "text before": ("Preamble." + TALK["chosen"], BEGINNING),
    "single newlines": (TALK["chosen"].replace("\n\n", "\n"), BEGINNING),
    "single newline first": (TALK["chosen"][1:], BEGINNING),
    "other names": (TALK["chosen"].replace("Human", "User"), BEGINNING),
    "small letters": (TALK["chosen"].lower(), BEGINNING),
    "no assistant": ("\n\nHuman: q", "and a turn of the assistant"),
    "null": (None, f"{TYPE} null"),
    "number": (3, f"{TYPE} int"),
    "true": (True, f"{TYPE} bool"),
    "object": ({"role": "user", "content": "q"}, f"{TYPE} dict"),
    "no messages": ([], "expected at least one message"),
    "list of texts": (["q", "a"], f"{MESSAGE} None and null"),
    "ShareGPT": ([{"from": "human", "value": "q"}], f"{MESSAGE} None and null"),
    "a tool": ([{"role": "tool", "content": "x"}], f"{MESSAGE} 'tool' and str"),
    "null content": ([{"role": "user", "content": None}], f"{MESSAGE} 'user' and null"),
    "an image": ([{"role": "user", "content": [{"type": "image"}]}], f"{MESSAGE} 'user' and list"),
    "marker inside": ([{"role": "user", "content": CONTEXT}], "got a marker inside the content"),
    "system alone": ([SYSTEM], "expected at least one message"),
    "system, assistant": ([SYSTEM, *BAD_REPLY], "got a system message without a user"),
    "user alone": (MESSAGES[:1], "and a turn of the assistant"),
}


@pytest.mark.parametrize("column", ["chosen", "rejected"])
@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named_with_its_file(tmp_path, monkeypatch, name, column):
    value, message = BAD[name]
    path = write(tmp_path / "log.jsonl", as_lines([*THREE, {**TALK, column: value}]))
    monkeypatch.setenv("NEXA_DATA", str(path))
    with pytest.raises(ValueError, match=rf"log.jsonl, row 4, '{column}'.*{message}"):
        load_conversations("local", limit=1)  # also a row that would not be used


BAD_PROMPTS = {
    "stripped": ({"prompt": HH_PROMPT.strip(), "chosen": "good"}, BEGINNING),
    "single newlines": (
        {"prompt": HH_PROMPT.replace("\n\n", "\n"), "chosen": "good"},
        BEGINNING,
    ),
    "text before": ({"prompt": f"Talk:{HH_PROMPT}", "chosen": "good"}, BEGINNING),
    "none": ({"prompt": None, "chosen": "good"}, BEGINNING),
    "number": ({"prompt": 7, "chosen": "good"}, f"'prompt': {TYPE} int"),
    "stripped ending": ({"prompt": CONTEXT, "chosen": "Assistant: good"}, "another conversation"),
    "other talk": ({"prompt": "\n\nHuman: z", "chosen": TALK["chosen"]}, "another conversation"),
}


@pytest.mark.parametrize("name", BAD_PROMPTS)
def test_a_bad_prompt_is_an_error(name):
    row, message = BAD_PROMPTS[name]
    with pytest.raises(ValueError, match=message):
        read_conversation(row, "here")


def test_a_missing_column_is_named_beside_those_that_are_there():
    with pytest.raises(ValueError, match="here: expected 'chosen' or 'messages', got prompt, text"):
        read_conversation({"prompt": "a", "text": "b"}, "here")


def test_later_markers_that_lost_a_newline_are_an_error(tmp_path):
    lost = TALK["chosen"].replace("\n\nHuman: no", "\nHuman: no")
    path = write(tmp_path / "log.jsonl", as_lines([{"chosen": lost}] * 2))
    with pytest.raises(ValueError, match=r"log.jsonl, row 1: expected two newlines before each"):
        read_rows(path)
    # In a file with replies, these are words of a turn, as TODO 1 says.
    path = write(tmp_path / "log.jsonl", as_lines([{"chosen": TALK["chosen"]}, {"chosen": lost}]))
    assert len(read_rows(path)) == 2


# Broken files

BROKEN = {
    "line.jsonl": (LINES + b"{broken\n", "row 4: expected a JSON object"),
    "array row.jsonl": (LINES + b"[1]\n", "row 4: expected an object, got list"),
    "empty.jsonl": (b"", "expected at least one conversation, got an empty file"),
    "blank.jsonl": (b"\n\n", "expected at least one conversation, got an empty file"),
    "empty list.json": (b"[]", "expected at least one conversation, got an empty file"),
    "empty.csv": (b"", "expected at least one conversation, got an empty file"),
    "names alone.csv": (b"chosen,rejected\n", "expected at least one conversation"),
    "semicolons.csv": (TABLE.to_csv(sep=";", index=False), "row 1: expected 'chosen'"),
    "half.json": (json.dumps(THREE)[:-9], "expected a readable file, got"),
    "number.json": (b"3", "expected a readable file, got"),
    "wrapped.json": (json.dumps({"data": THREE}), "row 1: expected 'chosen' or 'messages'"),
    "latin.jsonl": (b'{"chosen": "caf\xe9"}', "expected a readable file, got UnicodeDecodeError"),
    "half.jsonl.gz": (gzip.compress(os.urandom(999))[:-99], "expected a readable file, got EOF"),
    "not packed.jsonl.gz": (LINES, "expected a readable file, got BadGzipFile"),
    "bad.parquet": (b"PAR1", "expected a readable file, got ArrowInvalid"),
    "text.txt": (LINES, "expected .jsonl, .json, .csv, .tsv, .parquet or .arrow"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named(tmp_path, monkeypatch, name):
    content, message = BROKEN[name]
    monkeypatch.setenv("NEXA_DATA", str(write(tmp_path / name, content)))
    with pytest.raises(ValueError, match=rf"{name}.*{message}"):
        load_conversations()


def test_a_row_far_down_is_named_with_its_own_number(tmp_path):
    lines = LINES.splitlines(keepends=True) * 500
    lines[1234] = b'{"chosen": 3}\n'
    with pytest.raises(ValueError, match=r"row 1235, 'chosen': expected a text"):
        read_rows(write(tmp_path / "log.jsonl", b"".join(lines)))


# Splits


def test_one_row_cannot_be_split(tmp_path):
    path = write(tmp_path / "log.jsonl", as_lines([TALK]))
    for split in ("train", "test"):
        with pytest.raises(ValueError, match=r"log.jsonl: expected two rows or more to split"):
            read_split(path, split)


FOLDERS = {  # files, then the rows of train and test: the number of the file
    "shards of a hub": (
        "data/train-00000-of-00002 data/train-00001-of-00002 data/test-00000-of-00001", "01", "2"
    ),
    "folders": ("train/b train/a test/c", "10", "2"),
    "validation": ("train dev", "0", "1"),
    "validation beside test": ("train validation test", "0", "2"),
    "no names": ("part-1 part-0 part-2", "10", "2"),
    "train alone": ("train-0 train-1 notes", "0", "1"),
    "names inside words": ("trainer latest", "1", "0"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_split_by_the_names_in_it(tmp_path, name):
    files, train, test = FOLDERS[name]
    for number, file in enumerate(files.split()):
        write(tmp_path / f"{file}.jsonl", as_lines([talk(number)]))
    write(tmp_path / ".hidden" / "train.jsonl", "broken")
    write(tmp_path / "._train.jsonl", "broken")
    write(tmp_path / "README.md", "---\nconfigs:\n- data_files: other.csv\n---\n")
    assert read_split(tmp_path, "train") == [talk(number) for number in train]
    assert read_split(tmp_path, "test") == [talk(number) for number in test]


def test_a_saved_dataset_is_read(tmp_path):
    parts = {name: Dataset.from_list([talk(name)]) for name in ("train", "test")}
    DatasetDict(parts).save_to_disk(tmp_path / "saved")
    for name in parts:
        assert read_split(tmp_path / "saved", name) == [talk(name)]


def test_a_packed_file_beside_the_unpacked_one_counts_once(tmp_path):
    write(tmp_path / "train.jsonl", LINES)
    write(tmp_path / "train.jsonl.gz", gzip.compress(LINES))
    write(tmp_path / "test.jsonl", LINES)
    assert read_split(tmp_path, "train") == THREE


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["test.jsonl"], "expected files with 'train' in their name, too"),
        (["notes.txt"], "expected files such as train.jsonl and test.jsonl, found none"),
    ],
)
def test_a_folder_without_conversations_to_train_on_is_an_error(tmp_path, files, message):
    for file in files:
        write(tmp_path / file, LINES)
    with pytest.raises(ValueError, match=message):
        read_split(tmp_path, "train")


def test_the_bad_shard_is_named(tmp_path):
    write(tmp_path / "train-0.jsonl", LINES)
    write(tmp_path / "train-1.jsonl", LINES + as_lines([{"chosen": "x"}]))
    with pytest.raises(ValueError, match=r"train-1.jsonl, row 4, 'chosen'"):
        read_split(tmp_path, "train")


def test_conversations_without_any_reply_are_never_passed_in_silence(tmp_path, capsys):
    short = {"messages": [*MESSAGES[:1], *BAD_REPLY]}
    write(tmp_path / "a.jsonl", as_lines([short] * 2))
    rows = load_conversations(("local", str(tmp_path)))
    assert "no conversation has a user's reply to a response" in capsys.readouterr().out
    triples, errors = triples_from_rows(rows)
    assert triples == []
    assert errors == ["1 rows: expected a user's reply to a response, found none"]
    load_conversations("embedded", limit=3)
    assert "reply" not in capsys.readouterr().out
