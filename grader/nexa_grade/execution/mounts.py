"""What is visible in a sandbox, as arguments of bubblewrap.

The system and Python, read-only and with holes where something is hidden; a few writable folders
in memory, one of them with a copy of the submission's files.
"""

import importlib.util
import logging
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from nexa_grade.execution.bubblewrap import SandboxError
from nexa_grade.intake.submission_files import MAX_FILES, open_files

SUBMISSION = "/submission"  # the working folder, as the student's code sees it
PACKAGE = Path(__file__).resolve().parents[1]
EXCHANGE = "/usr/local/share/nbgrader"  # nbgrader's
MOST_FILES = MAX_FILES + 200  # a submission's and the course's own; each is open for a moment
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = (
    "/etc/alternatives",  # Debian's choice of shared libraries
    "/etc/fonts",  # without it, fontconfig complains on stderr
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",  # the same, of torch
)


def list_hidden(paths: Iterable[str], packages: Iterable[str]) -> list[str]:
    """List the paths that are hidden: those that a course names, and those that always are.

    Args:
        paths: Files and folders.
        packages: Names of installed packages.
    """
    always = [EXCHANGE, str(PACKAGE), *map(str, repositories_around([PACKAGE]))]
    named = [place for name in packages for place in places_of_package(name)]
    return [*always, *named, *paths]


def show_all(home: str, folder_bytes: int, hidden: Iterable[str], sockets: Path) -> list[str]:
    """Show all that a kernel needs but the submission's files, which ``copy_files`` brings.

    Args:
        home: The folder that the kernel takes for its home.
        folder_bytes: What each writable folder may hold.
        hidden: Paths that stay hidden.
        sockets: The folder through which the kernel is spoken to.
    """
    arguments = ["--proc", "/proc", "--dev", "/dev"]
    for folder in dict.fromkeys(["/tmp", "/dev/shm", home, SUBMISSION]):
        arguments += ["--perms", "0777", "--size", str(folder_bytes), "--tmpfs", folder]
    arguments += [*show_fonts(home), *show_system(hidden), "--bind", str(sockets), str(sockets)]
    return [*arguments, *f"--remount-ro /dev --remount-ro / --chdir {SUBMISSION}".split()]


def copy_files(
    submission: Path, stack: ExitStack, log: logging.Logger
) -> tuple[list[str], list[int]]:
    """Copy a folder's files into the sandbox's memory; links and notebooks stay out.

    Args:
        submission: The folder.
        stack: Closes the files.
        log: Is told what is left out.

    Returns:
        Arguments for bubblewrap, and the file descriptors that it reads.

    Raises:
        SandboxError: The folder has too many files.
    """
    arguments: list[str] = []
    descriptors: list[int] = []
    made = {Path()}
    for path, file in open_files(submission):
        if file is None:
            log.warning("Sandbox: left out %s, which is not a regular file", path)
            continue
        stack.enter_context(file)
        if path.suffix == ".ipynb":  # nbgrader has put the hidden tests into it
            continue
        if len(descriptors) == MOST_FILES:
            raise SandboxError(f"expected at most {MOST_FILES} files beside the notebook")
        for parent in reversed(path.parents):
            if parent not in made:
                arguments += ["--perms", "0777", "--dir", f"{SUBMISSION}/{parent}"]
                made.add(parent)
        target = ["--file", str(file.fileno()), f"{SUBMISSION}/{path}"]
        arguments += ["--perms", "0666", *target]
        descriptors.append(file.fileno())
    return arguments, descriptors


def show_system(hidden: Iterable[str]) -> list[str]:
    """Show the system and Python, read-only, and nothing of the hidden folders."""
    arguments: list[str] = []
    for folder in map(Path, SYSTEM):
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += show(folder, hidden)
    for name in SYSTEM_FILES:
        arguments += ["--ro-bind-try", name, name]
    prefixes = [Path(prefix) for prefix in (sys.base_prefix, sys.prefix)]
    for folder in dict.fromkeys([*prefixes, *(prefix.resolve() for prefix in prefixes)]):
        arguments += show(folder, hidden)
    return arguments


def show(folder: Path, hidden: Iterable[str]) -> list[str]:
    """Show one folder, read-only: hidden folders in it are empty, hidden files cannot be read.

    Links are followed first, in the folder's path as well: what is hidden under one name is hidden
    under every other.
    """
    arguments = [*make_parents(folder), "--ro-bind", str(folder), str(folder)]
    real = folder.resolve()
    found = sorted({Path(name).resolve() for name in hidden})
    inside = [path for path in found if path.is_relative_to(real) and path != real]
    for path in inside:
        if any(path.is_relative_to(other) for other in inside if other != path):
            continue  # it is gone with the folder that it lies in
        place = str(folder / path.relative_to(real))
        if path.is_dir():
            arguments += ["--tmpfs", place, "--remount-ro", place]
        elif path.exists():
            arguments += ["--ro-bind", "/dev/null", place]
    return arguments


def places_of_package(name: str) -> list[str]:
    """List where the code of an installed package lies; it is not imported for that.

    Args:
        name: A package or a module; of ``a.b``, all of ``a`` is meant.

    Returns:
        Its folders, or the files of a single module (the compiled ones, too), and the repository
        around an editable install. Nothing where the name is not installed.
    """
    top = name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a specification, such as __main__
        spec = None
    if spec is None:
        return []
    places = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not places and spec.has_location and spec.origin:
        file = Path(spec.origin)
        places = [file, *(file.parent / "__pycache__").glob(f"{top}.*.pyc")]
    return [str(path) for path in (*places, *repositories_around(places[:1]))]


def repositories_around(places: Iterable[Path]) -> list[Path]:
    """List the folders above code with a pyproject.toml: ``repository/[src/]package``."""
    above = [parent for place in places for parent in list(place.resolve().parents)[:2]]
    return [folder for folder in above if (folder / "pyproject.toml").exists()]


def show_fonts(home: str) -> list[str]:
    """Show matplotlib's list of fonts; to search for fonts takes it a second, in each kernel."""
    arguments: list[str] = []
    cache = Path(home, ".cache", "matplotlib")
    for path in Path("~/.cache/matplotlib").expanduser().glob("fontlist-*.json"):
        for folder in (cache.parent, cache):
            arguments += ["--perms", "0777", "--dir", str(folder)]
        arguments += ["--ro-bind", str(path), str(cache / path.name)]
    return arguments


def make_parents(folder: Path) -> list[str]:
    """Make the folders above one; bubblewrap would make them, but for its own user alone."""
    above = [str(parent) for parent in reversed(folder.parents) if parent != parent.parent]
    return [word for parent in above for word in ("--perms", "0755", "--dir", parent)]
