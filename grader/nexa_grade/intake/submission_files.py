"""Reading what students handed in, as files of unknown origin.

A submission is a folder: the notebook, and whatever lies beside it. Links are not followed, since
their targets are the instructor's own files, and pipes and devices are never opened. What is left
out is said.
"""

import glob
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch, fnmatchcase
from pathlib import Path
from typing import IO

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc

MAX_FILES = 500
MAX_BYTES = 300_000_000
TIMESTAMP = "timestamp.txt"
LONGEST_TIME = 100  # bytes
LONGEST_PATH = 200  # bytes, within the submission; folders that it is copied to come on top
# nbgrader reads names as patterns, SQL and CSV read them as lines.
PLAIN_NAME = re.compile(r"[^\x00-\x1f\x7f*?\[\]/]+")


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one assignment."""

    student: str
    files: dict[str, bytes] = field(default_factory=dict)  # contents by path in the folder
    notes: tuple[str, ...] = ()  # what was left out, for the instructor
    refused: str = ""  # why it cannot be graded at all

    def fingerprint(self, course: str) -> str:
        """Tell this submission from every other one, and from itself in another course.

        Args:
            course: A fingerprint of what it is graded with.
        """
        contents = {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}
        parts = [course, self.student, self.refused, sorted(contents.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def find_submissions(coursedir: CourseDirectory, assignment: str) -> dict[str, Path]:
    """Find the folders that students handed in.

    Args:
        coursedir: Its ``student_id`` is a pattern, ``*`` for all.
        assignment: The assignment's name.

    Returns:
        Folders by student, in the order of their names.
    """

    def path_of(student: str, name: str, escape: bool = False) -> str:
        return str(
            coursedir.format_path(coursedir.submitted_directory, student, name, escape=escape)
        )

    name_of = re.compile(path_of("(?P<student>[^/]+)", re.escape(assignment), escape=True))
    pattern = Path(path_of(coursedir.student_id, glob.escape(assignment)))
    found = {}
    for path in sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))):
        match = name_of.fullmatch(str(path))
        if match and is_wanted(coursedir, match["student"]):
            found[match["student"]] = path
    return found


def is_wanted(coursedir: CourseDirectory, student: str) -> bool:
    """Tell a student whom ``student_id`` matches and ``student_id_exclude`` does not name."""
    excluded = (coursedir.student_id_exclude or "").split(",")
    return fnmatchcase(student, coursedir.student_id) and student not in excluded


def is_plain_name(student: str) -> bool:
    """Tell whether a folder's name can be a student's: no pattern, one line, valid UTF-8."""
    is_utf8 = student == student.encode("utf-8", "replace").decode()
    return is_utf8 and bool(PLAIN_NAME.fullmatch(student))


def is_timestamp(data: bytes) -> bool:
    """Tell whether a timestamp.txt is one: a short text that nbgrader reads as a time, or empty."""
    if len(data) > LONGEST_TIME:
        return False
    try:
        text = data.decode().strip()
        return not text or bool(parse_utc(text))
    except Exception:  # of any kind: the parser was not made for strangers' texts
        return False


def open_files(folder: Path) -> Iterator[tuple[Path, IO[bytes] | None]]:
    """Open the regular files of a folder, and follow no link.

    Yields:
        Each path, relative to the folder, and its open file; None for what is not a regular file
        (a link, a pipe, a device). A folder that is itself a link yields nothing.

    Raises:
        OSError: A file or a folder cannot be read, or has gone.
        RecursionError: There are hundreds of folders in each other.
    """

    def stop(error: OSError) -> None:
        raise error

    for parent, folders, files, descriptor in os.fwalk(folder, onerror=stop):
        here = Path(parent).relative_to(folder)
        for name in [*folders, *files]:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
                yield here / name, os.fdopen(os.open(name, flags, dir_fd=descriptor), "rb")
            elif not stat.S_ISDIR(status.st_mode):
                yield here / name, None


def read_submission(
    student: str, folder: Path, ignore: list[str], believe_timestamp: bool = False,
    max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES,
) -> Submission:  # fmt: skip
    """Read a submission's files.

    Args:
        student: Whose it is.
        folder: Where it lies.
        ignore: Patterns of names that are left out, as in ``c.CourseDirectory.ignore``.
        believe_timestamp: Whether timestamp.txt was written by who collected, not by the student.
        max_files: The most files that it may have.
        max_bytes: Their largest size, all together.

    Returns:
        The submission; where it cannot be graded, it has no files and says why.
    """
    if folder.is_symlink() or folder.parent.is_symlink():
        return Submission(student, refused="the submission is a symbolic link")
    try:
        return read_folder(student, folder, ignore, believe_timestamp, max_files, max_bytes)
    except (OSError, RecursionError) as error:
        reason = f"the submission cannot be read: {type(error).__name__}: {str(error)!a}"
        return Submission(student, refused=reason)


def read_folder(
    student: str, folder: Path, ignore: list[str], believe_timestamp: bool,
    max_files: int, max_bytes: int,
) -> Submission:  # fmt: skip
    """Read a folder's files, as ``read_submission`` does."""
    files: dict[str, bytes] = {}
    notes = []
    size = 0
    for path, file in open_files(folder):
        if file is None:
            notes.append(f"left out {str(path)!a}: a link or a special file")
            continue
        with file:
            if any(fnmatch(part, pattern) for part in path.parts for pattern in ignore):
                continue
            if str(path) == TIMESTAMP and not believe_timestamp:
                notes.append(
                    "left out timestamp.txt: the exchange writes such a file, and so may a student"
                )
                continue
            if len(os.fsencode(path)) > LONGEST_PATH:
                reason = f"expected paths of at most {LONGEST_PATH} bytes, got {str(path)[:60]!a}…"
                return Submission(student, refused=reason)
            size += os.fstat(file.fileno()).st_size
            if len(files) == max_files or size > max_bytes:
                limits = f"{max_files} files and {max_bytes / 1e6:g} MB"
                return Submission(student, refused=f"expected at most {limits}, got more")
            files[path.as_posix()] = file.read(max_bytes)
    return Submission(student, files, tuple(notes))
