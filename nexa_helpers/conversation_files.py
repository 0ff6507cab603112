r"""Section 1.2: files of conversations, in the formats that people have, become HH-RLHF's texts.

The datasets library reads the files; this module brings their rows into one format, or says in
which file and row that cannot be done. ``data.py`` chooses between files, hub and simulation.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from glob import escape
from pathlib import Path
from typing import Any

from tqdm import tqdm

from nexa_helpers.conversations import SPEAKER_OF_ROLE, TURN_MARKER

DATA_FILE = re.compile(r"\.(jsonl|ndjson|json|csv|tsv|parquet|arrow)(\.(gz|bz2|xz|zst))?$", re.I)
# What the datasets library writes beside its data
NOT_DATA = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
# In the name of a file or its folder; files for validation are used where there are none for tests
SPLIT_NAMES = {
    "train": "train(ing)?",
    "test": "test(ing)?",
    "validation": "val(id(ation)?)?|dev|eval",
}
BARE_MARKER = re.compile(r"\s*(Human|Assistant):")  # also one that lost its newlines
MARKER_OF_REPLY = "\n\nAssistant:"
REPLY = re.compile(r"\n\nAssistant:.*\n\nHuman:", re.S)
LOST_MARKER = re.compile(r"[^\n]\n[ \t]*(Human|Assistant):")
FIRST_MARKER = re.compile(r"\s*?\n\n(Human|Assistant):")


def open_rows(path: Path, cache: str) -> Iterable[dict[str, Any]]:
    """Open one file with the datasets library, row by row. No hub is asked.

    Args:
        path: A file whose name ends as ``DATA_FILE`` says.
        cache: A folder that the library may write to.

    Returns:
        One dict per row, with the file's own columns.
    """
    from datasets import Dataset  # here: it takes two seconds, and most sessions read no file

    kind = DATA_FILE.findall(path.name)[0][0].lower()
    if kind == "arrow":
        return Dataset.from_file(str(path))
    name, options = escape(str(path)), {"cache_dir": cache, "streaming": True}
    if kind == "parquet":
        return Dataset.from_parquet(name, **options)
    options["encoding"] = "utf-8-sig"  # with or without a byte order mark
    if kind in ("csv", "tsv"):  # every cell is text, also "NA" and "7"
        options |= {"sep": "\t" if kind == "tsv" else ",", "keep_default_na": False}
        text = dict.fromkeys(("prompt", "chosen", "rejected", "messages"), str)
        return Dataset.from_csv(name, converters=text, **options)
    # -1: the whole file at once, so that its first megabytes do not decide the types of the rest
    return Dataset.from_json(name, chunksize=-1, **options)


def read_lines(path: Path, cache: str) -> Iterable[dict[str, Any]]:
    """Open one file as lines of text; the arguments are those of ``open_rows``."""
    from datasets import Dataset

    options = {"cache_dir": cache, "streaming": True, "encoding": "utf-8-sig"}
    return Dataset.from_text(escape(str(path)), **options)


def type_name(value: Any) -> str:
    """Name the type of a value; None is "null", as in the file."""
    return "null" if value is None else type(value).__name__


def render_messages(messages: list[Any], where: str) -> str:
    r"""Write a list of messages, TRL's format, as HH-RLHF's text.

    Args:
        messages: Dicts with ``role`` (``"user"``, ``"assistant"`` or ``"system"``) and ``content``.
            HH-RLHF has no system: its text becomes the beginning of the user's next turn.
        where: File, row and column, for errors.

    Returns:
        ``"\n\nHuman: ...\n\nAssistant: ..."``.

    Raises:
        ValueError: A message is of another kind, or would not stay one turn.
    """
    text = system = ""
    for number, message in enumerate(messages, start=1):
        fields = message if isinstance(message, dict) else {}
        role, content = fields.get("role"), fields.get("content")
        if role not in ("user", "assistant", "system") or not isinstance(content, str):
            raise ValueError(
                f"{where}, message {number}: expected the role user, assistant or system and a"
                f" text, got the role {role!r} and {type_name(content)}"
            )
        content = system + content.replace("\r\n", "\n")
        if TURN_MARKER.search(content) or (system and role == "assistant"):
            raise ValueError(
                f"{where}, message {number}: expected one turn, got "
                + ("a system message without a user" if system else "a marker inside the content")
            )
        system = content + "\n\n" if role == "system" else ""
        if not system:
            text += f"\n\n{SPEAKER_OF_ROLE[role]}: {content}"
    if system or not messages:
        raise ValueError(f"{where}: expected at least one message of the user or the assistant")
    return text


def read_text(value: Any, where: str) -> str:
    r"""Read a text, or a list of messages, as HH-RLHF's text; line ends become ``\n``.

    Raises:
        ValueError: The value is neither.
    """
    if isinstance(value, list):
        return render_messages(value, where)
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    raise ValueError(f"{where}: expected a text or a list of messages, got {type_name(value)}")


def join_prompt(prompt: str, ending: str, where: str) -> str:
    r"""Put a prompt and its ending together.

    Args:
        prompt: The turns before the ending, with or without ``"\n\nAssistant:"`` after them. A text
            without markers is one turn of the user.
        ending: The last reply, with or without its marker; or the whole conversation.
        where: File, row and column, for errors.

    Returns:
        The whole conversation.

    Raises:
        ValueError: ``ending`` is another conversation, or its marker lost its newlines.
    """
    prompt = prompt.rstrip()
    if not (TURN_MARKER.search(prompt) or BARE_MARKER.match(prompt)):
        prompt = f"\n\nHuman: {prompt}"
    if ending.startswith(prompt):
        return ending
    prompt = prompt.removesuffix(MARKER_OF_REPLY)
    if ending.startswith(MARKER_OF_REPLY):
        return prompt + ending
    if BARE_MARKER.match(ending):
        raise ValueError(f"{where}: expected the reply to 'prompt', got another conversation")
    inside_reply = TURN_MARKER.findall(prompt)[-1:] == ["Assistant"]
    return f"{prompt}{'' if inside_reply else MARKER_OF_REPLY} {ending.lstrip()}"


def read_conversation(row: dict[str, Any], where: str) -> dict[str, str]:
    """Bring one row of a file into the format of HH-RLHF.

    Args:
        row: ``chosen``, perhaps with ``rejected`` and ``prompt``; or ``messages``. Each is a text
            or a list of messages.
        where: File and row, for errors.

    Returns:
        The texts ``chosen`` and, where the row has it, ``rejected``.

    Raises:
        ValueError: A column is missing or of another type, or a text would lose turns.
    """
    if "chosen" not in row:
        if "messages" not in row:
            raise ValueError(f"{where}: expected 'chosen' or 'messages', got {', '.join(row)}")
        row = {"chosen": row["messages"]}
    texts: dict[str, str] = {}
    for name in ("chosen", "rejected"):
        if name not in row:
            continue
        place = f"{where}, {name!r}"
        text = read_text(row[name], place)
        if row.get("prompt"):
            text = join_prompt(read_text(row["prompt"], f"{where}, 'prompt'"), text, place)
        if not FIRST_MARKER.match(text) or MARKER_OF_REPLY not in text:
            raise ValueError(
                rf"{place}: expected '\n\nHuman:' or '\n\nAssistant:', with both newlines, at the"
                f" beginning, and a turn of the assistant; got {text[:24]!r}"
            )
        texts[name] = text
    return texts


def check_lines(path: Path, cache: str) -> None:
    """Find the bad row of a file of JSON lines that the library refused as a whole.

    Args:
        path: The file; nothing happens if it is of another format.
        cache: A folder that the library may write to.

    Raises:
        ValueError: A row is no JSON object or no conversation; the message names file and row.
    """
    lines = (row["text"] for row in read_lines(path, cache))
    for number, line in enumerate(filter(str.strip, lines), start=1):
        if number == 1 and not line.lstrip().startswith("{"):
            return
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path}, row {number}: expected a JSON object, got {error}"
            ) from error
        if not isinstance(row, dict):
            raise ValueError(f"{path}, row {number}: expected an object, got {type_name(row)}")
        read_conversation(row, f"{path}, row {number}")


def check_markers(rows: list[dict[str, str]], path: Path) -> None:
    """Refuse a file in which no user replies because all later markers lost a newline.

    Raises:
        ValueError: So it is; the message names the first such row.
    """
    if any(REPLY.search(row["chosen"]) for row in rows):
        return
    for number, row in enumerate(rows, start=1):
        if LOST_MARKER.search(row["chosen"]):
            raise ValueError(
                f"{path}, row {number}: expected two newlines before each 'Human:' and"
                " 'Assistant:', got one; no row has a user's reply"
            )


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read one file of conversations.

    Args:
        path: JSON lines, JSON, CSV, TSV, Parquet or Arrow, the text formats perhaps compressed, in
            UTF-8. ``read_conversation`` says what a row may be.

    Returns:
        One dict per row with the texts ``chosen`` and, where the file has it, ``rejected``.

    Raises:
        ValueError: The file cannot be read, is empty, or has a bad row; the message names the file
            and the row, counted from 1.
    """
    if not DATA_FILE.search(path.name):
        raise ValueError(f"{path}: expected .jsonl, .json, .csv, .tsv, .parquet or .arrow")
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="nexacode-") as cache:
        try:
            if path.stat().st_size:
                found += tqdm(open_rows(path, cache), desc=f"Reading {path.name}", delay=3)
        except Exception as error:  # each format has its own errors
            kind = type(error).__name__
            if "JSON" in str(error):
                check_lines(path, cache)
            if "zstd not supported" in str(error):
                need = "expected the package zstandard, which unpacks .zst; install it"
                raise ValueError(f"{path}: {need}") from error
            raise ValueError(f"{path}: expected a readable file, got {kind}: {error}") from error
    if not found:
        raise ValueError(f"{path}: expected at least one conversation, got an empty file")
    rows = [read_conversation(row, f"{path}, row {i}") for i, row in enumerate(found, start=1)]
    check_markers(rows, path)
    return rows


def find_files(folder: Path) -> list[Path]:
    """Find the data files in a folder and the folders in it, in the order of their names.

    Of two files whose names differ in the format alone, such as a packed one beside the unpacked
    one, the first counts.
    """
    files = [
        path
        for path in sorted(folder.rglob("*"), reverse=True)
        if DATA_FILE.search(path.name) and path.is_file() and path.name not in NOT_DATA
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    return sorted({path.with_name(DATA_FILE.sub("", path.name)): path for path in files}.values())


def files_named(files: list[Path], folder: Path, name: str) -> list[Path]:
    """Choose the files that have a word (a pattern) in their name, or in a folder's below ours."""
    word = re.compile(f"(?<![a-z])({name})(?![a-z])", re.I)
    return [file for file in files if word.search(file.relative_to(folder).as_posix())]


def read_split(path: Path, split: str) -> list[dict[str, str]]:
    """Read one split of a local file or folder.

    Args:
        path: A file, or a folder of files. The files of a split have its name ("train", "test") in
            their own name or their folder's. Without any such name, or without test files, the last
            tenth of the rows, at least one, is the test split.
        split: ``"train"`` or ``"test"``.

    Returns:
        The rows.

    Raises:
        ValueError: There is no such file, it cannot be read, or one row cannot be split.
    """
    if not path.exists():
        raise ValueError(f"{path}: expected a file or folder (NEXA_DATA), there is none")
    files = find_files(path) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: expected files such as train.jsonl and test.jsonl, found none")
    train, tests, validation = (files_named(files, path, name) for name in SPLIT_NAMES.values())
    tests = tests or validation
    if tests and not train:
        raise ValueError(f"{path}: expected files with 'train' in their name, too")
    if tests:
        return [row for file in (train if split == "train" else tests) for row in read_rows(file)]
    rows = [row for file in train or files for row in read_rows(file)]
    if len(rows) < 2:
        raise ValueError(f"{path}: expected two rows or more to split, got one alone, row 1")
    cut = len(rows) - max(1, len(rows) // 10)
    return rows[:cut] if split == "train" else rows[cut:]
