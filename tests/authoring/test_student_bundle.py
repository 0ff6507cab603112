"""The zip file for students: all that they need, and no answer."""

import bz2
import copy
import gzip
import lzma
import re
import zipfile

import nbformat
import pytest

from authoring.assignment import ASSIGNMENTS, NEXACODE, ROOT
from authoring.student_bundle import bundled_files, find_leaks, hidden_lines, write_bundle

FOLDER = NEXACODE.name
NAME = f"{FOLDER}/{NEXACODE.notebook_name}"


@pytest.fixture(scope="module")
def source():
    return nbformat.read(NEXACODE.source_notebook, as_version=4)


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_the_bundle_holds_the_release_and_opens(assignment, tmp_path):
    folder = assignment.name
    first = write_bundle(assignment, tmp_path / "one")
    assert write_bundle(assignment, tmp_path / "two").read_bytes() == first.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        notebook = archive.read(f"{folder}/{assignment.notebook_name}")
        guide = archive.read(f"{folder}/README.md").decode()
    released = {
        path.relative_to(ROOT / "release").as_posix()
        for path in assignment.release.rglob("*")
        if path.is_file()
    }
    pictures = {name for name in names if name.startswith(f"{folder}/images/")}
    assert names == released | {f"{folder}/README.md", f"{folder}/LICENSE"} | pictures
    links = re.findall(r"!\[[^]]*\]\(([^)]*)\)", guide)
    assert {f"{folder}/{link}" for link in links} == pictures
    nbformat.validate(nbformat.reads(notebook, as_version=4))


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_no_answer_is_in_it(assignment):
    source = nbformat.read(assignment.source_notebook, as_version=4)
    assert find_leaks(bundled_files(assignment), source) == []


def test_the_search_knows_solutions_tests_schemes_and_model_answers(source):
    lines = hidden_lines(source)
    kinds = {"SOLUTION": 0, "HIDDEN TESTS": 0, "MARK SCHEME": 0}
    for cell in source.cells:
        for kind in kinds:
            _, begin, rest = cell.source.partition(f"BEGIN {kind}")
            body = rest.partition(f"END {kind}")[0] if begin else ""
            kinds[kind] += sum(line.strip() in lines for line in body.splitlines())
    assert all(count > 20 for count in kinds.values()), kinds
    essays = [
        cell
        for cell in source.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution")
    ]
    assert len(essays) == 3
    assert all(any(line.strip() in lines for line in cell.source.splitlines()) for cell in essays)


@pytest.mark.parametrize("where", ["source", "output", "metadata", "", ".gz", ".xz", ".bz2"])
def test_an_answer_is_found_wherever_it_is(source, where):
    line = max(hidden_lines(source), key=len)
    files = {NAME: NEXACODE.release_notebook.read_bytes()}
    notebook = copy.deepcopy(nbformat.reads(files[NAME], as_version=4))
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if where == "source":
        cell.source += f"\n    {line}"
    elif where == "output":
        cell.outputs = [nbformat.v4.new_output("stream", text=f"it was: {line}\n")]
    elif where == "metadata":
        cell.metadata["note"] = line
    else:  # a file beside the notebook, perhaps compressed
        compress = {".gz": gzip, ".xz": lzma, ".bz2": bz2}
        data = compress[where].compress(line.encode()) if where else line.encode()
        files[f"{FOLDER}/ready_made/x.json{where}"] = data
    files[NAME] = nbformat.writes(notebook).encode()
    [found] = find_leaks(files, source)
    assert line in found


def test_the_solved_notebook_is_no_source_and_not_for_students(source):
    solved = {NAME: NEXACODE.solved_notebook.read_bytes()}
    assert len(find_leaks(solved, source)) > 100
    plain = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('hello, world')")])
    with pytest.raises(ValueError, match="nothing hidden"):
        hidden_lines(plain)
