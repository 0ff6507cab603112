"""Looks at a sandbox from outside: its processes, and the memory that they hold together.

A page that several processes share is held once, so their proportional set sizes are added up: each
process's own pages, and of a shared page its part. The sum of resident set sizes counts such a page
once per process: 80 forks of a kernel of 60 MiB, which hold little of their own, seem to hold 4.8
GiB. Memory that no process has mapped (``memfd_create``, pipes) is not seen.
"""

from collections.abc import Collection
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PROC = Path("/proc")


def processes_below(*roots: int) -> set[psutil.Process]:
    """List processes and their descendants; of one that has ended, there are none."""
    found: set[psutil.Process] = set()
    for root in roots:
        try:
            process = psutil.Process(root)
            found |= {process, *process.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def measure_memory(processes: Collection[psutil.Process], allowed: int) -> int:
    """Measure the memory of processes together.

    The kernel (Linux) walks through all of a process's pages to tell its proportional size. So it
    is asked only where the resident sizes, which are never smaller, are more than is allowed.

    Args:
        processes: The processes.
        allowed: What they may hold, in bytes.

    Returns:
        Bytes, shared pages once; where that is no more than ``allowed``, maybe more than it is.
    """
    sizes = {process.pid: resident_size(process) for process in processes}
    if sum(sizes.values()) <= allowed:
        return sum(sizes.values())
    return sum(proportional_size(pid, size) for pid, size in sizes.items())


def resident_size(process: psutil.Process) -> int:
    """Measure the memory of a process, in bytes, as if it shared none; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def proportional_size(pid: int, otherwise: int) -> int:
    """Measure the memory of a process, in bytes; of what it shares with others, its part.

    Args:
        pid: The process.
        otherwise: The answer where it cannot be read: the process hides its memory
            (``PR_SET_DUMPABLE``), or the system has no such file.

    Returns:
        The size; 0 where the process has ended.
    """
    folder = PROC / str(pid)
    try:
        lines = (folder / "smaps_rollup").read_text().splitlines()
    except ProcessLookupError:
        return 0
    except OSError:
        return otherwise if folder.exists() else 0
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return sizes[0] * 1024 if sizes else otherwise
