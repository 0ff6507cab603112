"""Submissions that are no folder of regular files: refused before nbgrader copies anything."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from nexa_grade.errors import UngradableError
from nexa_grade.intake.admission import require_timestamp
from tiny_course import FULL, NAME, TinyCourse

NO_SCORE = dict.fromkeys(FULL)
GRADEBOOK = "../../../gradebook.db"


def link_to_the_gradebook(folder: Path) -> None:
    (folder / "notes.txt").symlink_to(GRADEBOOK)


def hidden_link(folder: Path) -> None:
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "x").symlink_to(f"../{GRADEBOOK}")


def linked_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent.parent / "right" / NAME)


def linked_student(folder: Path) -> None:
    shutil.rmtree(folder.parent)
    folder.parent.symlink_to("right")


# What is done to a submission's folder, and what nbgrader's log says of it.
CHANGES = {
    "link": (link_to_the_gradebook, "got a symbolic link: 'notes.txt'"),
    "hidden_link": (hidden_link, "got a symbolic link: '.ipynb_checkpoints/x'"),
    "link_to_a_folder": (
        lambda folder: (folder / "data").symlink_to("../../../source"),
        "got a symbolic link: 'data'",
    ),
    "broken_link": (
        lambda folder: (folder / "\n").symlink_to("nowhere"),
        r"got a symbolic link: '\n'",
    ),
    "linked_folder": (linked_folder, "expected a folder, got a symbolic link: 'tiny'"),
    "linked_student": (
        linked_student,
        "expected a folder, got a symbolic link: 'linked_student'",
    ),
    "pipe": (lambda folder: os.mkfifo(folder / "data.csv"), "got a pipe: 'data.csv'"),
    "time_from_a_pipe": (
        lambda folder: os.mkfifo(folder / "timestamp.txt"),
        "got a pipe: 'timestamp.txt'",
    ),
    "no_time": (
        lambda folder: (folder / "timestamp.txt").write_text("soon"),
        "timestamp.txt: expected a time, got something else",
    ),
    "many_files": (
        lambda folder: [(folder / str(number)).touch() for number in range(500)],
        "at most 500 files and folders",
    ),
    "large_file": (
        lambda folder: os.truncate(folder / f"{NAME}.ipynb", 10**9),
        "at most 500 files and folders of 300000000 bytes",
    ),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Grade two students, then one of them again, and the others; ``submitted`` is a link."""
    course = TinyCourse(tmp_path_factory.mktemp("intake"), forks_kernels=True)
    (course.folder / "collected").mkdir()
    (course.folder / "submitted").symlink_to("collected")
    for name in ("right", "handed_in_again"):
        course.submit(name, course.solved())
    first = course.autograde()
    for name, (change, _) in CHANGES.items():
        course.submit(name, course.solved())
        change(course.submitted(name).parent)
    course.submit("excluded", course.solved())
    for name in ("excluded", "handed_in_again"):
        link_to_the_gradebook(course.submitted(name).parent)
    course.submit("zz_last", course.solved())
    odd = os.fsencode(course.submitted("zz_last").parent) + b"/\xff.txt"
    Path(os.fsdecode(odd)).touch()
    before = course.scores("handed_in_again")
    done = course.autograde("--CourseDirectory.student_id_exclude=excluded,nobody")
    return SimpleNamespace(course=course, first=first, before=before, log=done.stderr)


@pytest.mark.parametrize("name", CHANGES)
def test_it_is_refused_with_one_line_and_has_no_score(graded, name):
    start = f"Not graded, no score: student {name}, the whole submission: UngradableError: "
    [line] = [line for line in graded.log.splitlines() if start in line]
    assert CHANGES[name][1] in line
    assert graded.course.scores(name) == NO_SCORE
    assert set(graded.course.ungraded(name)) == {"add-test", "limit-test", "double-test"}


@pytest.mark.parametrize("name", [*CHANGES, "handed_in_again"])
def test_nothing_of_it_is_copied(graded, name):
    assert not graded.course.autograded(name).parent.exists()


def test_what_was_graded_before_loses_its_score(graded):
    assert graded.first.returncode == 0
    assert graded.before == FULL
    assert graded.course.scores("handed_in_again") == NO_SCORE


def test_the_others_are_graded_and_keep_their_scores(graded):
    assert graded.course.scores("zz_last") == FULL
    assert graded.course.scores("right") == FULL
    assert graded.course.autograded("zz_last").exists()
    assert graded.course.autograded("right").exists()


def test_who_is_excluded_is_not_looked_at(graded):
    assert "student excluded" not in graded.log
    assert graded.course.scores("excluded") == {}


def test_news_are_graded_whatever_the_timestamp_says(tmp_path):
    course = TinyCourse(tmp_path, forks_kernels=True)
    for name in ("better", "same", "gone"):
        course.submit(name, course.solved(add="def add(a, b):\n    return 0"))
        course.submitted(name).with_name("timestamp.txt").write_text("2026-01-01 00:00:00 UTC")
    assert course.autograde().returncode == 0
    before = course.autograded("same").stat().st_mtime_ns
    course.submit("better", course.solved())
    course.submitted("better").with_name("timestamp.txt").unlink()
    course.submitted("gone").unlink()
    pages = {name: tmp_path / "feedback" / name / NAME for name in ("better", "same")}
    for page in pages.values():
        page.mkdir(parents=True)
    for name in ("bett[e]r", "two\nlines"):
        course.submit(name, course.solved())
    log = course.autograde().stderr
    assert course.scores("better") == FULL
    assert course.autograded("same").stat().st_mtime_ns == before
    assert course.scores("same")["add-test"] == 0
    assert [name for name, page in pages.items() if page.exists()] == ["same"]
    assert course.scores("gone") == NO_SCORE
    assert "student gone, the whole submission: UngradableError: expected a notebook" in log
    for name in ("bett[e]r", "two\nlines"):
        assert f"student {name!a}, the whole submission: UngradableError: expected a folder" in log
        assert course.scores(name) == {}


@pytest.mark.parametrize(
    "text", ["", " \n", "2026-01-01 00:00:00 UTC", "2026-01-01 10:00:00.123456 Europe/Berlin"]
)
def test_a_time_that_nbgrader_reads_is_one(tmp_path, text):
    (tmp_path / "timestamp.txt").write_text(text)
    require_timestamp(tmp_path / "timestamp.txt")
    require_timestamp(tmp_path / "missing.txt")


@pytest.mark.parametrize(
    "data", [b"soon", b"\xff\xfe", b"2026-13-01", b"9" * 50, b"2026-01-01 " + b"0" * 100]
)
def test_a_time_that_is_none_is_refused(tmp_path, data):
    (tmp_path / "timestamp.txt").write_bytes(data)
    with pytest.raises(UngradableError, match=r"timestamp\.txt: expected a time"):
        require_timestamp(tmp_path / "timestamp.txt")
