"""Work as it comes from learning platforms: each file is collected, or named with its student."""

import io
import json
import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from collecting import archive_of, collect, collect_zip, notebook, write_release, write_zip
from nexa_grade.intake.file_names import is_junk, notebook_meant, stem_of, without_copy_marks
from nexa_grade.intake.platforms import PLATFORMS, Reader

AT = "2026-11-02 23:20:00"
BLACKBOARD = "ps1_{}_attempt_2026-11-02-{}_{}"
BRIGHTSPACE = "1{}-77 - {} - Nov 2, 2026 {}"


def marked(name: str) -> str:
    """Write a notebook that says what it was uploaded as."""
    return notebook("tiny-cell", uploaded_as=name)


def zipped(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.ipynb", text)
    return data.getvalue()


def students(files: dict[str, str]) -> dict[str, str]:
    """Read which upload each student's notebook was."""
    return {
        path.partition("/")[0]: json.loads(text)["uploaded_as"]
        for path, text in files.items()
        if path.endswith("/ps1/tiny.ipynb")
    }


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
@pytest.mark.parametrize("wrapper", ["", "submissions/", "CS 101/Problem set/", "a.zip/b/"])
def test_the_example_of_each_platform_is_read_in_any_folder(platform, wrapper):
    path = f"{wrapper}{platform.example}"
    other = path.replace("1234", "4321").replace("Ada", "Grace").replace("ada", "grace")
    read = Reader(["ps1"], "hw").read([path, other.replace("aB3dE", "xY3dE")])
    first, second = read.values()
    assert first.platform == second.platform == platform.name
    assert first.student != second.student
    assert first.stem == "ps1"
    assert first.time == (datetime.fromisoformat(AT) if "2320" in path or "1120" in path else (
        datetime(2026, 11, 2, 10, 20, 30) if platform.name == "Blackboard" else None
    ))  # fmt: skip


DOWNLOADS = {  # by case: paths, and whose each notebook is (None: left out, and said)
    "blackboard, two attempts": {
        BLACKBOARD.format("ada", "10-20-30", "tiny.ipynb"): None,
        BLACKBOARD.format("ada", "11-20-30", "tiny.ipynb"): "ada",
        BLACKBOARD.format("grace", "09-00-00", "Copy of tiny.ipynb"): "grace",
        "ps1_grace_attempt_2026-11-02-09-00-00.txt": None,
    },
    "blackboard, names alike": {
        BLACKBOARD.format("ann_lee", "10-20-30", "tiny.ipynb"): "ps1_ann_lee",
        BLACKBOARD.format("bob_lee", "10-20-30", "tiny.ipynb"): "ps1_bob_lee",
    },
    "brightspace": {
        BRIGHTSPACE.format(1, "Ada Lovelace", "1120 PM") + "/tiny.ipynb": "11",
        BRIGHTSPACE.format(2, "Mary-Ann O'Neil", "912 AM") + "/work/tiny (1).ipynb": "12",
        BRIGHTSPACE.format(2, "Mary-Ann O'Neil", "812 AM") + "/tiny.ipynb": None,
        BRIGHTSPACE.format(3, "Grace Hopper", "912 AM") + " - tiny.ipynb": "13",
        "index.html": None,
    },
    "brightspace, one number for all": {
        BRIGHTSPACE.format(1, "Ada Lovelace", "1120 PM") + "/tiny.ipynb": "Ada Lovelace",
        BRIGHTSPACE.format(1, "Grace Hopper", "1120 PM") + "/tiny.ipynb": "Grace Hopper",
    },
    "sakai": {
        "Lab 1/Lovelace, Ada(ada1)/Submission attachment(s)/tiny.ipynb": "ada1",
        "Lab 1/Hopper, Grace(gh)/Submission attachment(s)/tiny.ipynb": "gh",
        "Lab 1/Hopper, Grace(gh)/Feedback Attachment(s)/tiny.ipynb": None,
        "Lab 1/grades.csv": None,
    },
    "google classroom": {
        "Ada Lovelace - tiny.ipynb": "Ada Lovelace",
        "Zoë van der Berg - homework.ipynb": "Zoë van der Berg",
        "tiny - final version.ipynb": None,
        "tiny (3).ipynb": None,
    },
    "canvas in folders of a Mac": {
        "submissions/lovelaceada_1001_90001_tiny.ipynb": "1001",
        "submissions/hoppergrace_LATE_1002_90002_tiny-2.ipynb": "1002",
        "submissions/notes.ipynb": None,
        "__MACOSX/submissions/._lovelaceada_1001_90001_tiny.ipynb": None,
        "submissions/.DS_Store": None,
    },
    "moodle in a folder": {
        "CS101-ps1-77/Ada_2001_assignsubmission_file_/tiny.ipynb": "2001",
        "CS101-ps1-77/Bob_2002_assignsubmission_file_/deep/er/tiny.ipynb": "2002",
    },
    "folders": {
        "hand in/ada/tiny.ipynb": "ada",
        "hand in/bob/ps1/tiny.ipynb": "bob",
    },
    "sections": {
        "s1/lovelaceada_1001_90001_tiny.ipynb": "1001",
        "s2/hoppergrace_1002_90002_tiny.ipynb": "1002",
    },
    "two platforms' words in students' folders": {
        "ada/tiny.ipynb": "ada",
        "bob/x_1001_90001_tiny.ipynb": "bob",
        "eve/x_1001_90001_tiny.ipynb": None,
        "eve/x_1002_90002_tiny.ipynb": None,
    },
    "ids that name no folder": {
        "Dots, Eve(..)/Submission attachment(s)/tiny.ipynb": None,
        "Star, Eve(a*)/Submission attachment(s)/tiny.ipynb": None,
        "Lovelace, Ada(nul)/Submission attachment(s)/tiny.ipynb": None,
        "Hopper, Grace(gh)/Submission attachment(s)/tiny.ipynb": "gh",
    },
}  # fmt: skip


@pytest.mark.parametrize("case", DOWNLOADS)
def test_each_notebook_is_collected_for_its_student_or_said(case, tmp_path):
    names = DOWNLOADS[case]
    got = collect_zip(tmp_path, {name: marked(name) for name in names})
    assert students(got.files) == {who: name for name, who in names.items() if who}
    for name in names:
        is_ignored = is_junk(name) or not stem_of(name) or "Feedback" in name
        assert is_ignored or names[name] or got.has_said("Left out", name), name


@pytest.mark.parametrize("wrapper", ["", "submissions/", "CS 101/submissions (2)/"])
def test_what_canvas_marks_as_late_is_said_in_any_folder(wrapper, tmp_path):
    names = [f"{wrapper}ada_1001_9_tiny.ipynb", f"{wrapper}alan_LATE_1003_9_tiny.ipynb"]
    got = collect_zip(tmp_path, {name: marked(name) for name in names})
    assert set(students(got.files)) == {"1001", "1003"}
    assert got.has_said("Late", names[1])
    assert not got.has_said("Late", names[0])


ENDINGS = [
    "tiny.ipynb", "tiny.IPYNB", "TINY.ipynb", "tiny.Ipynb", "tiny.ipynb.txt", "tiny.ipynb.json",
    "tiny.ipynb.download", "tiny.ipynb.crdownload", "tiny.ipynb.ipynb", "tiny (1).ipynb",
    "tiny(2).ipynb", "tiny - Copy.ipynb", "tiny - Copy (3).ipynb", "tiny-Copy1.ipynb",
    "Copy of tiny.ipynb", "Copy_of_tiny.ipynb", "tiny copy 2.ipynb", "tiny.ipynb (1).txt",
    "tiny (1).ipynb.txt", "Kopie von tiny.ipynb", "tiny_final.ipynb", "ada tiny v2.ipynb",
    "homework.ipynb", "tiny.v2.ipynb",
]  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_a_notebook_is_collected_whatever_its_ending(name, tmp_path):
    got = collect_zip(tmp_path, {f"x_1001_9_{name}": marked(name)})
    assert got.files == {"1001/ps1/tiny.ipynb": marked(name)}


@pytest.mark.parametrize(
    "name", ["a.py", "a.pdf", "a.ipynb.html", "a.ipynb.pdf", "a.docx", "a", "a.rar", "a.tar.gz"]
)
def test_what_is_no_notebook_is_named_with_its_student(name, tmp_path):
    got = collect_zip(tmp_path, {f"x_1001_9_{name}": "x", "x_1002_9_tiny.ipynb": marked("")})
    assert set(got.files) == {"1002/ps1/tiny.ipynb"}
    assert got.has_said("Left out", f"x_1001_9_{name}", "student 1001", ".ipynb")
    assert got.has_said("No notebook from 1001", "tiny.ipynb", f"x_1001_9_{name}")


def packed(**files: bytes) -> bytes:
    """Pack archives into one."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.zip", content)
    return data.getvalue()


OPENED = {
    "one notebook": zipped(tiny=marked("")),
    "in a folder": zipped(**{"work/deep/tiny": marked("")}),
    "in another archive": packed(inner=zipped(tiny=marked(""))),
}
CLOSED = {
    "broken": b"PK\x03\x04 no archive",
    "empty": b"",
    "leads elsewhere": zipped(**{"../../../../evil": marked("")}),
    "many in each other": packed(a=packed(b=packed(c=packed(d=packed(e=zipped(tiny="{}")))))),
}
ARCHIVES = ["x_1001_9_work.zip", "s/x_1001_9_work.ZIP", "A_1001_assignsubmission_file_/w.zip"]


@pytest.mark.parametrize("case", OPENED)
@pytest.mark.parametrize("name", ARCHIVES)
def test_a_notebook_in_an_archive_is_collected(case, name, tmp_path):
    got = collect_zip(tmp_path, {name: OPENED[case]})
    assert set(got.files) == {"1001/ps1/tiny.ipynb"}


@pytest.mark.parametrize("case", CLOSED)
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_stays_packed_is_named_with_its_student(case, name, tmp_path):
    got = collect_zip(tmp_path, {name: CLOSED[case]})
    assert got.files == {}
    assert got.has_said("stays packed")
    assert got.has_said("No notebook from 1001", name)
    assert not list(tmp_path.rglob("evil.ipynb"))


def test_a_huge_archive_of_a_student_stays_packed(tmp_path, monkeypatch):
    monkeypatch.setattr("nexa_grade.intake.unpack.MAX_BYTES", 1000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny.ipynb", "0" * 100_000)
    names = {f"x_{number}_9_w.zip": bomb.getvalue() for number in (1001, 1003)}
    got = collect_zip(tmp_path, names | {"x_1002_9_w.zip": zipped(tiny=marked(""))})
    assert set(got.files) == {"1002/ps1/tiny.ipynb"}
    assert got.has_said("stays packed", "1001") and got.has_said("stays packed", "1003")


def test_archives_and_folders_as_browsers_leave_them(tmp_path):
    archive = archive_of(tmp_path)
    inner = write_zip(tmp_path / "x.zip", {"section/a_1_9_tiny.ipynb": marked("zip in a zip")})
    write_zip(archive / "all.ZIP", {"outer/submissions.zip": inner.read_bytes()})
    loose = archive / "submissions (2)"
    loose.mkdir()
    (loose / "b_2_9_tiny.ipynb").write_text(marked("unpacked"))
    (loose / "c_3_9_work.zip").write_bytes(zipped(tiny=marked("packed by c")))
    write_zip(archive / "dora.zip", {"tiny.ipynb": marked("an archive each")})
    got = collect(tmp_path)
    assert students(got.files) == {
        "1": "zip in a zip", "2": "unpacked", "3": "packed by c", "dora": "an archive each",
    }  # fmt: skip


def test_a_broken_download_costs_nothing_else(tmp_path):
    (archive_of(tmp_path) / "broken.zip").write_bytes(b"no archive")
    got = collect_zip(tmp_path, {"x_1001_9_tiny.ipynb": marked("")})
    assert set(got.files) == {"1001/ps1/tiny.ipynb"}
    assert got.has_said("stays packed", "broken.zip")


def test_a_name_in_utf8_is_read_where_the_archive_does_not_say_so(tmp_path):
    path = write_zip(archive_of(tmp_path) / "s.zip", {"Zo__9/tiny.ipynb": marked("")})
    path.write_bytes(path.read_bytes().replace(b"Zo__9", "Zoë9".encode()))
    assert set(collect(tmp_path).files) == {"Zoë9/ps1/tiny.ipynb"}


def test_a_mac_takes_accents_apart(tmp_path):
    got = collect_zip(tmp_path, {"Zoe\u0308 Li - tiny.ipynb": marked(""), "B C - tiny.ipynb": "{}"})
    assert "Zoë Li/ps1/tiny.ipynb" in got.files


def test_times_of_platforms_are_kept(tmp_path):
    sakai = "Lab/Lovelace, Ada(ada)/"
    got = collect_zip(
        tmp_path,
        {
            f"{sakai}Submission attachment(s)/tiny.ipynb": marked(""),
            f"{sakai}timestamp.txt": "20261102232000123",
        },
    )
    assert got.files["ada/ps1/timestamp.txt"] == AT
    shutil.rmtree(tmp_path)
    names = {
        BRIGHTSPACE.format(1, "A B", "1120 PM") + "/tiny.ipynb": marked(""),
        BLACKBOARD.format("grace", "23-20-00", "tiny.ipynb"): marked(""),
    }
    got = collect_zip(tmp_path, names, timezone="Europe/Berlin")
    for student in ("11", "grace"):
        assert got.files[f"{student}/ps1/timestamp.txt"] == "2026-11-02 22:20:00"


def test_a_wrong_time_zone_is_said_before_anything_is_unpacked(tmp_path):
    got = collect_zip(tmp_path, {"a_1_9_tiny.ipynb": marked("")}, timezone="Berlin")
    assert got.status == 1
    assert got.has_said("c.LmsCollectorPlugin.timezone", "Berlin")
    assert not (tmp_path / "downloaded" / "ps1" / "extracted").exists()


GRADESCOPE = """
submission_7:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@x.org
  - :name: Grace
    :sid: 43
  :created_at: 2026-11-02 23:20:00.000000000 Z
submission_8:
  :submitters:
  - :name: Alan Turing
    :sid:
    :email: alan@x.org
"""


def test_gradescope_says_who_sent_what(tmp_path):
    names = {f"assignment_1_export/submission_{n}/tiny.ipynb": marked(str(n)) for n in (7, 8, 9)}
    more = {"assignment_1_export/submission_metadata.yml": GRADESCOPE}
    got = collect_zip(tmp_path, names | more)
    assert students(got.files) == {"0042": "7", "alan@x.org": "8", "9": "9"}
    assert got.has_said("submission_7", "0042", "43")
    assert got.files["0042/ps1/timestamp.txt"] == AT
    shutil.rmtree(tmp_path)
    got = collect_zip(tmp_path, names | {"assignment_1_export/submission_metadata.yml": "[: x"})
    assert students(got.files) == {"7": "7", "8": "8", "9": "9"}
    assert got.has_said("submission_metadata.yml cannot be read")


def test_a_second_notebook_of_the_assignment_lies_beside_the_first(tmp_path):
    folder = "A_1001_assignsubmission_file_/"
    got = collect_zip(
        tmp_path,
        {
            f"{folder}tiny.ipynb": marked("tiny"),
            f"{folder}tiny-Copy1.ipynb": marked("copy"),
            f"{folder}notes.ipynb": notebook(),
        },
    )
    assert set(got.files) == {f"1001/ps1/{name}.ipynb" for name in ("tiny", "tiny-Copy1")}
    assert got.has_said("tiny-Copy1.ipynb", "tiny.ipynb counts")
    assert got.has_said("Left out", "notes.ipynb")


SEVERAL = {  # files of one student, and what each becomes
    "names": {"problem1.ipynb": "problem1", "problem2.ipynb": "problem2"},
    "copies": {"problem1 (1).ipynb": "problem1", "ada_Problem 2.ipynb": "problem2"},
    "ten is not one": {"problem10.ipynb": "problem10", "problem1.ipynb": "problem1"},
    "by cells": {"first.ipynb": "problem1", "second.ipynb": "problem2"},
    "the one that is left": {"problem1.ipynb": "problem1", "problem2.ipynb": "problem2",
                             "plain.ipynb": "problem10"},
    "nobody knows": {"problem1.ipynb": "problem1", "plain.ipynb": None},
}  # fmt: skip


@pytest.mark.parametrize("case", SEVERAL)
def test_assignments_of_several_notebooks(case, tmp_path):
    released = ("problem1", "problem2", "problem10")
    write_release(tmp_path, {name: notebook(f"{name}-cell") for name in released})
    ids = {"first.ipynb": "problem1-cell", "second.ipynb": "problem2-cell"}
    texts = {name: notebook(ids.get(name, ""), name=name) for name in SEVERAL[case]}
    got = collect_zip(tmp_path, {f"ada/{name}": text for name, text in texts.items()})
    wanted = {f"ada/ps1/{to}.ipynb": texts[name] for name, to in SEVERAL[case].items() if to}
    assert got.files == wanted
    for name, target in SEVERAL[case].items():
        assert target or got.has_said("Left out", name, "problem2.ipynb")


@pytest.mark.parametrize(
    ("name", "released"),
    [
        ("problem10", "problem10"),
        ("Problem 10 (2)", "problem10"),
        ("PROBLEM-1", "problem_1"),
        ("ada_problem1_final", "problem_1"),
        ("essay", ""),
    ],
)
def test_a_name_means_the_notebook_that_it_fits_best(name, released):
    assert notebook_meant(name, ["problem_1", "problem10"])[0] == released


def test_marks_of_copies_come_off():
    for name in ("Copy of a", "a (1)", "a - Copy (2)", "a-Copy3", "Copy of Copy of a (1)"):
        assert without_copy_marks(name) == "a"
    assert without_copy_marks("copy (1)") == "copy"


def test_without_a_release_the_command_says_so_in_one_line(tmp_path):
    (tmp_path / "release").mkdir()
    got = collect_zip(tmp_path, {"a_1_9_tiny.ipynb": marked("")})
    assert got.status == 1
    assert got.has_said("expected a released notebook in", "release/ps1, got none")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Nov 2, 2026 1120 PM", AT),
        ("2 November, 2026 1120 pm", AT),
        ("November 2 2026 2320", AT),
        ("Nov 2, 2026 112 AM", "2026-11-02 01:12:00"),
        ("Nov 2, 2026 1201 AM", "2026-11-02 00:01:00"),
        ("Nov 31, 2026 1201 AM", None),
    ],
)
def test_times_of_brightspace(text, time):
    [upload] = Reader(["tiny"]).read([f"1-2 - A B - {text}/tiny.ipynb"]).values()
    assert upload.student == "1"
    assert upload.time == (datetime.fromisoformat(time) if time else None)


def test_every_platform_has_an_example_in_the_guide():
    guide = (Path(__file__).parents[2] / "docs" / "instructor.md").read_text("utf-8")
    for platform in PLATFORMS:
        example = platform.example.replace("ps1", "nexacode")
        assert f"`{example}`" in guide, platform.name
