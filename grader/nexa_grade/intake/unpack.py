"""Unpacking what a learning platform gave, and what students packed in it.

An archive of a student's may be broken, endless, or full of paths that lead elsewhere: it is read
within limits, and where it cannot be read it stays packed, with the reason.
"""

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from nexa_grade.intake.file_names import is_junk, stem_of

MAX_DEPTH = 4  # archives within archives
MAX_FILES = 5_000  # of an archive within another, with all archives in it
MAX_BYTES = 1_000_000_000
CHUNK = 1 << 20
LONGEST_PART = 240  # bytes of one name; file systems end at 255


class PackedError(Exception):
    """An archive that stays packed, with the reason."""


# What zipfile and the file system raise for a broken, locked or strange archive.
UNREADABLE = (PackedError, OSError, RuntimeError, ValueError, EOFError, zipfile.BadZipFile,
              zlib.error)  # fmt: skip


@dataclass
class Unpacked:
    """What came of unpacking: how many files were left aside, and what has to be said."""

    junk: int = 0
    notes: list[str] = field(default_factory=list)
    files_left: int = MAX_FILES  # within the archive at work
    bytes_left: int = MAX_BYTES


def true_name(member: zipfile.ZipInfo) -> str:
    """Give a member's path; some programs write UTF-8 without saying so, or backslashes."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return re.sub(r"/+", "/", name.replace("\\", "/"))


def safe_parts(name: str) -> tuple[str, ...]:
    """Split a path of an archive.

    Raises:
        PackedError: It leads out of the folder, or is longer than file systems allow.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts or name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise PackedError(f"a path leads out of the archive: {name!a}")
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST_PART for part in parts):
        raise PackedError(f"a name is longer than {LONGEST_PART} bytes: {name[:40]!a}…")
    return parts


def as_notebook(name: str) -> str:
    """Let a notebook's name end with ``.ipynb``: nbgrader copies a file with its last ending."""
    return name if stem_of(name) is None or name.endswith(".ipynb") else f"{name}.ipynb"


def place_for(target: Path) -> Path:
    """Find a name that is free, so that no file replaces another."""
    number = 1
    free = target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return free


def members_of(archive: zipfile.ZipFile, said: Unpacked, depth: int) -> list[zipfile.ZipInfo]:
    """List an archive's files; a download may be of any size, an archive in it may not.

    Raises:
        PackedError: It is too large.
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    if depth == 1:
        said.files_left, said.bytes_left = MAX_FILES, MAX_BYTES
    if depth:
        said.files_left -= len(members)
        said.bytes_left -= sum(member.file_size for member in members)
    if said.files_left < 0 or said.bytes_left < 0:
        raise PackedError(f"it has more than {MAX_FILES} files or {MAX_BYTES} bytes")
    return members


def copy_limited(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy a file that says how large it is.

    Raises:
        PackedError: It is larger.
    """
    while data := source.read(CHUNK):
        size -= len(data)
        if size < 0:
            raise PackedError("a file is larger than the archive says")
        target.write(data)


def unpack(path: Path, folder: Path, said: Unpacked, depth: int = 0) -> None:
    """Unpack an archive into a new folder, and the archives in it into folders of their names.

    Args:
        path: The archive.
        folder: The new folder.
        said: What is to be said is added here.
        depth: How many archives it lies in; limits hold for those that lie in one.

    Raises:
        PackedError: It cannot be unpacked; the folder is gone then.
    """
    if depth > MAX_DEPTH:
        raise PackedError(f"it lies in {depth} other archives")
    try:
        with zipfile.ZipFile(path) as archive:
            folder.mkdir(parents=True)
            for member in members_of(archive, said, depth):
                try:
                    unpack_member(archive, member, folder, said, depth)
                except UNREADABLE as error:
                    if depth:
                        raise
                    said.notes.append(f"left out: {path.name!a}: {true_name(member)!a}: {error}")
    except UNREADABLE as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PackedError(str(error) or type(error).__name__) from None


def unpack_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, said: Unpacked, depth: int
) -> None:
    """Unpack one file of an archive."""
    name = true_name(member)
    if is_junk(name):
        said.junk += 1
        return
    parts = safe_parts(name)
    target = place_for(folder.joinpath(*parts[:-1], as_notebook(parts[-1])))
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        copy_limited(source, file, member.file_size)
    if target.suffix.lower() == ".zip":
        unpack_in_place(target, said, depth + 1)


def unpack_in_place(path: Path, said: Unpacked, depth: int) -> None:
    """Put an archive's contents into a folder of its name, or leave it packed and say why."""
    folder = path.with_name(f"{path.name}.unpacked")
    try:
        unpack(path, folder, said, depth)
    except PackedError as error:
        said.notes.append(f"stays packed: {path.name!a}: {error}")
        return
    path.unlink()
    folder.rename(path)


def unpack_all(source: Path, target: Path) -> Unpacked:
    """Unpack the archives of a folder, each into a folder of its name, and copy the rest."""
    said = Unpacked()
    for path in sorted(files_of(source)):
        name = path.relative_to(source)
        if is_junk(name.as_posix()):
            said.junk += 1
            continue
        copy = place_for(target / name.with_name(as_notebook(name.name)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        if path.suffix.lower() == ".zip":
            unpack_in_place(copy, said, 0)
    return said


def files_of(folder: Path) -> Iterator[Path]:
    """Find the regular files of a folder; links are not followed."""
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
