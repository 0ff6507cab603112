"""Submissions as learning platforms name them, for ``nbgrader zip_collect``.

    Canvas     lovelaceada_1234_567890_ps1.ipynb, lovelaceada_LATE_1234_567890_ps1-1.ipynb
               anon_aB3dE_567890_ps1.ipynb (anonymous grading)
    Moodle     Ada Lovelace_1234_assignsubmission_file_/ps1.ipynb, ..._file_ps1.ipynb
    a folder   ada/ps1.ipynb

A student is known by the platform's number (1234), or by the folder's name. Browsers, Colab and
platforms rename files, so whatever notebook a student handed in takes the released one's name; of
several, the last upload counts. Canvas's names are those of its source (lib/content_zipper.rb).
"""

import csv
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks, unzip
from traitlets import Unicode

# A third number in a row could be the end of a name as well as the start of a file's name.
REST = r"(?P<upload>\d+)_(?!\d+_)(?P<file>[^/]+)\.ipynb"
CANVAS = re.compile(r"(?:(?!_\d+_)[^/])+?_(?P<late>LATE_)?(?P<student>\d+)_" + REST)
ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<student>anon_[A-Za-z0-9]+)_" + REST)
MOODLE = re.compile(
    r"[^/]+?_(?P<student>\d+)_assignsubmission_file(?:_[^/]*/|_?/|_)(?P<file>[^/]+)\.ipynb"
)
FOLDER = re.compile(r"(?!__MACOSX/)(?P<student>[^/.][^/]*)/(?P<file>[^/]+)\.ipynb")
AGAIN = re.compile(r"-(\d+)$")  # how Canvas marks a file that replaces one


@dataclass(frozen=True)
class Upload:
    """Whose an uploaded notebook is, and when it came."""

    student: str
    order: tuple[bool, int, int]  # the largest of a student's uploads counts
    is_late: bool = False  # as Canvas marks it


def read_name(name: str, notebook: str) -> Upload | None:
    """Read the name of an uploaded file.

    Args:
        name: Its path in the download. Only the first folder, or the file's name where there is
            none, says whose it is: what is below was named by the student.
        notebook: The released notebook's name, without its ending.

    Returns:
        What the name says; None for another file, or where it could be two students'.
    """
    for pattern in (CANVAS, ANONYMOUS, MOODLE, FOLDER):
        found = pattern.fullmatch(name)
        if found:
            groups = found.groupdict()
            again = AGAIN.search(found["file"])
            order = (
                notebook.lower() in found["file"].lower(),
                int(groups.get("upload") or 0),
                int(again[1]) if again else 0,
            )
            return Upload(found["student"], order, bool(groups.get("late")))
    return None


def read_roster(path: Path) -> dict[str, str]:
    """Read which student has which number: a CSV file, the number first, the student's id second.

    Raises:
        ValueError: A line has fewer than two columns.
    """
    roster = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if not "".join(row).strip():
                continue
            if len(row) < 2:
                raise ValueError(f"{path.name}, line {number}: expected number,student, got {row}")
            roster[row[0].strip()] = row[1].strip()
    return roster


class LmsExtractorPlugin(ExtractorPlugin):  # type: ignore[misc]
    """Unpacks the downloads; set as ``c.ZipCollectApp.extractor_plugin``.

    An archive within one is a student's: it may be broken, or endless, and stays packed.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack the archives of a folder, each into a folder of its name, and copy the rest."""
        for path in sorted(Path(archive_path).rglob("*")):
            target = Path(extracted_path) / path.relative_to(archive_path).parent
            if path.is_file():
                target.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".zip":
                    unzip(str(path), str(target), [".zip"], create_own_folder=True)
                else:
                    shutil.copy(path, target / path.name)


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
        upload = self.uploads.get(path)
        if upload is None:
            if path.suffix in (".ipynb", ".zip"):
                self.log.warning(
                    "Left out %s: its name does not say which student it is from", path
                )
            return None
        last = self.last_uploads[upload.student]
        if last != path:
            self.log.warning("Left out %s: %s counts", path.name, last.name)
            return None
        if upload.is_late:
            self.log.warning("Late, says Canvas: %s", path.name)
        return {"student_id": upload.student, "file_id": self.notebook}

    @cached_property
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

    @cached_property
    def uploads(self) -> dict[Path, Upload]:
        """Read whose each notebook of the download is."""
        return dict(self.read_uploads())

    @cached_property
    def last_uploads(self) -> dict[str, Path]:
        """Name the upload of each student that counts."""
        # Where names do not tell, the newest download does.
        ordered = sorted(
            self.uploads, key=lambda path: (self.uploads[path].order, self.downloaded(path), path)
        )
        return {self.uploads[path].student: path for path in ordered}

    def read_uploads(self) -> Iterator[tuple[Path, Upload]]:
        """Read the names of all notebooks, with the roster's ids."""
        roster = read_roster(Path(self.roster)) if self.roster else {}
        for path in sorted(self.folder(self.parent.extracted_directory).rglob("*.ipynb")):
            upload = read_name(self.name_in_download(path), self.notebook)
            if upload is None:
                continue
            if roster and upload.student not in roster:
                self.log.warning("%s is not in %s: it is kept", upload.student, self.roster)
            student = roster.get(upload.student, upload.student)
            yield path, Upload(student, upload.order, upload.is_late)

    def folder(self, name: str) -> Path:
        """Find a folder of the collection."""
        app: Any = self.parent
        return Path(app._format_collect_path(name))

    def archive(self, path: Path) -> Path | None:
        """Find the downloaded archive that a file was in; None where it was in none."""
        first = path.relative_to(self.folder(self.parent.extracted_directory)).parts[0]
        archive = self.folder(self.parent.archive_directory) / f"{first}.zip"
        return archive if archive.is_file() else None

    def name_in_download(self, path: Path) -> str:
        """Give a file's path in the download, without the archive."""
        parts = path.relative_to(self.folder(self.parent.extracted_directory)).parts
        return "/".join(parts[1:] if self.archive(path) else parts)

    def downloaded(self, path: Path) -> float:
        """Tell when a file was downloaded, in seconds since 1970."""
        return (self.archive(path) or path).stat().st_mtime
