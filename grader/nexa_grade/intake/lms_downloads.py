"""Downloads of learning platforms, brought into ``submitted`` by ``nbgrader zip_collect``.

What each platform calls its files stands in ``platforms``. A student is known by the platform's
name for them, or by the folder's name; a roster gives them their own id. Browsers, Colab and
platforms rename files, so a student's notebook takes the released one's name; of several, the last
upload counts. What else the student handed in as a notebook of this assignment is put beside it,
where grading looks at it. Nothing is passed over in silence.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks
from traitlets import Unicode

from nexa_grade.intake.file_names import Likeness, notebook_meant, plain
from nexa_grade.intake.platform_files import (
    GRADESCOPE_FILE,
    SAKAI_FILE,
    read_gradescope,
    sakai_time,
)
from nexa_grade.intake.platforms import AGAIN, OF_PLATFORMS, Reader, Upload
from nexa_grade.intake.roster import Roster, RosterError, problem_of, read_roster
from nexa_grade.intake.unpack import unpack_all

LARGEST_NOTEBOOK = 100_000_000
WANTED = "only a notebook (.ipynb) is graded"
GRADE_ID = re.compile(rb'"grade_id"\s*:\s*"([^"\\]+)"')
ADVICE = "put it into a folder named for the student, in the archive folder, and collect again"


@dataclass(frozen=True)
class File:
    """A file of a download, and whose it is."""

    path: Path
    upload: Upload
    time: datetime | None = None  # when it was handed in, UTC, without a time zone
    downloaded: float = 0.0  # seconds since 1970

    @property
    def stem(self) -> str:
        """Give a notebook's name without ending, and without Canvas's mark; "" for other files."""
        upload = self.upload
        return AGAIN.sub("", upload.stem) if upload.again else upload.stem


@dataclass(frozen=True)
class Collected:
    """Where a file goes."""

    student: str
    notebook: str  # its new name, without ending
    time: datetime | None


class LmsExtractorPlugin(ExtractorPlugin):  # type: ignore[misc]
    """Unpacks the downloads; set as ``c.ZipCollectApp.extractor_plugin``.

    An archive that cannot be unpacked, or only beyond all limits, stays packed, which is said.
    """

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack the archives of a folder, each into a folder of its name, and copy the rest."""
        said = unpack_all(Path(archive_path), Path(extracted_path))
        for note in said.notes:
            self.log.warning("An archive %s", note)
        if said.junk:
            self.log.info("Ignored %d files of operating systems and Jupyter", said.junk)


class LmsCollectorPlugin(FileNameCollectorPlugin):  # type: ignore[misc]
    """Finds out whose each downloaded notebook is; set as ``c.ZipCollectApp.collector_plugin``."""

    roster = Unicode(
        "", help="CSV file: the platform's number of a student, and the id to use instead."
    ).tag(config=True)
    timezone = Unicode(
        "UTC", help="Time zone of the times in file names, such as Europe/Berlin"
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        """Read the roster before anything is unpacked: what is wrong with it stops the command."""
        super().__init__(**kwargs)
        try:
            self.students = self.read_students()
            self.zone = ZoneInfo(self.timezone)
        except RosterError as error:
            self.parent.fail("%s", error)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.parent.fail("c.LmsCollectorPlugin.timezone: no time zone: %a", self.timezone)

    def read_students(self) -> Roster:
        """Read the roster, which lies in the course's folder or where the command runs."""
        if not self.roster:
            return Roster()
        path = Path(self.roster)
        roster = read_roster(path if path.exists() else Path(self.parent.coursedir.root, path))
        for note in roster.notes:
            self.log.warning("%s", note)
        return roster

    def collect(self, submitted_file: str) -> dict[str, Any] | None:
        """Name a file's student and notebook.

        Returns:
            ``student_id`` and ``file_id``; None for a file that is left out.
        """
        found = self.collected.get(Path(submitted_file))
        if found is None:
            return None
        info: dict[str, Any] = {
            "student_id": found.student, "file_id": f"{found.notebook}.ipynb"
        }  # fmt: skip
        return info | ({"timestamp": found.time} if found.time else {})

    @cached_property
    def notebooks(self) -> list[str]:
        """Name the released notebooks; without one, the command stops."""
        names = [Path(name).stem for name in find_all_notebooks(str(self.release))]
        if not names:
            self.parent.fail("expected a released notebook in %s, got none", self.release)
        return names

    @cached_property
    def release(self) -> Path:
        """Name the release folder."""
        course: CourseDirectory = self.parent.coursedir
        return Path(course.format_path(course.release_directory, ".", course.assignment_id))

    @cached_property
    def grade_ids(self) -> dict[str, frozenset[str]]:
        """Read the grade ids of each released notebook."""
        return {
            path.stem: grade_ids_of(path)
            for path in (self.release / name for name in find_all_notebooks(str(self.release)))
        }

    @cached_property
    def collected(self) -> dict[Path, Collected]:
        """Find out where each file goes; what goes nowhere is said."""
        by_student: dict[str, list[File]] = defaultdict(list)
        for name, upload in self.read_names().items():
            path = self.extracted / name
            file = File(path, upload, self.time_of(path, upload), self.downloaded(path))
            by_student[upload.student].append(file)
        found: dict[Path, Collected] = {}
        for student, files in by_student.items():
            if problem := problem_of(student):
                for file in files:
                    said = f"{student!a} cannot be a student's id: it {problem}; {ADVICE}"
                    self.log.warning("Left out %s: %s", self.name_of(file), said)
            else:
                found |= self.choose(student, files)
        return found

    def read_names(self) -> dict[str, Upload]:
        """Read the names of all files that are somebody's, with the students' own ids."""
        names = [
            path.relative_to(self.extracted).as_posix()
            for path in sorted(self.extracted.rglob("*"))
            if path.is_file()
        ]
        read = Reader(self.notebooks, str(self.parent.coursedir.assignment_id)).read(names)
        for name, upload in read.items():
            if upload is None and name.rpartition("/")[2].lower() not in OF_PLATFORMS:
                said = "Left out %s: its name does not say which student it is from; %s"
                self.log.warning(said, self.shown(name), ADVICE)
        known = {name: upload for name, upload in read.items() if upload}
        known = self.with_gradescope_ids(known, [name for name in read if not read[name]])
        known = {name: one for name, one in known.items() if not one.is_of_platform}
        return self.with_ids(self.told_apart(known))

    def told_apart(self, read: dict[str, Upload]) -> dict[str, Upload]:
        """Use longer names where two people would go by one name of the platform's."""
        owners: dict[str, set[str]] = defaultdict(set)
        for upload in read.values():
            owners[upload.student].add(upload.owner)
        for student, found in owners.items():
            if len(found) > 1 and "" not in found:
                said = ", ".join(sorted(found))
                self.log.warning("%s may be several students: they are kept as %s", student, said)
        return {
            name: upload
            if len(found := owners[upload.student]) == 1 or "" in found
            else replace(upload, student=upload.owner)
            for name, upload in read.items()
        }

    def with_ids(self, read: dict[str, Upload]) -> dict[str, Upload]:
        """Give students the roster's ids."""
        numbers = {upload.student for upload in read.values()}
        ids: dict[str, str] = {}
        for number in sorted(numbers):
            found = self.students.id_of(number)
            if self.students and found is None:
                self.log.warning("%s is not in %s: it is kept", number, self.students.name)
            ids[number] = number if found is None else found
        for number, student in ids.items():
            if student != number and list(ids.values()).count(student) > 1:
                said = "%s is the id of %s in %s, and somebody else's number: %s is kept"
                self.log.warning(said, student, number, self.students.name, number)
                ids[number] = number
        return {name: replace(upload, student=ids[upload.student]) for name, upload in read.items()}

    def with_gradescope_ids(
        self, read: dict[str, Upload], others: Iterable[str]
    ) -> dict[str, Upload]:
        """Give submissions of Gradescope the id of who sent them.

        Args:
            read: Uploads by the name in the download.
            others: Names of files that are nobody's: Gradescope's own is one.
        """
        found = dict(read)
        for name in (name for name in others if name.rpartition("/")[2] == GRADESCOPE_FILE):
            folder = name[: -len(GRADESCOPE_FILE)]
            try:
                submissions = read_gradescope(self.extracted / name)
            except ValueError as error:
                said = "%s cannot be read, students are called by numbers: %s"
                self.log.warning(said, name, error)
                continue
            for path, upload in read.items():
                sent = submissions.get(path.removeprefix(folder).partition("/")[0])
                if upload.platform == "Gradescope" and path.startswith(folder) and sent:
                    student = next(iter(sent.senders), upload.student)
                    found[path] = replace(upload, student=student, time=sent.time)
                    self.say_group(path, upload, sent.senders)
        return found

    def say_group(self, path: str, upload: Upload, senders: Sequence[str]) -> None:
        """Say whose a group's notebook is, too: it is graded once."""
        if len(senders) > 1 and upload.stem:
            said = "%s is a group's: it is collected for %s; give the points to %s, too"
            self.log.warning(said, path, senders[0], ", ".join(senders[1:]))

    def time_of(self, path: Path, upload: Upload) -> datetime | None:
        """Tell when a file was handed in, in UTC, where the platform says so."""
        if upload.time:
            time = upload.time
            local = time if time.tzinfo else time.replace(tzinfo=self.zone)
            return local.astimezone(UTC).replace(tzinfo=None)
        if upload.platform == "Sakai":
            return sakai_time(path.parents[upload.path.count("/")] / SAKAI_FILE)
        return None

    def choose(self, student: str, files: Sequence[File]) -> dict[Path, Collected]:
        """Choose which files of a student are collected, and under which name; say the rest."""
        notebooks = [file for file in files if file.stem]
        self.say_others(student, files, notebooks)
        last = max((file.time for file in notebooks if file.time), default=None)
        current = [file for file in notebooks if file.time == last]
        for file in notebooks:
            if file.time != last:
                said = "Left out %s: %s counts, it was handed in later"
                self.log.warning(said, self.name_of(file), self.name_of(current[0]))
        if any(file.time and last and file.time > last for file in files):
            said = "The last attempt of %s has no notebook: an earlier one counts"
            self.log.warning(said, student)
        meant: dict[str, list[File]] = defaultdict(list)
        for file in current:
            meant[self.notebook_of(file, current)].append(file)
        self.say_unknown(student, meant.pop("", []))
        found: dict[Path, Collected] = {}
        for notebook, versions in meant.items():
            found |= self.choose_version(student, notebook, versions)
        return found

    def say_others(self, student: str, files: Sequence[File], notebooks: Sequence[File]) -> None:
        """Say what is no notebook, who has none at all, and what is late."""
        for file in files:
            if not file.stem:
                said = "Left out %s: from student %s, but no notebook: %s"
                self.log.warning(said, self.name_of(file), student, WANTED)
            elif file.upload.is_late:
                self.log.warning("Late, says Canvas: %s", self.name_of(file))
        if not notebooks:
            names = ", ".join(self.name_of(file) for file in files)
            wanted = ", ".join(f"{name}.ipynb" for name in self.notebooks)
            self.log.warning("No notebook from %s: expected %s, got %s", student, wanted, names)

    def say_unknown(self, student: str, files: Iterable[File]) -> None:
        """Say which notebooks of a student are none of the assignment's."""
        wanted = " or ".join(f"{name}.ipynb" for name in self.notebooks)
        for file in files:
            self.log.warning(
                "Left out %s: from student %s, but it is not clear which notebook it is:"
                " expected %s", self.name_of(file), student, wanted,
            )  # fmt: skip

    def notebook_of(self, file: File, current: Sequence[File]) -> str:
        """Find the released notebook that a student's file is; "" for none."""
        if len(self.notebooks) == 1:
            return self.notebooks[0]
        name, fits = notebook_meant(file.stem, self.notebooks)
        return (
            name
            if fits > Likeness.PART
            else self.notebook_by_cells(file) or (name or self.only_one_missing(current))
        )

    def notebook_by_cells(self, file: File) -> str:
        """Find the one released notebook that shares most grade ids with a file; "" for none."""
        ids = grade_ids_of(file.path)
        shared = {one: len(ids & found) for one, found in self.grade_ids.items()}
        most = max(shared.values())
        best = [one for one in shared if shared[one] == most]
        return best[0] if most and len(best) == 1 else ""

    def only_one_missing(self, current: Sequence[File]) -> str:
        """Name the released notebook that is missing, if one file is left for it; else ""."""
        taken = [notebook_meant(file.stem, self.notebooks)[0] for file in current]
        missing = [one for one in self.notebooks if one not in taken]
        return missing[0] if len(missing) == 1 and taken.count("") == 1 else ""

    def choose_version(
        self, student: str, notebook: str, versions: Sequence[File]
    ) -> dict[Path, Collected]:
        """Choose the last version of a notebook, and put others of the same time beside it."""
        # Where names do not tell, the newest download does.
        last = max(
            versions,
            key=lambda file: (
                notebook_meant(file.stem, [notebook])[1] > Likeness.NONE,
                file.upload.upload,
                file.upload.again,
                file.downloaded,
                file.path,
            ),
        )
        found = {last.path: Collected(student, notebook, last.time)}
        taken = {plain(last.stem), *map(plain, self.notebooks)}
        for file in versions:
            if file == last:
                continue
            is_other = plain(file.stem) not in taken and file.downloaded == last.downloaded
            said = "Left out %s: %s counts"
            if is_other and self.is_of_assignment(file):
                found[file.path] = Collected(student, file.stem, file.time)
                taken.add(plain(file.stem))
                said = "Put beside: %s; %s counts"
            self.log.warning(said, self.name_of(file), self.name_of(last))
        return found

    def is_of_assignment(self, file: File) -> bool:
        """Tell a version of the assignment's notebook from a notebook of another kind."""
        return not grade_ids_of(file.path).isdisjoint(*self.grade_ids.values())

    @cached_property
    def extracted(self) -> Path:
        """Name the folder of what was unpacked."""
        return self.folder(self.parent.extracted_directory)

    def folder(self, name: str) -> Path:
        """Find a folder of the collection."""
        app: Any = self.parent
        return Path(app._format_collect_path(name))

    def name_of(self, file: File) -> str:
        """Give a file's path in the downloads."""
        return self.shown(file.path.relative_to(self.extracted).as_posix())

    def shown(self, name: str) -> str:
        """Write a file's path in one line, without the archive's name where there is only one."""
        archives = [path.name for path in self.extracted.iterdir()]
        name = name.removeprefix(f"{archives[0]}/") if len(archives) == 1 else name
        return name if name.isprintable() else ascii(name)

    def downloaded(self, path: Path) -> float:
        """Tell when a file was downloaded, in seconds since 1970."""
        folder = self.folder(self.parent.archive_directory)
        parts = path.relative_to(self.extracted).parts
        places = [folder.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
        archive = next((place for place in places if place.is_file()), path)
        return archive.stat().st_mtime


def grade_ids_of(path: Path) -> frozenset[str]:
    """Read the grade ids in a notebook's file, whatever its form; none of one too large."""
    if path.stat().st_size > LARGEST_NOTEBOOK:
        return frozenset()
    found = GRADE_ID.findall(path.read_bytes())
    return frozenset(name.decode("utf-8", "replace") for name in found)
