"""Is the same submission graded alike every time, and what does grading cost?

The solved notebook, without the cells that train and plot, is graded 50 times with ``nbgrader
autograde``: on one thread and on two, with the machine to itself and beside other work. The
graded part is measured in one process: CPU seconds of all graded cells and their peak memory.
"""

import argparse
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from authoring.answer_bank import QuickGrader, read_source
from authoring.assignment import NEXACODE
from authoring.grader_report import Graded, grade_students, without_experiments
from benchmarks.common import Figure, save

BUSY = "import itertools\nfor n in itertools.count():\n    n * n"
SHARES = {  # threads, other work: part of the gradings
    ("1", False): 0.3,
    ("1", True): 0.2,
    ("2", False): 0.3,
    ("2", True): 0.2,
}


@contextlib.contextmanager
def other_work(processes: int) -> Iterator[None]:
    """Keep some processes busy."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def points(graded: Graded) -> tuple[tuple[str, float], ...]:
    """List the points of each graded cell."""
    return tuple((name, score) for name, (score, _, _) in sorted(graded.cells.items()))


def grade_often(times: int) -> tuple[list[Graded], float]:
    """Grade one submission many times; give what came out and the seconds of one grading."""
    results: list[Graded] = []
    seconds = 0.0
    source = without_experiments(NEXACODE, read_source(NEXACODE))
    for (threads, busy), share in SHARES.items():
        copies = {f"copy-{number:02}": source for number in range(round(times * share))}
        with tempfile.TemporaryDirectory() as folder, other_work(2 if busy else 0):
            started = time.monotonic()
            graded = grade_students(
                NEXACODE, Path(folder, "courses"), source, copies, 2, {"OMP_NUM_THREADS": threads}
            )
            if (threads, busy) == ("1", False):
                seconds = (time.monotonic() - started) / len(copies)
        results += graded.values()
    return results, seconds


def graded_part() -> tuple[float, float]:
    """Measure CPU seconds and peak memory (GB) of the graded cells, after the definitions."""
    grader = QuickGrader(NEXACODE)
    before = time.process_time()
    lost = {name: said for name, said in grader.grade_here(None, None).items() if said}
    assert not lost, lost
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return time.process_time() - before, memory


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    options = parser.parse_args()
    cpu_seconds, memory = graded_part()
    results, seconds = grade_often(options.times)
    different = len({points(graded) for graded in results})
    lost = sum(maximum - score for score, maximum, _ in results[0].cells.values())
    figures = [
        Figure("gradings of the solved notebook", len(results), "gradings"),
        Figure("different results among them", different, "results", "1", different == 1),
        Figure("points lost by the solved notebook", lost, "points", "0", lost == 0),
        Figure("graded cells, CPU", cpu_seconds, "s", "<= 25", cpu_seconds <= 25),
        Figure("graded cells, peak memory", memory, "GB", "< 2", memory < 2),
        Figure("nbgrader autograde, two processes: a submission", seconds, "s"),
    ]
    note = "30 % on one thread, 20 % on one beside two busy processes; the same on two threads."
    save("grading", "Grading: the same every time, and its cost", figures, note)


if __name__ == "__main__":
    main()
