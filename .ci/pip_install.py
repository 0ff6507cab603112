"""Run `pip install` inside a virtual environment and say every few seconds how far it is.

Usage: python .ci/pip_install.py VENV PIP_ARGUMENTS...

pip is silent while it downloads or unpacks a large package when its output is no terminal. This
wrapper prints one status line at a time, keeps pip's own words in VENV/pip.log and shows their end
when something fails. Standard library only: it runs before anything is installed.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

SECONDS_BETWEEN_LINES = 4


class Progress:
    """What pip has said so far, in one line."""

    def __init__(self, venv: Path):
        """Remember which packages are there before pip starts."""
        self.venv = venv
        self.already = self.count_packages()
        self.collected = self.to_install = 0
        self.doing = "starting pip"

    def count_packages(self) -> int:
        """Count the packages in the environment."""
        return sum(1 for _ in self.venv.glob("lib/python3*/site-packages/*.dist-info"))

    def read(self, line: str) -> None:
        """Take note of one line of pip's output."""
        verb, _, rest = line.strip().partition(" ")
        if verb == "Collecting":
            self.collected += 1
            self.doing = f"{self.collected} packages found, now {rest.split()[0]}"
        elif verb in ("Downloading", "Using", "Building"):
            self.doing = f"{self.collected} packages found, now {line.strip()}"
        elif line.startswith("Installing collected packages:"):
            self.to_install = line.count(",") + 1

    def describe(self) -> str:
        """Say what is going on."""
        if not self.to_install:
            return self.doing
        new = max(0, self.count_packages() - self.already)
        return f"unpacked {new} of {self.to_install} packages"


def install(venv: Path, arguments: list[str]) -> int:
    """Run pip, print its progress, and return its exit status."""
    progress, started = Progress(venv), time.monotonic()
    command = [str(venv / "bin/python"), "-m", "pip", "install", "--progress-bar", "off"]
    pip = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    log = venv / "pip.log"

    def follow() -> None:
        with log.open("w") as file:
            for line in pip.stdout or ():
                file.write(line)
                progress.read(line)

    reader = threading.Thread(target=follow)
    reader.start()
    while reader.is_alive():
        print(f"  {time.monotonic() - started:4.0f} s  {progress.describe()[:90]}", flush=True)
        reader.join(SECONDS_BETWEEN_LINES)
    if pip.wait() != 0:
        print("\n".join(log.read_text().splitlines()[-15:]), file=sys.stderr)
        print(f"pip failed; all it said is in {log}", file=sys.stderr)
    else:
        print(f"  {time.monotonic() - started:4.0f} s  packages are in {venv}", flush=True)
    return pip.returncode


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), sys.argv[2:]))
