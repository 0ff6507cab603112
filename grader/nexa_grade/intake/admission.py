"""What is let in to be graded: a folder of regular files, and a time that is one.

nbgrader copies what was handed in before it opens the notebook. It follows links on the way: a
link to the gradebook would lie beside the notebook as a copy, for the student's code to read. From
a pipe it would read for ever. So each submission is looked at before nbgrader touches it, and is
refused as a whole, with one line and without a score. What is inside a notebook is left to
``reading`` and ``repair``.
"""

import os
import stat
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets import Integer, List, Unicode

from nexa_grade.errors import UngradableError
from nexa_grade.gradebook_scores import forget_page_of, forget_scores_of
from nexa_grade.intake.notebook_choice import Choice, choose_notebooks, files_in
from nexa_grade.intake.notebook_file import SubmissionExporter, kind_of
from nexa_grade.intake.submission_files import (
    MAX_BYTES,
    MAX_FILES,
    TIMESTAMP,
    find_submissions,
    is_plain_name,
    is_timestamp,
)
from nexa_grade.repair.release import ReleasedCell, read_release, release_path


def folder_of(course: CourseDirectory, student: str, assignment: str) -> Path:
    """Name the folder that a student handed in."""
    return Path(course.format_path(course.submitted_directory, student, assignment))


def require_own_folder(folder: Path, course: CourseDirectory) -> None:
    """Refuse a folder that is a link, or lies behind one; ``submitted`` itself may be a link.

    Raises:
        UngradableError: It is such a folder.
    """
    top = Path(course.root, course.submitted_directory)
    for path in (folder, *(parent for parent in folder.parents if top in parent.parents)):
        if path.is_symlink():
            raise UngradableError(f"expected a folder, got a symbolic link: {path.name!a}")


def require_regular_files(folder: Path, max_files: int, max_bytes: int) -> None:
    """Refuse a folder that holds anything but folders and regular files, or too many of them.

    A notebook that is a folder is left to ``reading``, which can name it.

    Raises:
        UngradableError: It does.
    """
    count = size = 0
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, name) for name in [*folders, *files]):
            found = path.lstat()
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                name = str(path.relative_to(folder))
                kind = kind_of(found.st_mode)
                raise UngradableError(f"expected regular files, got a {kind}: {name!a}")
            count += 1
            size += found.st_size
            if count > max_files or size > max_bytes:
                limits = f"{max_files} files and folders of {max_bytes} bytes"
                raise UngradableError(f"expected at most {limits} in all, got more")


def require_timestamp(path: Path) -> None:
    """Refuse a file that nbgrader would not read as a time; it may be missing, or empty.

    Raises:
        UngradableError: It is such a file.
    """
    if path.exists() and not is_timestamp(path.read_bytes()):
        raise UngradableError(f"{path.name}: expected a time, got something else")


def is_newer(folder: Path, graded: Path) -> bool:
    """Tell whether anything was put into a submission since it was graded.

    The time at which a file got here counts: that of its contents comes from the archive.
    """
    times = [path.stat().st_mtime_ns for path in graded.glob("*.ipynb")]
    written = max(path.lstat().st_ctime_ns for path in (folder, *folder.rglob("*")))
    return bool(times) and written > min(times)


class FolderAutograde(Autograde):  # type: ignore[misc]
    """nbgrader's Autograde, also for folders without a notebook that nbgrader would find.

    ``IntakeExporter`` has to be its exporter: it finds what was handed in under another name.
    """

    def init_notebooks(self) -> None:
        """List the notebooks of each submission, none for a folder without."""
        folders = find_submissions(self.coursedir, str(self.coursedir.assignment_id)).values()
        self.assignments = {
            str(folder): sorted(map(str, folder.glob("*.ipynb"))) for folder in folders
        }


class IntakeExporter(SubmissionExporter):
    """Reads submissions, and looks at each before nbgrader does.

    nbgrader lets a course choose the exporter, and makes it, with the converter as its parent,
    before the first submission. Its own ``pre_convert_hook`` comes too late, after nbgrader has
    read the time, and cannot refuse anything: its errors are swallowed.
    """

    max_files = Integer(MAX_FILES, help="Most files and folders that a submission may have.").tag(
        config=True
    )
    max_folder_bytes = Integer(
        MAX_BYTES, help="Largest submission, all files together, in bytes."
    ).tag(config=True)

    left_out = List(
        Unicode(), help="Released notebooks that are not looked for: theirs are broken."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        """Stand in front of the converter's first step for each submission."""
        super().__init__(**kwargs)
        self.choices: dict[str, Choice] = {}  # by the path that nbgrader asks for
        self.autograde: Any = self.parent
        if isinstance(self.autograde, Autograde):
            self.proceed = self.autograde.init_destination
            self.autograde.init_destination = self.let_in
            self.look_for_others(self.autograde.coursedir)

    def look_for_others(self, course: CourseDirectory) -> None:
        """Say which submissions nbgrader does not take, or would take for somebody else's."""
        assignment = str(course.assignment_id)
        listed = self.autograde.assignments
        for student, folder in find_submissions(course, assignment).items():
            if not is_plain_name(student):
                listed.pop(str(folder), None)
                reason = "expected a folder named for a student, got a pattern or no plain text"
                self.refuse(ascii(student), reason)
            elif course.notebook_id == "*":
                listed.setdefault(str(folder), [])  # ``let_in`` finds a notebook of another name

    def refuse(self, student: str, reason: str, kind: str = "UngradableError") -> None:
        """Say that a submission is not graded, to people and to machines."""
        reason = f"{kind}: {reason}"
        self.log.error(
            "Not graded, no score: student %s, the whole submission: %s",
            student,
            reason,
            extra={"nexa": {"failure": {"kind": kind, "reason": reason}}},
        )

    def let_in(self, assignment: str, student: str) -> bool:
        """Look at a submission; then do nbgrader's ``init_destination``.

        An error that is raised here costs this submission alone.

        Returns:
            Whether it is to be graded now.

        Raises:
            UngradableError: It is refused.
        """
        course = self.autograde.coursedir
        if student in course.student_id_exclude.split(","):
            return False
        try:
            self.check(folder_of(course, student, assignment), course)
            is_wanted = self.proceed_if_newer(assignment, student)
            if is_wanted:
                self.choose(assignment, student)
        except (UngradableError, OSError) as error:
            self.refuse(student, str(error), type(error).__name__)
            forget_page_of(course, assignment, student)
            self.enter_without_score(course, assignment, student)
            raise
        if is_wanted:
            forget_page_of(course, assignment, student)  # of an older submission
            forget_scores_of(course.db_url, assignment, student, course.notebook_id)
        return is_wanted

    def choose(self, assignment: str, student: str) -> None:
        """Tell nbgrader which notebooks to grade, by the names that they have in the release.

        Raises:
            HeldForReview: It is not clear which file counts.
            UngradableError: None is a notebook of the assignment.
        """
        course = self.autograde.coursedir
        names = [one for one in self.released_names(assignment) if one not in self.left_out]
        if not names:
            return  # nbgrader says what is missing
        folder = folder_of(course, student, assignment)
        given = self.given_files(assignment)
        wanted = sorted(f"{name}.ipynb" for name in names)
        if files_in(folder, course.ignore, given) == wanted:
            choices = {name: Choice(folder / f"{name}.ipynb") for name in names}
        else:
            accepted = self.config.WatchForForgery.get("accepted", [])
            choices = choose_notebooks(
                folder, self.read_release(assignment, names), course.ignore, given,
                student in accepted, self.max_bytes,
            )  # fmt: skip
        self.choices = {
            str(folder / f"{name}.ipynb"): choice
            for name, choice in choices.items()
            if fnmatchcase(name, course.notebook_id)
        }
        self.autograde.notebooks = sorted(self.choices)

    def released_names(self, assignment: str) -> list[str]:
        """Name the released notebooks; [] where the gradebook does not have the assignment."""
        with Gradebook(self.autograde.coursedir.db_url) as gradebook:
            try:
                return [one.name for one in gradebook.find_assignment(assignment).notebooks]
            except MissingEntry:
                return []

    def read_release(self, assignment: str, names: Sequence[str]) -> dict[str, list[ReleasedCell]]:
        """Read the cells of the released notebooks, by notebook."""
        url = self.autograde.coursedir.db_url
        return {
            name: read_release(release_path(self, assignment, name), url, assignment, name)
            for name in names
        }

    def given_files(self, assignment: str) -> set[str]:
        """Name the files that come with an assignment."""
        course = self.autograde.coursedir
        steps = (course.source_directory, course.release_directory)
        folders = [Path(course.format_path(step, ".", assignment)) for step in steps]
        return {
            path.relative_to(folder).as_posix()
            for folder in folders
            for path in folder.rglob("*")
            if path.suffix != ".ipynb"
        }

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert the file that counts for a notebook, whatever its own name is."""
        choice = self.choices.get(filename, Choice(Path(filename)))
        self.notes = choice.notes
        return super().from_filename(str(choice.path), resources, **kw)

    def proceed_if_newer(self, assignment: str, student: str) -> bool:
        """Do nbgrader's ``init_destination``, which takes timestamp.txt alone for news."""
        graded = Path(self.autograde._format_dest(assignment, student))
        folder = folder_of(self.autograde.coursedir, student, assignment)
        is_forced = self.autograde.force
        self.autograde.force = is_forced or is_newer(folder, graded)
        try:
            return bool(self.proceed(assignment, student))
        finally:
            self.autograde.force = is_forced

    def check(self, folder: Path, course: CourseDirectory) -> None:
        """Refuse what must not be copied.

        Raises:
            UngradableError: It must not.
        """
        require_own_folder(folder, course)
        require_regular_files(folder, self.max_files, self.max_folder_bytes)
        require_timestamp(folder / TIMESTAMP)

    def enter_without_score(self, course: CourseDirectory, assignment: str, student: str) -> None:
        """Put a refused submission into the gradebook, as one that could not be graded."""
        with Gradebook(course.db_url, course.course_id) as gradebook:
            try:
                gradebook.find_assignment(assignment)
                if self.autograde.create_student:
                    gradebook.update_or_create_student(student)
                gradebook.update_or_create_submission(assignment, student)
            except MissingEntry:
                return
        forget_scores_of(course.db_url, assignment, student)
