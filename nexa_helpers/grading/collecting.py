"""Submissions as learning platforms name them, for ``nbgrader zip_collect``.

    Canvas     lovelaceada_1234_567890_nexacode.ipynb, lovelaceada_LATE_1234_567890_nexacode-1.ipynb
    Moodle     Ada Lovelace_1234_assignsubmission_file_/nexacode.ipynb, ..._file_nexacode.ipynb
    a folder   ada/nexacode.ipynb

A student is known by the platform's number (1234), or by the folder's name. Browsers, Colab and
platforms rename files, so whatever notebook a student handed in takes the released one's name; of
several, the last upload counts.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks
from traitlets import Unicode

CANVAS = re.compile(r"[^_/]+_(?:LATE_)?(?P<student>\d+)_(?P<upload>\d+)_(?P<file>[^/]+)\.ipynb")
MOODLE = re.compile(
    r"[^/]+?_(?P<student>\d+)_assignsubmission_file(?:_[^/]*/|_?/|_)(?P<file>[^/]+)\.ipynb"
)
FOLDER = re.compile(r"(?!__MACOSX/)(?P<student>[^/.][^/]*)/(?P<file>[^/]+)\.ipynb")
AGAIN = re.compile(r"-(\d+)$")  # how Canvas marks a file that replaces one


@dataclass(frozen=True)
class Upload:
    """A notebook as it was uploaded."""

    path: Path
    student: str
    order: tuple[bool, int, int, str]  # the largest of a student's uploads counts


def read_name(name: str, notebook: str) -> tuple[str, tuple[bool, int, int, str]] | None:
    """Read the name of an uploaded file.

    Args:
        name: Its path in the download. Only the first folder, or the file's name where there is
            none, says whose it is: what is below was named by the student.
        notebook: The released notebook's name, without its ending.

    Returns:
        The student, and the upload's place among the student's uploads; None for another file.
    """
    for pattern in (CANVAS, MOODLE, FOLDER):
        found = pattern.fullmatch(name)
        if found:
            upload = int(found["upload"]) if "upload" in found.groupdict() else 0
            again = AGAIN.search(found["file"])
            is_named_so = notebook.lower() in found["file"].lower()
            return found["student"], (
                is_named_so,
                upload,
                int(again[1]) if again else 0,
                found["file"],
            )
    return None


def read_roster(path: Path) -> dict[str, str]:
    """Read which student has which number: a CSV file, the number first, the student's id second.

    Raises:
        ValueError: A line has fewer than two columns.
    """
    roster = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if len(row) < 2:
                raise ValueError(f"{path.name}, line {number}: expected number,student, got {row}")
            roster[row[0].strip()] = row[1].strip()
    return roster


class LmsCollectorPlugin(FileNameCollectorPlugin):  # type: ignore[misc]
    """Finds out whose each downloaded notebook is; set as ``c.ZipCollectApp.collector_plugin``."""

    roster = Unicode(
        "", help="CSV file: the platform's number of a student, and the id to use instead."
    ).tag(config=True)

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Name a file's student and notebook.

        Returns:
            ``student_id`` and ``file_id``; None for a file that is left out.
        """
        path = Path(submitted_file)
        notebook = self.notebook()
        here = self.read(path, notebook)
        if here is None:
            if path.suffix == ".ipynb":
                self.log.warning("Whose is it? Left out: %s", path)
            return None
        others = [other for other in self.uploads_beside(path, notebook)
                  if other.student == here.student]  # fmt: skip
        last = max(others, key=lambda upload: upload.order)
        if last.path != path:
            self.log.warning("Left out %s: %s counts", path.name, last.path.name)
            return None
        roster = read_roster(Path(self.roster)) if self.roster else {}
        if roster and here.student not in roster:
            self.log.warning("%s is not in %s: the number is kept", here.student, self.roster)
        return {"student_id": roster.get(here.student, here.student), "file_id": notebook}

    def notebook(self) -> str:
        """Name the released notebook.

        Raises:
            ValueError: The assignment has none, or several.
        """
        course: CourseDirectory = self.parent.coursedir
        folder = course.format_path(course.release_directory, ".", course.assignment_id)
        names = find_all_notebooks(folder)
        if len(names) != 1:
            raise ValueError(f"expected one released notebook in {folder}, got {names}")
        return Path(names[0]).stem

    def read(self, path: Path, notebook: str) -> Upload | None:
        """Read whose upload a file is."""
        if path.suffix != ".ipynb":
            return None
        app: Any = self.parent
        parts = path.relative_to(app._format_collect_path(app.extracted_directory)).parts
        found = read_name("/".join(parts[1:] or parts), notebook)  # the first is the archive
        return Upload(path, *found) if found else None

    def uploads_beside(self, path: Path, notebook: str) -> Iterator[Upload]:
        """Read the notebooks of the same folder."""
        for other in sorted(path.parent.iterdir()):
            upload = self.read(other, notebook)
            if upload:
                yield upload
