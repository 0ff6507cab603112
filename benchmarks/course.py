"""``make course`` in a fresh clone: from a bare machine to printed scores, installs included."""

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.common import ROOT, Figure, save


def main() -> None:
    """Clone the last commit and time the command."""
    with tempfile.TemporaryDirectory(prefix="nexacode-course-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        start = time.monotonic()
        first_line = 0.0
        command = ["make", "-C", str(clone), "course"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                first_line = first_line or time.monotonic() - start
                print(line, end="", flush=True)
        seconds = time.monotonic() - start
        if process.returncode:
            raise SystemExit(f"make course ended with {process.returncode}")
        status = subprocess.run(
            ["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True
        )
    changed = len(status.stdout.splitlines())
    figures = [
        Figure("make course in a fresh clone", seconds, "s", "<= 600", seconds <= 600),
        Figure("time to the first line", first_line, "s"),
        Figure("files that git sees as changed afterwards", changed, "files", "0", changed == 0),
    ]
    save("course", "make course, installs included", figures, "pip downloads included.")


if __name__ == "__main__":
    main()
