"""What a run of ``nexa-grade`` has done, so that the next one goes on from there.

    nexa-grade/<assignment>/runs/<time>.jsonl      a line per submission, for machines
    nexa-grade/<assignment>/outcomes/<student>/    the last outcome of each student

An outcome is written down before it is merged, and marked when it has been merged. A run that is
killed between the two leaves an outcome without the mark: the next run merges it again, which
changes nothing if it was merged already. A submission is graded anew only when it, or what it is
graded with, has changed.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from nbgrader.coursedir import CourseDirectory

from nexa_grade.run.grade_one import write_files
from nexa_grade.run.outcome import Outcome


class BusyError(Exception):
    """Another run is at work on the same assignment."""


def write_durably(path: Path, text: str) -> None:
    """Replace a file as a whole: after a crash there is the old one or the new one."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def plain_time() -> str:
    """Give the time now, for a file name."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")


class Journal:
    """The folder of one assignment; open in one process at a time."""

    def __init__(self, folder: Path):
        """Take the folder; entering makes it where it is missing."""
        self.folder = folder
        self.outcomes = folder / "outcomes"
        self.runs = folder / "runs"
        self._lock: IO[str] | None = None
        self._log: IO[str] | None = None

    def __enter__(self) -> "Journal":
        """Lock the folder and begin a log.

        Raises:
            BusyError: Another process has locked it.
        """
        self.outcomes.mkdir(parents=True, exist_ok=True)
        self.runs.mkdir(exist_ok=True)
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise BusyError(f"another nexa-grade is at work ({self.folder / 'lock'})") from None
        self._lock = lock
        self.log_path = self.runs / f"{plain_time()}.jsonl"
        self._log = self.log_path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *error: object) -> None:
        """Close the log and unlock the folder."""
        for file in (self._log, self._lock):
            if file:
                file.close()

    def write(self, event: str, **what: Any) -> None:
        """Add a line to the log of this run."""
        assert self._log is not None
        self._log.write(json.dumps({"event": event} | what) + "\n")
        self._log.flush()
        os.fsync(self._log.fileno())

    def keep(self, outcome: Outcome) -> None:
        """Write an outcome down, not merged yet."""
        folder = self.outcomes / outcome.student
        folder.mkdir(exist_ok=True)
        shutil.rmtree(folder / "autograded", ignore_errors=True)
        if outcome.files:
            write_files(folder / "autograded", outcome.files)
        self._save(outcome, is_merged=False)

    def mark_merged(self, outcome: Outcome) -> None:
        """Note that an outcome is in the gradebook and in the log."""
        self._save(outcome, is_merged=True)

    def discard(self, outcome: Outcome) -> None:
        """Forget an outcome that cannot be merged any more."""
        shutil.rmtree(self.outcomes / outcome.student)

    def _save(self, outcome: Outcome, is_merged: bool) -> None:
        data = json.dumps({"is_merged": is_merged, "outcome": outcome.to_json()})
        write_durably(self.outcomes / outcome.student / "outcome.json", data)

    def load(self, student: str) -> tuple[Outcome, bool] | None:
        """Read a student's last outcome, and whether it is merged.

        Returns:
            None where there is none, or one that cannot be read: another version wrote it.
        """
        try:
            data = json.loads((self.outcomes / student / "outcome.json").read_text("utf-8"))
            return Outcome.from_json(data["outcome"]), data["is_merged"]
        except (FileNotFoundError, KeyError, TypeError, ValueError):
            return None

    def unmerged(self) -> Iterator[Outcome]:
        """Find outcomes that a killed run has left."""
        for folder in sorted(self.outcomes.iterdir()):
            found = self.load(folder.name)
            if found and not found[1]:
                yield found[0]

    def is_logged(self, outcome: Outcome) -> bool:
        """Tell whether some run's log has the line of this outcome."""
        return any(
            line.get("event") == "submission"
            and line["student"] == outcome.student
            and line["finished"] == outcome.finished
            for path in self.runs.glob("*.jsonl")
            for line in read_lines(path)
        )

    def place_files(self, outcome: Outcome, target: Path) -> None:
        """Put the autograded files where nbgrader expects them; an older version goes."""
        kept = self.outcomes / outcome.student / "autograded"
        if kept.exists():
            remove(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(kept, target)
        elif outcome.scores is None:  # nothing may look as if it were graded
            remove(target)


def journal_folder(coursedir: CourseDirectory, assignment: str) -> Path:
    """Name the folder of an assignment's journal."""
    return Path(coursedir.root, "nexa-grade", assignment)


def remove(path: Path) -> None:
    """Remove a folder, or a link in its place."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a log; a last line that a kill has cut is left out."""
    for line in path.read_text("utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
