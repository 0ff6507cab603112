"""The command line of bubblewrap: what a sandbox shows, and whether there can be one here."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


SYSTEM_FILES = (
    "/etc/alternatives",  # Debian's choice of shared libraries
    "/etc/fonts",  # without it, fontconfig complains on stderr
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",  # the same, of torch
)


class SandboxError(RuntimeError):
    """There is no sandbox, in words for the person at the terminal."""


def namespaces() -> list[str]:
    """Say what bubblewrap takes away, whoever runs it.

    An ordinary user needs a user namespace. A root user needs none, and keeps two capabilities,
    with which the kernel's process becomes a user of its own before it starts.
    """
    alone = "--unshare-net --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try"
    common = [*alone.split(), "--hostname", "sandbox", "--new-session", "--die-with-parent"]
    if os.geteuid() == 0:
        return [*common, *"--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID".split()]
    return [*common, *"--unshare-user --disable-userns --uid 1000 --gid 1000".split()]


@functools.cache
def find_bubblewrap() -> str:
    """Find ``bwrap`` and try it.

    Returns:
        Its path.

    Raises:
        SandboxError: It is not there, or it cannot make a sandbox on this machine.
    """
    advice = "docs/sandbox.md says what to do, --no-sandbox does without"
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxError(f"bubblewrap (`apt install bubblewrap`) is not installed: {advice}")
    command = [path, *namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        reason = tried.stderr.strip() or f"exit status {tried.returncode}"
        raise SandboxError(f"bubblewrap cannot make a sandbox here ({reason}): {advice}")
    return path


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
