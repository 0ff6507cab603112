"""How learning platforms name what students handed in: one table, with an example for each.

A platform names either the file or the folder that it lies in. What a folder of a student's holds
was named by the student, so the outermost name that a pattern knows decides. Canvas's names are
those of its source (lib/content_zipper.rb), Blackboard's those of nbgrader's manual; the others are
those that users of the platforms have published scripts for.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nexa_grade.intake.file_names import Likeness, composed, notebook_meant, plain, stem_of


@dataclass(frozen=True)
class Platform:
    """What the files or folders of a platform are called.

    The groups of the pattern: ``student`` (its name for the student), ``file`` (the student's name
    for the file), ``owner`` (a longer name, for when ``student`` turns out to be two people's),
    ``time`` (when it was handed in), ``upload`` (a number that grows), ``late``.
    """

    name: str
    example: str
    pattern: re.Pattern[str]
    is_folder: bool = False
    is_sure: bool = True  # False: other files are called so, too
    times: tuple[str, ...] = ()  # formats of strptime


# A third number in a row could be the end of a name as well as the start of a file's name.
CANVAS_FILE = r"_(?P<upload>\d+)_(?!\d+_)(?P<file>[^/]+)"
BRIGHTSPACE = (
    r"(?P<student>\d+)-\d+ ?- ?(?P<owner>[^/]+?) ?- ?"
    r"(?P<time>[^/\-]*\d{4}[ ,]+\d{3,4}(?: ?[AaPp][Mm])?)"
)
BRIGHTSPACE_TIMES = ("%b %d %Y %I:%M %p", "%d %b %Y %I:%M %p", "%b %d %Y %H:%M", "%d %b %Y %H:%M")

PLATFORMS = (
    Platform(
        "Canvas",
        "lovelaceada_1234_567890_ps1.ipynb",
        re.compile(rf"(?:(?!_\d+_)[^/])+?_(?P<late>LATE_)?(?P<student>\d+){CANVAS_FILE}"),
    ),
    Platform(
        "Canvas, anonymous",
        "anon_aB3dE_567890_ps1.ipynb",
        re.compile(rf"(?P<late>LATE_)?(?P<student>anon_[A-Za-z0-9]+){CANVAS_FILE}"),
    ),
    Platform(
        "Moodle",
        "Ada Lovelace_1234_assignsubmission_file_/ps1.ipynb",
        re.compile(r"[^/]+?_(?P<student>\d+)_assignsubmission_(?:file|onlinetext)(?:_[^/]*)?"),
        is_folder=True,
    ),
    Platform(
        "Moodle, no folders",
        "Ada Lovelace_1234_assignsubmission_file_ps1.ipynb",
        re.compile(r"[^/]+?_(?P<student>\d+)_assignsubmission_(?:file|onlinetext)_(?P<file>[^/]+)"),
    ),
    Platform(
        "Blackboard",
        "ps1_ada_attempt_2026-11-02-10-20-30_ps1.ipynb",
        re.compile(
            r"(?P<owner>(?:(?!_attempt_\d{4}-)[^/])*_(?P<student>(?:(?!_attempt_\d{4}-)[^_/])+))"
            r"_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>[^/]+)|\.txt)"
        ),
        times=("%Y-%m-%d-%H-%M-%S",),
    ),
    Platform(
        "Brightspace",
        "1234-5678 - Ada Lovelace - Nov 2, 2026 1120 PM/ps1.ipynb",
        re.compile(BRIGHTSPACE),
        is_folder=True,
        times=BRIGHTSPACE_TIMES,
    ),
    Platform(
        "Brightspace, no folders",
        "1234-5678 - Ada Lovelace - Nov 2, 2026 1120 PM - ps1.ipynb",
        re.compile(rf"{BRIGHTSPACE} ?- ?(?P<file>[^/]+)"),
        times=BRIGHTSPACE_TIMES,
    ),
    Platform(
        "Sakai",
        "Problem set/Lovelace, Ada(ada1)/Submission attachment(s)/ps1.ipynb",
        re.compile(r"[^/(]+,[^/(]*[^/( ]\((?P<student>[^()/]+)\)"),
        is_folder=True,
    ),
    Platform(
        "Sakai, no folders",
        "Problem set/Lovelace, Ada(ada1)_Submission attachment(s)_ps1.ipynb",
        re.compile(
            r"[^/(]+,[^/(]*[^/( ]\((?P<student>[^()/]+)\)"
            r"_Submission attachment\(s\)_(?P<file>[^/]+)"
        ),
    ),
    Platform(
        "Gradescope",
        "assignment_42_export/submission_1234/ps1.ipynb",
        re.compile(r"submission_(?P<student>\d+)"),
        is_folder=True,
    ),
    Platform(
        "Google Classroom",
        "Ada Lovelace - ps1.ipynb",
        re.compile(
            r"(?!Copy of |Kopie von )(?P<student>[^\W\d_][^/\d_]* [^/\d_]*?[^\W\d_]\.?) - "
            r"(?P<file>(?!Copy\b|Kopie\b)[^/]+)",
            re.IGNORECASE,
        ),
        is_sure=False,
    ),
)
# Files that platforms write themselves, where they name no student.
OF_PLATFORMS = {
    "comments.txt", "feedbacktext.html", "grades.csv", "grades.xls", "grades.xlsx", "index.html",
    "submission_metadata.yml", "timestamp.txt",
}  # fmt: skip
SAKAI_FOLDER = "Submission attachment(s)/"
AGAIN = re.compile(r"-(\d+)$")  # how Canvas marks a file that replaces one
# Folders that hold everybody's files; a student's is not called so.
WRAPPERS = re.compile(
    r"(?:submissions?|submitted|archives?|extracted|downloads?|downloaded|files?|all|export"
    r"|assignments?|bulk_download|notebooks?|homeworks?|new folder)(?:[ _-]*\(?\d*\)?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Upload:
    """Whose an uploaded file is, and what its name tells."""

    student: str
    path: str  # below what names the student; all of it is the student's choice
    platform: str = ""  # "" for a plain folder
    owner: str = ""
    upload: int = 0
    time: datetime | None = None  # as the platform wrote it, mostly without a time zone
    is_late: bool = False  # as Canvas marks it
    is_sure: bool = True  # False: other files are called so, too

    @property
    def stem(self) -> str:
        """Give the notebook's name without ending; "" for another file."""
        return stem_of(self.path.rpartition("/")[2]) or ""

    @property
    def is_of_platform(self) -> bool:
        """Tell a file that the platform wrote into the student's folder, or in its name."""
        if self.platform == "Sakai":
            return not self.path.startswith(SAKAI_FOLDER)
        return not self.path or (
            self.platform.startswith("Moodle") and self.path == "onlinetext.html"
        )

    @property
    def again(self) -> int:
        """Tell how often Canvas saw the file replaced."""
        found = AGAIN.search(self.stem)
        return int(found[1]) if found and self.platform.startswith("Canvas") else 0


def read_time(text: str, formats: Sequence[str]) -> datetime | None:
    """Read a time in one of a platform's formats; None for another form."""
    text = re.sub(r"\b(\d{1,2})(\d\d)(?= ?[AP]M$|$)", r"\1:\2", text.strip().upper())
    text = " ".join(re.sub(r"([A-Z]{3})[A-Z]*", r"\1", text.replace(",", " ")).split())
    text = re.sub(r"(?<=\d)([AP]M)$", r" \1", text)
    for form in formats:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def read_part(part: str, rest: str) -> Upload | None:
    """Read the name that a platform gave to a file or a folder.

    Args:
        part: The name of a folder, or of a file where ``rest`` is empty. A student's archive is
            unpacked into a folder of its name: it counts as a file.
        rest: What lies below it.

    Returns:
        None where it is no platform's name.
    """
    is_file = not rest or part.lower().endswith(".zip")
    for platform in PLATFORMS:
        if platform.is_folder == is_file:
            continue
        found = platform.pattern.fullmatch(part)
        if not found:
            continue
        groups = found.groupdict()
        time = groups.get("time")
        return Upload(
            composed(groups["student"]).strip(),
            rest or groups.get("file") or "",
            platform.name,
            composed(groups.get("owner") or ""),
            int(groups.get("upload") or 0),
            read_time(time, platform.times) if time else None,
            bool(groups.get("late")),
            platform.is_sure,
        )
    return None


Named = dict[str, Upload | None]  # by path


@dataclass(frozen=True)
class Folder:
    """What lies in a folder that no platform named."""

    name: str
    rests: tuple[str, ...]  # paths in it
    inner: Named  # how they read if the folder holds everybody's files

    @property
    def students(self) -> set[str]:
        """Name the students whom a platform names in it; one unsure name is not enough."""
        named = [one for one in self.inner.values() if one and one.platform]
        unsure = {one.student for one in named if not one.is_sure}
        return {one.student for one in named if one.is_sure} or (
            unsure if len(unsure) > 1 else set()
        )

    @property
    def has_notebook(self) -> bool:
        """Tell whether a notebook lies directly in it."""
        return any(stem_of(rest) for rest in self.rests if "/" not in rest)

    @property
    def folders(self) -> set[str]:
        """Name its folders that hold notebooks."""
        return {rest.partition("/")[0] for rest in self.rests if "/" in rest and stem_of(rest)}


@dataclass(frozen=True)
class Reader:
    """Reads the names of one download.

    Attributes:
        released: Names of the released notebooks.
        assignment: The assignment's name: ``ada/ps1/ps1.ipynb`` is ada's.
    """

    released: Sequence[str]
    assignment: str = ""

    def read(self, names: Iterable[str]) -> Named:
        """Find out whose each file is.

        Args:
            names: Paths in the download, with ``/``; an archive counts as a folder.

        Returns:
            For each path what its name tells; None where it tells nobody's name.
        """
        tree: dict[str, list[str]] = {}  # what lies below each first part; [""] for a file
        for name in names:
            first, _, rest = name.partition("/")
            tree.setdefault(first, []).append(rest)
        known = {part: self.read_platform(part, rests) for part, rests in tree.items()}
        if any(upload and upload.is_sure for upload in known.values()):
            known = {part: one if one and one.is_sure else None for part, one in known.items()}
        folders = [
            Folder(part, tuple(rests), self.read(rests))
            for part, rests in tree.items()
            if rests != [""] and not known[part]
        ]
        found: Named = {}
        for part, rests in tree.items():
            upload = known[part]
            for rest in rests:
                path = f"{part}/{rest}" if rest else part
                found[path] = replace(upload, path=rest or upload.path) if upload else None
        for folder in folders:
            found |= self.read_folder(folder, folders)
        return found

    def read_platform(self, part: str, rests: Sequence[str]) -> Upload | None:
        """Read a name as a platform's; one of the form ``Ada Lovelace - file`` with care."""
        upload = read_part(part, rests[0])
        if upload is None or upload.is_sure:
            return upload
        starts_as_notebook = notebook_meant(upload.student, self.released)[1] > Likeness.PART
        return None if starts_as_notebook else upload

    def read_folder(self, folder: Folder, siblings: Sequence[Folder]) -> Named:
        """Read a folder that no platform named: everybody's, or one student's."""
        inner = {f"{folder.name}/{rest}": folder.inner[rest] for rest in folder.rests}
        if folder.name.startswith("."):
            return dict.fromkeys(inner)
        if folder.name.lower().endswith(".zip"):
            student = folder.name[: -len(".zip")]
            is_own = folder.has_notebook and not any(inner.values())
            if not is_own or self.is_wrapper_name(student):
                return inner
        else:
            student = folder.name
            if self.is_wrapper_name(student):
                return inner
            others = [one for one in siblings if not one.name.lower().endswith(".zip")]
            is_shared = self.is_shared(folder, others)
            if is_shared is not False:
                return inner if is_shared else dict.fromkeys(inner)
        return {f"{folder.name}/{rest}": Upload(composed(student), rest) for rest in folder.rests}

    def is_wrapper_name(self, name: str) -> bool:
        """Tell a name that a student's folder cannot have."""
        return bool(WRAPPERS.fullmatch(name)) or plain(name) == plain(self.assignment)

    def is_shared(self, folder: Folder, siblings: Sequence[Folder]) -> bool | None:
        """Tell a folder that holds everybody's files from a student's; None if it may be either.

        A student may give any name to what lies in a folder of their own, so names in it count
        only where the folders beside it look alike.
        """
        if folder.students:
            if all(one.students for one in siblings if one.has_notebook or one.folders):
                return True
            return None if len(folder.students) > 1 else False
        if folder.has_notebook or folder.folders <= {self.assignment}:
            return False
        if len(folder.folders) == 1 and min(folder.folders).lower().endswith(".zip"):
            return False  # what a student packed
        if len(folder.folders) > 1:
            return all(len(one.folders) > 1 and not one.has_notebook for one in siblings)
        return None if len(siblings) == 1 else False
