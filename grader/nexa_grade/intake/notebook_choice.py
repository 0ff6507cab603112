"""Which notebook in a submission's folder counts, where names or copies leave a doubt.

nbgrader grades the file that has the released name. A student may have worked in a copy beside it,
or have handed in a file of another name: the untouched notebook would be graded 0. Here each
notebook in the folder is held against the release. Where only one can be meant, it counts, and that
is said; where two can, a person decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from nexa_grade.errors import HeldForReview, UngradableError
from nexa_grade.intake.file_names import Likeness, is_junk, notebook_meant, stem_of
from nexa_grade.intake.notebook_file import read_notebook, require_notebook_file
from nexa_grade.repair.match_cells import SubmittedCell, look_at, match
from nexa_grade.repair.release import ReleasedCell

MOST_NAMES = 5  # in one message
MOST_CELLS = 5000  # of one notebook
MOST_READ = 20  # notebooks of one submission
OF_COLLECTION = {"timestamp.txt", "submission_secret.txt"}
ADVICE = "leave one of them in the folder, or accept what counts with c.WatchForForgery.accepted"
Release = Mapping[str, Sequence[ReleasedCell]]  # by notebook


@dataclass(frozen=True)
class Choice:
    """The file that counts for a released notebook, and what is said about it."""

    path: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A notebook in a submission's folder; ``name`` is its path there."""

    name: str
    path: Path
    max_bytes: int

    @cached_property
    def cells(self) -> list[SubmittedCell] | None:
        """Read its cells; None where nothing can be read."""
        try:
            require_notebook_file(self.path, self.max_bytes)
            notebook, _ = read_notebook(self.path.read_bytes())
            cells = notebook.cells
            return [look_at(cell) for cell in cells] if len(cells) <= MOST_CELLS else None
        except (UngradableError, OSError, RecursionError):
            return None

    def known(self, released: Sequence[ReleasedCell]) -> dict[str, str]:
        """Find the cells of a released notebook in this one: their texts by grade id."""
        if self.cells is None:
            return {}
        chosen = match(self.cells, released).chosen
        return {name: self.cells[place].text for name, place in chosen.items()}

    def share(self, released: Sequence[ReleasedCell]) -> tuple[int, int]:
        """Count the grade ids of a released notebook in this one, and all of its known cells."""
        ids = {cell.grade_id for cell in released if cell.grade_id}
        return len(ids & {cell.grade_id for cell in self.cells or []}), len(self.known(released))

    def work(self, released: Sequence[ReleasedCell]) -> dict[str, str]:
        """Give the answers that differ from the released cells, by grade id."""
        known = self.known(released)
        return {
            cell.grade_id: text
            for cell in released
            if cell.is_solution and (text := known.get(cell.grade_id)) and text not in cell.texts
        }


def listed(names: Iterable[str]) -> str:
    """Write names of files, which may be a student's, in one line."""
    names = sorted(names)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"{name[:80]!a}" for name in names[:MOST_NAMES]) + more


def files_in(folder: Path, ignore: Sequence[str], given: Iterable[str]) -> list[str]:
    """List the student's files in a submission: paths in the folder."""
    known = OF_COLLECTION.union(given)
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_ignored = any(fnmatch(part, pattern) for part in name.parts for pattern in ignore)
        if path.is_file() and not is_ignored and not is_junk(name.as_posix()):
            found.append(name.as_posix())
    return [name for name in found if name not in known]


def choose_notebooks(
    folder: Path, release: Release, ignore: Sequence[str] = (), given: Iterable[str] = (),
    is_accepted: bool = False, max_bytes: int = 100_000_000,
) -> dict[str, Choice]:  # fmt: skip
    """Choose the file that counts for each released notebook.

    Args:
        folder: What one student handed in.
        release: The cells of the released notebooks.
        ignore: Patterns of names that do not count, as in ``c.CourseDirectory.ignore``.
        given: Files that come with the assignment.
        is_accepted: Whether a person has looked: the file with the released name counts then.
        max_bytes: The largest notebook that is read.

    Returns:
        Choices by released notebook; one that was not handed in is left out.

    Raises:
        HeldForReview: Two files may be meant.
        UngradableError: None of the files is a notebook of the assignment.
    """
    names = files_in(folder, ignore, given)
    exact = {name: f"{name}.ipynb" for name in release if f"{name}.ipynb" in names}
    others = [name for name in names if is_notebook(name) and name not in exact.values()]
    plain_files = [name for name in names if not is_notebook(name)]
    versions: dict[str, list[Candidate]] = {name: [] for name in ["", *release]}
    for one in (Candidate(name, folder / name, max_bytes) for name in others[:MOST_READ]):
        versions[meant(one, release)].append(one)
    unknown = versions[""]
    choices: dict[str, Choice] = {}
    for name, cells in release.items():
        if name in exact:
            mine = Candidate(exact[name], folder / exact[name], max_bytes)
            choices[name] = choose_beside(
                mine, versions[name], unknown, plain_files, cells, is_accepted
            )
        elif versions[name]:
            choices[name] = choose_renamed(name, versions[name], cells)
    return with_missing(choices, release, unknown, names, is_accepted)


def with_missing(
    choices: Mapping[str, Choice], release: Release, unknown: Sequence[Candidate],
    names: Sequence[str], is_accepted: bool,
) -> dict[str, Choice]:  # fmt: skip
    """Say of each released notebook that it was not handed in.

    Raises:
        HeldForReview: A file that nobody knows may be one of them.
        UngradableError: None was handed in.
    """
    missing = [f"{name}.ipynb" for name in release if name not in choices]
    if not choices:
        raise UngradableError(f"expected a notebook ({', '.join(missing)}), got {got(names)}")
    if missing and unknown and not is_accepted:
        found = listed(one.name for one in unknown)
        raise HeldForReview(f"expected {', '.join(missing)}, got {found}: is it one of them?")
    first = min(choices)
    said = tuple(f"{name} was not handed in: it has 0 points" for name in missing)
    return {**choices, first: Choice(choices[first].path, choices[first].notes + said)}


def is_notebook(name: str) -> bool:
    """Tell a notebook by the name of its file, however its ending was changed."""
    return stem_of(Path(name).name) is not None


def got(names: Sequence[str]) -> str:
    """Say what was found in place of a notebook of the assignment."""
    notebooks = [name for name in names if is_notebook(name)]
    if notebooks:
        return f"{listed(notebooks)}, with no cell of the assignment that can be read"
    return f"none, only {listed(names)}" if names else "none"


def meant(candidate: Candidate, release: Release) -> str:
    """Name the released notebook that a file is a version of; "" for none."""
    shares = {name: candidate.share(cells) for name, cells in release.items()}
    best = max(shares, key=lambda name: shares[name])
    name, fits = notebook_meant(stem_of(Path(candidate.name).name) or "", release)
    if fits >= Likeness.COPY and candidate.cells is not None and shares[name] == shares[best]:
        return name
    return best if any(shares[best]) else ""


def choose_beside(
    mine: Candidate, others: Sequence[Candidate], unknown: Sequence[Candidate],
    plain_files: Iterable[str], released: Sequence[ReleasedCell], is_accepted: bool,
) -> Choice:  # fmt: skip
    """Let the file with the right name count, unless another one has what it lacks.

    Raises:
        HeldForReview: It has.
    """
    if not (others or unknown or plain_files):
        return Choice(mine.path)
    work = mine.work(released)
    notes = []
    for other in others:
        theirs = other.work(released)
        lacks = [name for name in theirs if name not in work]
        if lacks:
            said = f"{other.name!a} has answers that {mine.name!a} lacks ({listed(lacks)})"
            notes.append(hold_or_note(f"{said}: which one counts?", mine, is_accepted))
        elif any(work[name] != text for name, text in theirs.items()):
            notes.append(f"{other.name!a} lies beside {mine.name!a}, which counts")
    others_files = [one.name for one in unknown]
    if not work and others_files:
        said = f"{mine.name!a} is as it was released, and {listed(others_files)} lies beside it"
        notes.append(hold_or_note(f"{said}: which one counts?", mine, is_accepted))
    elif not work and plain_files:
        notes.append(f"{mine.name!a} is as it was released; beside it: {listed(plain_files)}")
    return Choice(mine.path, tuple(notes))


def hold_or_note(doubt: str, mine: Candidate, is_accepted: bool) -> str:
    """Hold a submission for a doubt, or turn the doubt into a note if a person has looked at it.

    Raises:
        HeldForReview: Nobody has.
    """
    if not is_accepted:
        raise HeldForReview(f"{doubt} {ADVICE}")
    return f"{doubt} {mine.name!a} does: a person has looked at it"


def choose_renamed(
    name: str, candidates: Sequence[Candidate], released: Sequence[ReleasedCell]
) -> Choice:
    """Let a file of another name count, if one has all the work that there is.

    Raises:
        HeldForReview: Several have different work.
    """
    works = [candidate.work(released) for candidate in candidates]
    for candidate, work in zip(candidates, works, strict=True):
        if all(other.items() <= work.items() for other in works):
            return Choice(candidate.path, (f"{candidate.name!a} is graded as {name}.ipynb",))
    found = listed(candidate.name for candidate in candidates)
    advice = "leave one of them in the folder"
    raise HeldForReview(f"expected {name}.ipynb, got {found}, with different answers: {advice}")
