"""Looks at a sandbox from outside: its processes, and the memory that they hold together.

Memory that no process has mapped (``memfd_create``, pipes) is not seen.
"""

from collections.abc import Iterable

import psutil  # type: ignore[import-untyped]


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


def measure_memory(processes: Iterable[psutil.Process]) -> int:
    """Measure the memory of processes together, in bytes; pages that two share count twice."""
    return sum(map(resident, processes))


def resident(process: psutil.Process) -> int:
    """Measure the memory of a process, in bytes."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
