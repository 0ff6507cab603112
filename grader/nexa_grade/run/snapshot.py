"""What every submission of a run is graded with: the release, the settings, the probes.

A snapshot is read once, and goes to each worker as data. Its fingerprint says whether an outcome of
an earlier run still counts.
"""

import copy
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files
from traitlets.config import Config

from nexa_grade.errors import Refusal
from nexa_grade.run.private_gradebook import Rows, fingerprint, read_assignment
from nexa_grade.second_look.look import Table, points_of_tests
from nexa_grade.second_look.table_text import read_table

GRADED_WITH = (  # settings that a score may depend on, by the class that reads them
    "AssignLatePenalties",
    "Autograde",
    "BoundedExecute",
    "BubblewrapProvisioner",
    "Execute",
    "GradeByErrors",
    "ExecutePreprocessor",
    "GuardedExecute",
    "IntakeExporter",
    "LateSubmissionPlugin",
    "NotebookClient",
    "RepairSubmission",
    "SandboxedExecute",
    "SubmissionExporter",
)


@dataclass(frozen=True)
class AssignmentSnapshot:
    """What every submission of a run is graded with."""

    assignment: str
    course_id: str
    config: Config
    definition: Rows
    release: dict[str, bytes]  # released notebooks: contents by path in the release folder
    extras: dict[str, bytes]  # other files of the course, which students get too
    fingerprint: str
    probes: Table | None = None  # of the second look; None: there is none

    @property
    def is_sandboxed(self) -> bool:
        """Tell whether student code runs in the sandbox."""
        return bool(self.config.SandboxedExecute.sandbox)

    @property
    def notebooks(self) -> list[str]:
        """Name the notebooks of the assignment."""
        return [str(row["name"]) for row in self.definition["notebook"]]


@dataclass(frozen=True)
class SnapshotReader:
    """Reads snapshots from a course folder and its gradebook."""

    coursedir: CourseDirectory
    db_url: str
    config: Config  # what submissions are graded with
    is_sandboxed: bool
    preload: list[str]  # modules, where the configuration of the sandbox names none

    def read(self, assignment: str, probes: str = "") -> AssignmentSnapshot:
        """Read what submissions are graded with.

        Args:
            assignment: The assignment's name.
            probes: The file or folder of its probes, as the course folder names it; "" for none.

        Raises:
            GradebookError: The gradebook does not have the assignment.
            Refusal: There is no release, or the probes cannot be used.
        """
        config = self.config_of_workers()
        definition = read_assignment(self.db_url, assignment)
        release = self.files_of(self.coursedir.release_directory, assignment, "*.ipynb")
        if not release:
            raise Refusal(f"no released notebook: run `nbgrader generate_assignment {assignment}`")
        given = self.files_of(self.coursedir.source_directory, assignment, "*")
        given = given or self.files_of(self.coursedir.release_directory, assignment, "*")
        extras = {name: data for name, data in given.items() if not name.endswith(".ipynb")}
        files = [{"release": name, "data": data} for name, data in release.items()]
        files += [{"extra": name, "data": data} for name, data in extras.items()]
        table = self.read_probes(assignment, probes, definition) if probes else None
        seen = [{"text": table.text, "sources": table.sources}] if table else []
        key = fingerprint(
            definition | {"files": files, "settings": settings_of(config), "probes": seen}
        )
        return AssignmentSnapshot(
            assignment, self.coursedir.course_id, config, definition, release, extras,
            key, table,
        )  # fmt: skip

    def config_of_workers(self) -> Config:
        """Give the configuration of each worker."""
        config = copy.deepcopy(self.config)
        config.SandboxedExecute.sandbox = self.is_sandboxed
        if self.is_sandboxed and "preload" not in config.BubblewrapProvisioner:
            config.BubblewrapProvisioner.preload = self.preload
        return config

    def read_probes(self, assignment: str, probes: str, definition: Rows) -> Table:
        """Read the probes of an assignment.

        Raises:
            Refusal: The table cannot be read or has a mistake, or there is no source notebook.
        """
        path = Path(self.coursedir.root, probes)
        sources = self.files_of(self.coursedir.source_directory, assignment, "*.ipynb")
        if not path.exists() or not sources:
            missing = "source notebook" if path.exists() else "file"
            raise Refusal(f"c.NexaGrade.probes: no {missing} for {assignment!a}, {str(path)!a}")
        texts = {Path(name).stem: data.decode() for name, data in sources.items()}
        points = points_of_tests(definition)
        table = Table(str(path), read_table(path), tuple(texts.items()), tuple(points.items()))
        _ = table.probes  # a mistake in it is refused here, not in a worker
        return table

    def files_of(self, step: str, assignment: str, pattern: str) -> dict[str, bytes]:
        """Read the files of the source or the release folder."""
        folder = Path(self.coursedir.format_path(step, ".", assignment))
        paths = [Path(name) for name in find_all_files(str(folder), self.coursedir.ignore)]
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(paths)
            if path.match(pattern)
        }


def settings_of(config: Config) -> list[dict[str, str]]:
    """List the settings that a score may depend on, and the version that grades."""
    found = {name: repr(sorted(config[name].items())) for name in GRADED_WITH}
    words = config.WatchForForgery.get("course_names", [])  # who is accepted changes no other
    found["WatchForForgery.course_names"] = repr(words)
    return [{"version": version("nexa-grade")}, found]
