"""What students get, as one zip file, and the proof that no answer is in it.

    python -m authoring.student_bundle dist      writes dist/<assignment>-student-<version>.zip

The files are those of ``release/``, with the guide for students. Every line that ``source/`` hides
(solutions, hidden tests, mark schemes, model answers) is searched for in each of them.
"""

import argparse
import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from authoring.assignment import DISTRIBUTION, Assignment, add_option

HIDDEN = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")  # between "BEGIN ..." and "END ..."
DECOMPRESS = {".gz": gzip.decompress, ".xz": lzma.decompress, ".bz2": bz2.decompress}
SHORTEST = 12  # characters: a shorter line, "return x" say, stands in many places
LONG = 30  # characters: such a line is sought within other lines, too
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # of each file, so that the same files give the same bytes


def split_lines(cell: NotebookNode) -> tuple[set[str], set[str]]:
    """Split a cell of the source notebook into the lines that it shows and those that it hides."""
    shown: set[str] = set()
    hidden: set[str] = set()
    info = cell.metadata.get("nbgrader", {})
    is_model_answer = bool(info.get("solution")) and cell.cell_type == "markdown"
    target = hidden if is_model_answer else shown
    for line in map(str.strip, cell.source.splitlines()):
        if any(f"BEGIN {name}" in line for name in HIDDEN):
            target = hidden
        elif any(f"END {name}" in line for name in HIDDEN):
            target = shown
        elif len(line) >= SHORTEST:
            target.add(line)
    return shown, hidden


def hidden_lines(source: NotebookNode) -> set[str]:
    """List what no student may see: the hidden lines of a notebook that stand nowhere else in it.

    Raises:
        ValueError: Nothing is hidden, so this is no source notebook.
    """
    parts = [split_lines(cell) for cell in source.cells]
    hidden = set().union(*(hidden for _, hidden in parts))
    everybody_sees = "\n".join(line for shown, _ in parts for line in shown)
    hidden = {line for line in hidden if line not in everybody_sees}
    if not hidden:
        raise ValueError("expected a source notebook with solutions, found nothing hidden in it")
    return hidden


def texts_of(name: str, data: bytes) -> Iterator[str]:
    """Give all that a person can read in a file: a notebook's cells, or its bytes as text."""
    for ending, decompress in DECOMPRESS.items():
        if name.endswith(ending):
            data = decompress(data)
    if name.endswith(".ipynb"):
        for cell in nbformat.reads(data, as_version=4).cells:
            yield cell.source
            yield from strings_in([cell.get("outputs", []), cell.metadata])
    else:  # no line is in what stands between the bytes of weights that are no text
        parts = data.decode(errors="replace").split("\N{REPLACEMENT CHARACTER}")
        yield from (part for part in parts if len(part) >= SHORTEST)


def strings_in(value: Any) -> Iterator[str]:
    """Give the texts in JSON data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings_in(part)


def find_leaks(files: Mapping[str, bytes], source: NotebookNode) -> list[str]:
    """Search files for what the source notebook hides.

    Returns:
        For each line found, the file's name and the line.
    """
    lines = hidden_lines(source)
    parts = [f"BEGIN {name}" for name in HIDDEN] + [line for line in lines if len(line) >= LONG]
    found = []
    for name, data in files.items():
        for text in texts_of(name, data):
            whole = lines & set(map(str.strip, text.splitlines()))
            found += [
                f"{name}: {line}" for line in whole | {part for part in parts if part in text}
            ]
    return sorted(found)


def bundled_files(assignment: Assignment) -> dict[str, bytes]:
    """Read what students get, by path in the zip file."""
    name, release = assignment.name, assignment.release
    files = {
        f"{name}/{path.relative_to(release).as_posix()}": path.read_bytes()
        for path in sorted(release.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    guide = assignment.student_guide
    files[f"{name}/README.md"] = guide.read_bytes()
    for image in re.findall(r"\]\((images/[^)]+)\)", guide.read_text()):
        files[f"{name}/{image}"] = (guide.parent / image).read_bytes()
    files[f"{name}/LICENSE"] = (assignment.root / "LICENSE").read_bytes()
    return files


def write_bundle(assignment: Assignment, folder: Path) -> Path:
    """Write the zip file.

    Returns:
        Its path. The same files give the same bytes.

    Raises:
        ValueError: It would contain an answer; the message names the first ones.
    """
    files = bundled_files(assignment)
    found = find_leaks(files, nbformat.read(assignment.source_notebook, as_version=4))
    if found:
        raise ValueError(f"{len(found)} hidden lines are in the bundle, first {found[:3]}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment.name}-student-{version(DISTRIBUTION)}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, LONG_AGO)
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def main() -> None:
    """Write the zip file of each assignment."""
    parser = argparse.ArgumentParser(description="Write what students get as a zip file.")
    parser.add_argument("folder", type=Path)
    add_option(parser)
    options = parser.parse_args()
    for assignment in options.assignments:
        print(write_bundle(assignment, options.folder))


if __name__ == "__main__":
    main()
