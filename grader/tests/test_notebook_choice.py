"""Work in a copy, or under another name: it is graded, held, or named; never 0 in silence."""

import json
from pathlib import Path

import pytest
from nexa_grade.errors import HeldForReview, UngradableError
from nexa_grade.intake.notebook_choice import choose_notebooks
from nexa_grade.repair.release import ReleasedCell
from tiny_course import FULL, NAME, TinyCourse

STUBS = {"add": "def add(a, b):\n    ...", "double": "def double(x):\n    ..."}
DONE = {"add": "def add(a, b):\n    return a + b", "double": "def double(x):\n    return 2 * x"}


def released(prefix: str = "") -> list[ReleasedCell]:
    """Make a release of two functions, with the names of grade ids beginning with ``prefix``."""
    return [
        ReleasedCell(f"{prefix}{name}", "code", text, info={"solution": True})
        for name, text in STUBS.items()
    ]


def written(prefix: str = "", has_ids: bool = True, **answers: str) -> str:
    """Write a notebook: the release with these answers."""
    cells = []
    for name, text in (STUBS | answers).items():
        info = {"grade_id": f"{prefix}{name}", "solution": True}
        metadata = {"nbgrader": info} if has_ids else {}
        cells.append({"cell_type": "code", "metadata": metadata, "source": text, "outputs": [],
                      "execution_count": None})  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


BLANK, FULL_WORK = written(), written(**DONE)
ADD, DOUBLE = written(add=DONE["add"]), written(double=DONE["double"])
OTHER_ADD = written(add="def add(a, b):\n    return b + a", double=DONE["double"])
NO_IDS = written(has_ids=False, **DONE)
ESSAY = json.dumps(
    {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "Hello"}], "metadata": {},
     "nbformat": 4, "nbformat_minor": 4}
)  # fmt: skip


def choose(folder: Path, files: dict[str, str], is_accepted: bool = False, **release):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    release = release or {"tiny": released()}
    return choose_notebooks(folder, release, [".ipynb_checkpoints"], {"data.csv"}, is_accepted)


GRADED = {  # files, which one counts, and what is said (nothing: "")
    "as it should be": ({"tiny.ipynb": FULL_WORK}, "tiny.ipynb", ""),
    "untouched and alone": ({"tiny.ipynb": BLANK, "data.csv": ""}, "tiny.ipynb", ""),
    "the same twice": ({"tiny.ipynb": FULL_WORK, "tiny-Copy1.ipynb": FULL_WORK}, "tiny.ipynb", ""),
    "a blank copy": ({"tiny.ipynb": FULL_WORK, "tiny (1).ipynb": BLANK}, "tiny.ipynb", ""),
    "an earlier copy": ({"tiny.ipynb": FULL_WORK, "old/tiny.ipynb": ADD}, "tiny.ipynb", ""),
    "a checkpoint": ({"tiny.ipynb": BLANK, ".ipynb_checkpoints/tiny-checkpoint.ipynb": FULL_WORK},
                     "tiny.ipynb", ""),
    "another answer": ({"tiny.ipynb": FULL_WORK, "tiny-Copy1.ipynb": OTHER_ADD}, "tiny.ipynb",
                       "'tiny-Copy1.ipynb' lies beside 'tiny.ipynb'"),
    "notes": ({"tiny.ipynb": FULL_WORK, "notes.ipynb": ESSAY}, "tiny.ipynb", ""),
    "renamed": ({"tiny (1).ipynb": FULL_WORK}, "tiny (1).ipynb", "graded as tiny.ipynb"),
    "quite renamed": ({"homework of ada.ipynb": ADD}, "homework of ada.ipynb", "as tiny.ipynb"),
    "without metadata": ({"work.ipynb": NO_IDS}, "work.ipynb", "graded as tiny.ipynb"),
    "in a folder": ({"tiny/tiny.ipynb": FULL_WORK}, "tiny/tiny.ipynb", "graded as tiny.ipynb"),
    "another ending": ({"tiny.ipynb.txt": FULL_WORK}, "tiny.ipynb.txt", "graded as tiny.ipynb"),
    "capital letters": ({"Tiny.IPYNB": FULL_WORK}, "Tiny.IPYNB", "graded as tiny.ipynb"),
    "renamed, and blank": ({"a.ipynb": BLANK, "b.ipynb": FULL_WORK}, "b.ipynb", "'b.ipynb'"),
    "renamed, and earlier": ({"a.ipynb": ADD, "b.ipynb": FULL_WORK}, "b.ipynb", "'b.ipynb'"),
    "renamed, with notes": ({"a.ipynb": ADD, "notes.ipynb": ESSAY}, "a.ipynb", "'a.ipynb'"),
    "work in another file": ({"tiny.ipynb": BLANK, "tiny.py": "x"}, "tiny.ipynb", "'tiny.py'"),
    "work, and another file": ({"tiny.ipynb": ADD, "tiny.py": "x"}, "tiny.ipynb", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", GRADED)
def test_it_is_graded_and_said(case, tmp_path):
    files, counts, said = GRADED[case]
    choice = choose(tmp_path, files)["tiny"]
    assert choice.path == tmp_path / counts
    assert said in " ".join(choice.notes)
    assert bool(choice.notes) == bool(said)


HELD = {  # files, and what the reason names
    "the work in a copy": ({"tiny.ipynb": BLANK, "tiny-Copy1.ipynb": FULL_WORK}, ["add, double"]),
    "part of it": ({"tiny.ipynb": ADD, "tiny (1).ipynb": FULL_WORK}, ["'double'"]),
    "half in each": ({"tiny.ipynb": ADD, "tiny final.ipynb": DOUBLE}, ["'double'"]),
    "quite another name": ({"tiny.ipynb": BLANK, "homework.ipynb": FULL_WORK}, []),
    "without metadata": ({"tiny.ipynb": BLANK, "colab.ipynb": NO_IDS}, []),
    "another ending": ({"tiny.ipynb": BLANK, "tiny.ipynb.json": FULL_WORK}, []),
    "in a folder": ({"tiny.ipynb": BLANK, "tiny/tiny.ipynb": FULL_WORK}, []),
    "unknown cells": ({"tiny.ipynb": BLANK, "notes.ipynb": ESSAY}, []),
    "a broken notebook": ({"tiny.ipynb": "{", "tiny (1).ipynb": FULL_WORK}, []),
    "an empty notebook": ({"tiny.ipynb": "", "tiny (1).ipynb": FULL_WORK}, []),
    "different answers": ({"a.ipynb": ADD, "b.ipynb": DOUBLE}, ["expected tiny.ipynb"]),
}


@pytest.mark.parametrize("case", HELD)
def test_it_is_held_with_both_names(case, tmp_path):
    files, words = HELD[case]
    with pytest.raises(HeldForReview) as held:
        choose(tmp_path, files)
    assert all(f"{name!r}" in str(held.value) for name in files)
    for word in words:
        assert all(part in str(held.value) for part in word.split(", "))


@pytest.mark.parametrize(
    "case", [name for name, (files, _) in HELD.items() if "tiny.ipynb" in files]
)
def test_what_a_person_accepts_is_graded_under_the_right_name_and_said(case, tmp_path):
    choice = choose(tmp_path, HELD[case][0], is_accepted=True)["tiny"]
    assert choice.path == tmp_path / "tiny.ipynb"
    assert "a person has looked" in choice.notes[0]


NOTHING = {  # files, and what the message says was found
    "nothing": ({}, "got none"),
    "other files": ({"work.py": "", "work.pdf": ""}, "only 'work.pdf', 'work.py'"),
    "another notebook": ({"essay.ipynb": ESSAY}, "'essay.ipynb', with no cell of the assignment"),
    "a broken one": ({"tiny (1).ipynb": "{"}, "'tiny (1).ipynb'"),
    "what comes with it": ({"data.csv": ""}, "got none"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_a_message_says_what_was_expected_and_found(case, tmp_path):
    files, found = NOTHING[case]
    with pytest.raises(
        UngradableError, match=r"expected a notebook \(tiny\.ipynb\), got "
    ) as error:
        choose(tmp_path, files)
    assert not isinstance(error.value, HeldForReview)
    assert found in str(error.value)


P1, P2 = written("p1-", **DONE), written("p2-", **DONE)
SEVERAL = {"problem1": released("p1-"), "problem2": released("p2-")}


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({"problem1.ipynb": P1, "problem2.ipynb": P2}, ["problem1.ipynb", "problem2.ipynb"]),
        ({"problem1.ipynb": P1, "problem2 (1).ipynb": P2},
         ["problem1.ipynb", "problem2 (1).ipynb"]),
        ({"a.ipynb": P2, "b.ipynb": P1}, ["b.ipynb", "a.ipynb"]),
        ({"problem1.ipynb": P1, "notes.ipynb": ESSAY, "problem2.ipynb": P2},
         ["problem1.ipynb", "problem2.ipynb"]),
    ],
)  # fmt: skip
def test_assignments_of_several_notebooks(files, counts, tmp_path):
    choices = choose(tmp_path, files, **SEVERAL)
    assert [choices[name].path.name for name in SEVERAL] == counts


def test_a_notebook_that_is_missing_is_said_or_held(tmp_path):
    choices = choose(tmp_path, {"problem1.ipynb": P1}, **SEVERAL)
    assert set(choices) == {"problem1"}
    assert choices["problem1"].notes == ("problem2.ipynb was not handed in: it has 0 points",)
    with pytest.raises(HeldForReview, match=r"expected problem2\.ipynb, got 'work\.ipynb'"):
        choose(tmp_path, {"work.ipynb": ESSAY}, **SEVERAL)
    with pytest.raises(HeldForReview, match=r"'copy\.ipynb' has answers that 'problem1\.ipynb'"):
        choose(
            tmp_path,
            {"problem1.ipynb": written("p1-"), "copy.ipynb": P1, "problem2.ipynb": P2},
            **SEVERAL,
        )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Hand in notebooks under other names and in copies."""
    course = TinyCourse(tmp_path_factory.mktemp("copies"), forks_kernels=True)
    work, blank = json.dumps(course.solved()), json.dumps(course.release)
    other = json.dumps(course.solved(add="def add(a, b):\n    return b + a"))
    handed_in = {
        "two": {"tiny.ipynb": blank, "tiny-Copy1.ipynb": work},
        "renamed": {"tiny (1).ipynb": work},
        "beside": {"tiny.ipynb": work, "tiny-Copy1.ipynb": other},
        "script": {"tiny.py": "x"},
        "right": {"tiny.ipynb": work},
    }
    for student, files in handed_in.items():
        for name, text in files.items():
            path = course.submitted(student).with_name(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return course


REASONS = {
    "two": "'tiny-Copy1.ipynb' has answers that 'tiny.ipynb' lacks ('add', 'double', 'why')",
    "script": "expected a notebook (tiny.ipynb), got none, only 'tiny.py'",
}
NOTES = {
    "renamed": "'tiny (1).ipynb' is graded as tiny.ipynb",
    "beside": "'tiny-Copy1.ipynb' lies beside 'tiny.ipynb', which counts",
}


@pytest.mark.parametrize("command", ["nexa-grade", "nbgrader"])
def test_screen_page_and_feedback_tell_both_names(course, command):
    if command == "nbgrader":
        done = course.autograde("--force")
    else:
        done = course.run("-m", "nexa_grade.command", NAME, "--no-sandbox", "--workers", "1")
    assert done.returncode == 1, done.stderr
    screen = done.stdout + done.stderr
    for student, text in (REASONS | NOTES).items():
        assert any(student in line and text in line for line in screen.splitlines()), student
    no_score = dict.fromkeys(FULL)
    for student in ("two", "script"):
        assert course.scores(student) == no_score
        assert not course.autograded(student).exists()
    for student in ("renamed", "beside", "right"):
        assert course.scores(student) == FULL, student
    for student, text in NOTES.items():
        assert text in course.graded(student).cells[0].source
        assert course.repairs(student) == [("", text)]
    assert course.repairs("right") == []
    if command == "nexa-grade":
        page = course.run("-m", "nexa_grade.command", "report", NAME).stdout.strip()
        page = Path(page).read_text().replace("&#39;", "'")
        for text in (REASONS | NOTES).values():
            assert text in page
