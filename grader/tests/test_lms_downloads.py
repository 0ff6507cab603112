"""Downloads of Canvas and Moodle, and a folder of folders, brought into place by nbgrader."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from nexa_grade.intake.platforms import Reader
from nexa_grade.intake.roster import read_roster
from tiny_course import HARDENED, NAME, TinyCourse

UPLOADS = {  # by platform: the file's path in the archive, and whose it is (None: left out)
    "canvas": {
        "lovelaceada_1001_90001_tiny.ipynb": "1001",
        "hoppergrace_LATE_1002_90002_tiny-1.ipynb": "1002",
        "turingalan_1003_90003_Copy of tiny.ipynb": "1003",
        "turingalan_1003_90004_notes.ipynb": None,  # the other one has the notebook's name
        "hamiltonmargaret_1004_90005_tiny.ipynb": None,  # replaced
        "hamiltonmargaret_1004_90006_tiny.ipynb": "1004",
        "o_brienpat_1005_90007_tiny.ipynb": "1005",
        "anon_aB3dE_90008_tiny.ipynb": "anon_aB3dE",
        "LATE_anon_x9Yz1_90009_tiny.ipynb": "anon_x9Yz1",
        "evil_1001_1006_90010_tiny.ipynb": None,  # 1001's or 1006's?
        "lovelaceada_1001_90001_data.csv": None,
        "lovelaceada_1001_90001_broken.zip": None,
        "lovelaceada_1001_90001_data.csv.gz": None,
    },
    "moodle": {
        "Ada Lovelace_2001_assignsubmission_file_/tiny.ipynb": "2001",
        "Grace Hopper_2002_assignsubmission_file_tiny (1).ipynb": "2002",
        "Ana_Maria O'Neil_2003_assignsubmission_file/homework.ipynb": "2003",
        "Alan Turing_2004_assignsubmission_onlinetext_/onlinetext.html": None,
    },
    "folders": {"ada/tiny.ipynb": "ada", "o'neil/Copy_of_tiny.ipynb": "o'neil"},
}


def collected(course: TinyCourse) -> dict[str, str]:
    """Read which upload lies where; each notebook holds the path that it was uploaded as."""
    return {
        json.loads(path.read_text())["uploaded_as"]: path.parent.parent.name
        for path in course.folder.glob(f"submitted/*/{NAME}/{NAME}.ipynb")
    }


@pytest.fixture(scope="module", params=UPLOADS)
def run(request, tmp_path_factory):
    course = TinyCourse(tmp_path_factory.mktemp(request.param), HARDENED, forks_kernels=True)
    archive = course.folder / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "submissions.zip", "w") as file:
        for name in UPLOADS[request.param]:
            file.writestr(name, json.dumps({"uploaded_as": name}))
    done = course.nbgrader("zip_collect", NAME)
    assert done.returncode == 0, done.stderr
    return course, done, UPLOADS[request.param]


def test_each_notebook_lies_where_nbgrader_grades_it(run):
    course, _, uploads = run
    assert collected(course) == {name: who for name, who in uploads.items() if who}


def test_what_is_left_out_is_said(run):
    _, done, uploads = run
    for name, who in uploads.items():
        if who is None and name.endswith((".ipynb", ".zip")):
            lines = [line for line in done.stderr.splitlines() if name in line]
            assert any("Left out" in line for line in lines), name


def test_what_canvas_marks_as_late_is_said(run):
    _, done, uploads = run
    said = [line.split()[-1] for line in done.stderr.splitlines() if "Late, says Canvas" in line]
    assert sorted(said) == sorted(name for name in uploads if "LATE_" in name)


def write_zip(path: Path, uploads: dict[str, str], time: int) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, told in uploads.items():
            file.writestr(name, json.dumps({"uploaded_as": told}))
    os.utime(path, (time, time))


def test_of_several_downloads_the_last_upload_counts(tmp_path):
    course = TinyCourse(tmp_path, HARDENED, forks_kernels=True)
    archive = tmp_path / "downloaded" / NAME / "archive"
    (archive / "ben").mkdir(parents=True)
    moodle = "Ada Lovelace_2001_assignsubmission_file_/tiny.ipynb"
    write_zip(archive / "z-old.zip", {moodle: "old", "a_1_9_tiny.ipynb": "later"}, 1_000_000_000)
    write_zip(archive / "a-new.zip", {moodle: "new", "a_1_8_tiny.ipynb": "earlier"}, 1_100_000_000)
    (archive / "ben" / "tiny.ipynb").write_text('{"uploaded_as": "no zip"}')
    for options in ([], ["--force"]):
        done = course.nbgrader("zip_collect", NAME, *options)
        assert done.returncode == 0, done.stderr
        assert collected(course) == {"new": "2001", "later": "1", "no zip": "ben"}


def test_a_roster_gives_students_their_own_ids(tmp_path):
    course = TinyCourse(tmp_path, HARDENED + "c.LmsCollectorPlugin.roster = 'roster.csv'\n")
    (tmp_path / "roster.csv").write_text("\ufeff1001,ada\n\n")
    archive = tmp_path / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    for name in ("lovelaceada_1001_90001_tiny.ipynb", "hoppergrace_1002_90002_tiny.ipynb"):
        (archive / name).write_text(json.dumps({"uploaded_as": name}))
    done = course.nbgrader("zip_collect", NAME)
    assert sorted(collected(course).values()) == ["1002", "ada"]
    assert "1002 is not in roster.csv" in done.stderr


def test_a_roster_with_a_short_line_says_which(tmp_path):
    (tmp_path / "roster.csv").write_text("1,ada\n2\n")
    with pytest.raises(ValueError, match=r"roster\.csv, line 2: expected number,student"):
        read_roster(tmp_path / "roster.csv")


def whose(*names: str) -> dict[str, str | None]:
    """Tell whose each file of a download is."""
    read = Reader([NAME], "ps1").read(names)
    return {name: upload and upload.student for name, upload in read.items()}


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("Ada_2001_assignsubmission_file_/hw_1_2_tiny.ipynb", "2001"),
        ("Ada_2001_assignsubmission_file_x_2002_assignsubmission_file_tiny.ipynb", "2001"),
        ("Ada_2001_assignsubmission_file_/Bob_2002_assignsubmission_file_/tiny.ipynb", "2001"),
        ("ada/hw_1_2_tiny.ipynb", "ada"),
        ("ada/x_1_2_tiny.ipynb.zip/y_3_4_tiny.ipynb", "ada"),
        ("ps1_ada_attempt_2026-11-02-10-20-30_x_bob_attempt_2026-11-03-10-20-30_t.ipynb", "ada"),
        ("Lovelace, Ada(ada1)/Submission attachment(s)/Hopper, Grace(gh)/tiny.ipynb", "ada1"),
        ("submission_7/submission_8/tiny.ipynb", "7"),
    ],
)
def test_nobody_hands_in_for_somebody_else(name, student):
    assert whose(name, "bob/tiny.ipynb")[name] == student


@pytest.mark.parametrize(
    "name",
    [
        "notes.ipynb",
        "tiny - Copy.ipynb",
        "a_1_2_work/1002/tiny.ipynb",
        ".ipynb_checkpoints/tiny.ipynb",
        "evil_1001_1006_90010_tiny.ipynb",
        "submissions/tiny.ipynb",
    ],
)
def test_a_file_that_names_nobody_is_nobodys(name):
    assert whose(name) == {name: None}
