"""The instructor's page: figures that are derived by hand, and students whose names are attacks."""

import base64
import dataclasses
import hashlib
import json
import random
import re
import shutil
from collections import Counter

import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from nexa_grade.repair.release import ReleasedCell
from nexa_grade.results import class_report as dashboard
from nexa_grade.results import class_results, status
from nexa_grade.results.class_report import visible
from nexa_grade.results.class_results import CheckSummary, Student
from nexa_grade.results.lms_export import ClassExportPlugin
from nexa_grade.results.points import Cell
from nexa_grade.results.questions import name_questions
from nexa_grade.results.similarity import (
    Given,
    character,
    compare_answers,
    lines_of,
    text_lines,
    words_of,
)
from nexa_grade.run.journal import Journal
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import Scores, merge
from test_nexa_grade import postgresql
from tiny_course import NAME, TinyCourse
from traitlets.config import Config

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

EVIL = "<script>alert(1)"
EVIL_NAME = "<b>Eve</b>\u202e"
EVIL_CELL = "<img src=x onerror=alert(2)>"
EVIL_TEXT = '</style></td><script src="https://evil.example/x.js"></script>{{ 7 * 7 }}'
LONG_ADD = """def add(a, b):
    total = 0
    for part in (a, b):
        if part > 0 or part < 0 or part == 0:
            total = total + part
    return total
"""
COPIED_ADD = '''def add(a, b):
    """My own idea."""
    summe = 0  # begin with nothing
    for teil in (a, b):

        if teil > 0 or teil < 0 or teil == 0:
            summe = summe+teil
    return summe
'''


def report(course, *arguments, status=0):
    done = course.run("-m", "nexa_grade.command", "report", NAME, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def page_of(course):
    path = course.folder / "nexa-grade" / NAME / "report.html"
    assert report(course).stdout.strip() == str(path)
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def table(page, caption):
    """Read a table: its rows, with all white space made one space."""
    found = next(each for each in page.find_all("table") if each.caption.text == caption)
    rows = [row.find_all(["th", "td"]) for row in found.find_all("tr")]
    return [[" ".join(cell.text.split()) for cell in row] for row in rows]


def section(page, title):
    """Read the text under a heading, tables included."""
    texts = []
    for each in page.find("h2", string=title).find_next_siblings():
        if each.name == "h2":
            break
        texts.append(each.text)
    return " ".join(" ".join(texts).split())


def give(course, student, **points):
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as gradebook:
        for cell, score in points.items():
            grade = gradebook.find_grade(cell.replace("_", "-"), NAME, NAME, student)
            grade.manual_score, grade.needs_manual_grade = score, False
        gradebook.db.commit()


SEEN = {"cell": "add", "what": "displayhook is called"}
MENDED = {"cell": "add-test", "what": "the metadata was put back"}
HELD_FOR = "HeldForReview: displayhook"
RESULTS = {  # the points of add-test, limit-test, double-test; seconds
    "ann": ((2.0, 1.0, 3.0), Outcome("ann", "", Status.GRADED, seconds=4.0)),
    "bob": ((0.0, 0.0, 3.0), Outcome("bob", "", Status.GRADED, seconds=2.5, repairs=[MENDED])),
    EVIL: ((2.0, 1.0, 0.0), Outcome(EVIL, "", Status.GRADED, seconds=9.25)),
    "broken": (None, Outcome("broken", "", Status.NOT_GRADABLE, "not JSON", seconds=0.5)),
    "cheat": (None, Outcome("cheat", "", Status.HELD, HELD_FOR, seconds=3.0, violations=[SEEN])),
}
ANSWERS = {
    "ann": {"add": LONG_ADD},
    "bob": {"add": "def add(a, b):\n    return 0"},
    EVIL: {"add": COPIED_ADD, "double": "def double(x):\n    return 0"},
}


def settle(course, journal, outcome, points):
    """Do what nexa-grade does with an outcome."""
    url = f"sqlite:///{course.folder / 'gradebook.db'}"
    if points:
        cells = dict(zip(["add-test", "limit-test", "double-test"], points, strict=True))
        notebook = json.dumps(course.solved(**ANSWERS[outcome.student])).encode()
        outcome = dataclasses.replace(
            outcome,
            scores=Scores(None, {NAME: cells}, {NAME: {}}, {NAME: None}),
            files={f"{NAME}.ipynb": notebook},
        )
    journal.keep(outcome)
    journal.place_files(outcome, course.autograded(outcome.student).parent)
    with Gradebook(url, "tiny") as gradebook:
        merge(gradebook, NAME, outcome.student, url, outcome.scores)
    journal.write("submission", points=outcome.points, **outcome.to_json())
    journal.mark_merged(outcome)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Seven students: three graded, held, failed, not graded yet, missing."""
    course = TinyCourse(tmp_path_factory.mktemp("class"), forks_kernels=True)
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}", "tiny") as gradebook:
        gradebook.add_student("mia")
        gradebook.add_student(EVIL, first_name=EVIL_NAME, last_name="Doe")
    with Journal(course.folder / "nexa-grade" / NAME) as journal:
        journal.write("run", version="1.2.0", sandbox=False)
        for points, outcome in RESULTS.values():
            settle(course, journal, outcome, points)
        journal.write("end")
    give(course, "ann", why=1.5)
    give(course, EVIL, why=2.0, double_test=1.0)
    course.submit("zoe", course.solved())
    return course


@pytest.fixture(scope="module")
def page(course):
    return page_of(course)


def test_everybody_is_counted_once(page):
    assert table(page, "Number of students")[1:] == [
        ["graded", "2"],
        ["needs manual grading", "1"],
        ["could not be graded", "1"],
        ["held for a person", "1"],
        ["not graded yet", "1"],
        ["missing", "1"],
        ["all", "7"],
    ]
    text = section(page, "Submissions")
    assert "Missing: mia" in text
    assert "Not graded yet: zoe" in text


def test_the_files_of_the_exporters_use_the_same_words(course, page):
    url = f"sqlite:///{course.folder / 'gradebook.db'}"
    config = Config({"CourseDirectory": {"root": str(course.folder), "db_url": url}})
    plugin = ClassExportPlugin(config=config)
    with Gradebook(url) as gradebook:
        people = plugin.people(gradebook, {"zoe"})
        assignment = gradebook.find_assignment(NAME)
        results = plugin.sheet(gradebook, assignment, people, {"zoe"}).results
    exported = Counter(result.status for result in results.values())
    reported = dict(table(page, "Number of students")[1:-1])
    assert {word: str(count) for word, count in exported.items()} == reported
    assert results["cheat"].status == "held for a person" and not results["cheat"].scores


def test_failed_and_held_students_have_their_reason(page):
    _, failed, held = table(page, "Without a score")
    assert failed[:2] == ["broken", "could not be graded"]
    assert "not JSON" in failed[2]
    assert held[:2] == ["cheat", "held for a person"]
    assert "displayhook" in held[2]


def test_points_by_machine_and_by_hand_are_told_apart(page):
    # By machine: ann 2 + 1 + 3, bob 3, eve 2 + 1. By hand: ann 1.5; eve 2, and 1 in place of 0.
    assert table(page, "Points of graded submissions")[1:] == [
        ["By machine", "3", "6", "4", "3", "3", "6"],
        ["By hand", "2", "2", "2.25", "2.25", "1.5", "3"],
        ["Total", "2", "8", "6.75", "6.75", "6", "7.5"],
    ]
    assert "Graded submissions that still wait for a person: 1, of bob" in section(page, "Scores")


def test_the_histogram_is_labelled_by_numbers_and_has_a_text(page):
    figure = page.find("figure")
    assert figure.find("desc").text == (
        "0 to < 1 points: 0. 1 to < 2 points: 0. 2 to < 3 points: 0. 3 to < 4 points: 2."
        " 4 to < 5 points: 0. 5 to < 6 points: 0. 6 or more points: 1. "
    )
    texts = [each.text for each in figure.find_all("text")]
    assert texts[6:8] == ["3 to < 4", "2"]
    widths = [float(each["width"]) for each in figure.find_all("rect")]
    assert widths == [0, 0, 0, 210, 0, 0, 105]
    svg = figure.find("svg")
    ids = {each["id"] for each in figure.find_all(id=True)}
    assert set(svg["aria-labelledby"].split()) <= ids


def test_the_check_that_costs_most_comes_first(page):
    # Lost: double-test 3 of 9 points, add-test 2 of 6, limit-test 1 of 3. With z = 1.96, n = 3:
    # (2/3 + z²/6 ± z √(2/27 + z²/36)) / (1 + z²/3) = 0.573 ± 0.365
    interval = ["2 of 3", "67 %", "21 % to 94 %"]
    assert table(page, "Machine-graded cells")[1:] == [
        ["double-test", "double", "3", "1", *interval],
        ["add-test", "add", "2", "0.67", *interval],
        ["limit-test", "add", "1", "0.33", *interval],
    ]


def test_times_repairs_violations_and_runs(page):
    time = section(page, "Time")
    assert f"median 3, longest 9.25 ({EVIL} " in time
    assert "Times of 5 submissions are known" in time
    _, run = table(page, "Last runs of nexa-grade")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", run[0])
    assert run[1:] == [
        "1.2.0",
        "off",
        "1 could not be graded, 3 graded, 1 held for a person",
        "complete",
    ]
    _, repair = table(page, "What was put right before grading")
    assert repair == [MENDED["what"], "add-test", "1", "1", "bob"]
    _, violation = table(page, "What was seen")
    assert violation == [SEEN["what"], "add", "1", "1", "cheat"]


def test_a_renamed_copy_is_found(page):
    _, pair, median = table(page, "Most alike pairs")
    assert pair == [f"{EVIL} (<b>Eve</b>\\u202e Doe) and ann", "100 %", "100 %"]
    assert median[1:] == ["100 %", "100 %"]  # of one pair
    assert table(page, "Most alike pair of each question")[1][0] == "add"
    assert "a question, and never a verdict" in section(page, "Submissions alike")


def test_the_page_is_accessible_and_has_no_outside_part(page):
    assert page.html["lang"] == "en"
    assert page.find("meta", attrs={"name": "viewport"})
    headings = [each.name for each in page.find_all(re.compile("h[1-6]"))]
    assert headings == ["h1"] + ["h2"] * 7
    assert all(each.get("scope") in ("col", "row") for each in page.find_all("th"))
    assert all(each.caption for each in page.find_all("table"))
    ids = [each["id"] for each in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    check_harmless(page)


def check_harmless(page):
    """Look for what runs, what loads and what the policy would not stop."""
    names = {each.name for each in page.find_all(True)}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "form", "a", "base"}
    assert not [
        (each.name, name)
        for each in page.find_all(True)
        for name in each.attrs
        if name.startswith("on") or name in ("src", "href", "style", "srcdoc")
    ]
    style = page.style.text
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def copy_of(course, folder):
    copy = TinyCourse.__new__(TinyCourse)
    copy.folder = shutil.copytree(course.folder, folder / "course")
    return copy


def test_hostile_texts_stay_texts(course, tmp_path):
    course = copy_of(course, tmp_path)
    what = {"cell": EVIL_CELL, "what": EVIL_TEXT + "\ud800" + "x" * 5000}
    outcome = Outcome(EVIL, "", Status.HELD, EVIL_TEXT, repairs=[what], violations=[what])
    with Journal(course.folder / "nexa-grade" / NAME) as journal:
        journal.keep(outcome)
    page = page_of(course)
    check_harmless(page)
    text = " ".join(page.text.split())
    assert text.count(EVIL_TEXT) == 3  # reason, repair, violation
    assert text.count(EVIL_CELL) == 2
    assert f"{EVIL} (<b>Eve</b>\\u202e Doe)" in text
    assert "x" * 500 not in text


def test_what_a_stopped_run_left_is_not_called_graded(course, tmp_path):
    course = copy_of(course, tmp_path)
    journal = Journal(course.folder / "nexa-grade" / NAME)
    (journal.runs / "2030-01-01T10-20-30.5Z.jsonl").write_text('{"event": "run"}\n{"event": "su')
    for student, change in {"ann": {"is_merged": False}, "bob": {"outcome": {"a": 1}}}.items():
        path = journal.outcomes / student / "outcome.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as gradebook:
        for student in ("bob", EVIL):
            gradebook.find_grade("add-test", NAME, NAME, student).auto_score = None
        gradebook.db.commit()
    page = page_of(course)
    reasons = {row[0].split(" (")[0]: row[1:] for row in table(page, "Without a score")}
    assert reasons["ann"] == [Status.NOT_GRADABLE, status.NOT_MERGED]
    assert reasons["bob"] == [Status.NOT_GRADABLE, status.UNREADABLE]
    assert reasons[EVIL] == [Status.NOT_GRADABLE, status.LOST_SCORE]
    assert "No submission is graded yet." in section(page, "Scores")
    assert "There is nothing to compare" in section(page, "Submissions alike")
    assert table(page, "Last runs of nexa-grade")[1] == [
        "2030-01-01 10:20:30 UTC", "", "off", "nothing", "stopped, or still at work",
    ]  # fmt: skip


def test_broken_notebooks_and_a_missing_release_cost_no_page(course, tmp_path):
    course = copy_of(course, tmp_path)
    shutil.rmtree(course.folder / "release")
    course.autograded("ann").write_text("[" * 100_000)
    assert "There is nothing to compare" in section(page_of(course), "Submissions alike")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{}]}', "\x00", "1e999"],
)
def test_an_unreadable_notebook_has_no_answers(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    assert class_results.read_answers(tmp_path / "a.ipynb") == {}


def test_answers_are_read_and_links_are_not_followed(tmp_path):
    cells = [
        {"metadata": {"nbgrader": {"grade_id": "a"}}, "cell_type": "code", "source": ["x\n", "y"]},
        {"metadata": {"nbgrader": {"grade_id": "b"}}, "cell_type": "markdown", "source": "z"},
        {"metadata": {"nbgrader": {"grade_id": "c"}}, "cell_type": "code", "source": 1},
        {"metadata": {"nbgrader": 1}},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    assert class_results.read_answers(path) == {"a": ("x\ny", True), "b": ("z", False)}
    (tmp_path / "link.ipynb").symlink_to(path)
    assert class_results.read_answers(tmp_path / "link.ipynb") == {}
    assert class_results.read_answers(tmp_path / "none.ipynb") == {}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return TinyCourse(tmp_path_factory.mktemp("empty"))


def refusal(done):
    (line,) = done.stderr.strip().splitlines()
    return line


def test_without_submissions_there_is_no_page(empty):
    with Gradebook(f"sqlite:///{empty.folder / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_student("mia")
    line = refusal(report(empty, status=2))
    assert line == f"nexa-grade: no submissions of {NAME}: there is nothing to report"
    assert not (empty.folder / "nexa-grade").exists()


def test_an_unknown_assignment_or_gradebook_is_refused(empty, tmp_path):
    other = ["-m", "nexa_grade.command", "report"]
    done = empty.run(*other, "../other")
    assert (done.returncode, refusal(done)) == (
        2, "nexa-grade: no assignment ../other in the gradebook",
    )  # fmt: skip
    assert "expected the name of one assignment" in refusal(empty.run(*other))
    nowhere = copy_of(empty, tmp_path)
    (nowhere.folder / "gradebook.db").unlink()
    assert "no gradebook at" in refusal(report(nowhere, status=2))
    assert not (nowhere.folder / "gradebook.db").exists()


def grade_by_api(url, student, score):
    with Gradebook(url, "tiny") as gradebook:
        gradebook.add_student(student)
        for notebook in gradebook.add_submission(NAME, student).notebooks:
            for grade in notebook.grades:
                grade.needs_manual_grade = grade.name == "why"
                grade.auto_score = None if grade.name == "why" else score
        gradebook.db.commit()


def test_one_submission_without_a_journal(empty, tmp_path):
    course = copy_of(empty, tmp_path)
    grade_by_api(f"sqlite:///{course.folder / 'gradebook.db'}", "ann", 1.0)
    page = page_of(course)
    assert table(page, "Points of graded submissions")[1] == [
        "By machine", "1", "6", "3", "3", "3", "3",
    ]  # fmt: skip
    assert table(page, "Machine-graded cells")[-1][0] == "limit-test"  # full: nothing lost
    assert "No times are known" in section(page, "Time")
    assert "There is nothing to compare" in section(page, "Submissions alike")


def test_a_gradebook_on_postgresql(tmp_path):
    with postgresql() as url:
        course = TinyCourse(tmp_path, f"c.CourseDirectory.db_url = {url!r}\n")
        grade_by_api(url, "ann", 1.0)
        assert table(page_of(course), "Points of graded submissions")[1][:4] == [
            "By machine", "1", "6", "3",
        ]  # fmt: skip
        assert not (tmp_path / "gradebook.db").exists()


# Parts


def test_a_check_counts_full_points_only():
    check = CheckSummary.of(Cell("test", "TODO 1", 0.3, True), [0.1 + 0.2, 0.3, 0.29, 0.0])
    assert (check.full, check.count, check.share) == (2, 4, 0.5)
    assert check.lost == pytest.approx(0.3 - (0.3 + 0.3 + 0.29) / 4)
    # z = 1.96, n = 4: the middle is 1/2, the half width z √(1/16 + z²/64) / (1 + z²/4)
    assert (check.low, check.high) == pytest.approx((0.1500, 0.8500), abs=1e-4)


def test_bars_are_a_whole_number_of_points_wide():
    counts = [
        (bar.label, bar.count) for bar in class_results.bars([-1, 0, 8.99, 9, 80.5, 81, 95], 87)
    ]
    assert counts[0] == ("0 to < 9", 3)
    assert counts[1] == ("9 to < 18", 1)
    assert counts[-2:] == [("72 to < 81", 1), ("81 or more", 2)]
    assert [bar.label for bar in class_results.bars([], 0)] == ["0 or more"]
    assert class_results.bars([0.1 + 0.7 + 0.2], 1)[1].count == 1  # 0.9999…


RELEASED = [
    ReleasedCell("first", "code", ""),
    ReleasedCell("part3-f", "code", "", info={"solution": True}),
    ReleasedCell("test", "code", ""),
    ReleasedCell("part4-test", "code", ""),
]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (r"part(\d+)-", ["first", "Part 3", "part3-f", "Part 4"]),
        ("", ["first", "part3-f", "part3-f", "part3-f"]),
    ],
)
def test_a_question_is_named_by_the_pattern_or_is_the_answer_above(pattern, names):
    found = name_questions({"n": RELEASED}, pattern, "Part {}")
    assert found == {("n", cell.grade_id): name for cell, name in zip(RELEASED, names, strict=True)}


def test_of_several_notebooks_a_question_says_which():
    found = name_questions({"a": RELEASED[:1], "b": RELEASED[:1]}, "", "{}")
    assert list(found.values()) == ["a first", "b first"]


def test_equal_findings_are_one_line_the_most_frequent_first():
    def student(name, *found):
        repairs = [{"cell": cell, "what": what} for cell, what in found]
        return Student(
            name, "", Status.GRADED, outcome=Outcome(name, "", Status.GRADED, repairs=repairs)
        )

    students = [
        student("a", ("", "moved"), ("c1", "rare")),
        student("b", ("c2", "moved"), ("c2", "moved")),
        Student("c", "", Status.MISSING),
    ]
    moved, rare = class_results.findings(students, "repairs")
    assert (moved.what, moved.cells, moved.students, moved.times) == (
        "moved", ["c2"], ["a", "b"], 3,
    )  # fmt: skip
    assert (rare.what, rare.times) == ("rare", 1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a\\u202eb"),
        ("\x00\x1b[1m", "\\u0000\\u001b[1m"),
        ("\ud800", "\\ud800"),
        ("Ångström 李 \n\t", "Ångström 李 \n\t"),
    ],
)
def test_characters_that_deceive_are_shown_as_codes(text, shown):
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.999, "99 %"), (1, "100 %")]
)
def test_only_all_is_100_percent(share, text):
    assert dashboard.percent(share) == text


# Likeness


NOTHING = Given(frozenset(), frozenset())
A = [f"a{i}" for i in range(40)]
B = [f"b{i}" for i in range(40)]


def test_the_figure_of_a_pair():
    # f: the longest common subsequence has 15 words: 2 · 15 / 40. g: only x has it.
    answers = {"x": {"f": A[:20], "g": B[:20]}, "y": {"f": A[:15] + B[:5]}}
    found = compare_answers(answers, workers=1)
    (pair,) = found.most_alike
    assert (pair.first, pair.second) == ("x", "y")
    assert pair.by_question == pytest.approx({"f": 0.75})
    assert pair.likeness == pytest.approx(30 / 60)
    assert (found.students, found.pairs, found.medians) == (2, 1, pytest.approx({"f": 0.75}))


def test_the_most_alike_come_first_beside_the_median():
    # Of 40 words in two answers: x and y share 19, x and z share 10, y and z share 9 of these.
    answers = {
        "y": {"f": [*A[:19], "y"]},
        "z": {"f": [*A[10:20], *B[:10]]},
        "x": {"f": A[:20]},
        "short": {"f": A[:19]},
    }
    found = compare_answers(answers, most=2, workers=1)
    assert [(p.first, p.second, round(p.likeness, 6)) for p in found.most_alike] == [
        ("x", "y", 0.95),
        ("x", "z", 0.5),
    ]
    assert (found.students, found.pairs) == (3, 3)
    assert found.median == pytest.approx(0.5)  # of 0.95, 0.5 and 0.45
    assert found.most_alike_in["f"] == found.most_alike[0]


@pytest.mark.parametrize("answers", [{}, {"x": {"f": A}}, {"x": {"f": A}, "y": {"f": A[:19]}}])
def test_one_student_is_like_nobody(answers):
    assert compare_answers(answers) is None


def test_order_of_students_and_number_of_threads_change_nothing():
    draw = random.Random(11)
    answers = {
        f"s{i}": {f"q{j}": draw.choices(A, k=draw.randrange(15, 60)) for j in range(3)}
        for i in range(30)
    }
    turned = dict(reversed(answers.items()))
    assert compare_answers(answers, workers=1) == compare_answers(turned, workers=2)


def test_comments_layout_docstrings_and_chosen_names_do_not_count():
    words = words_of(LONG_ADD, True, NOTHING)
    assert words_of(COPIED_ADD, True, NOTHING) == words
    assert words_of(COPIED_ADD.replace("+", "-"), True, NOTHING) != words


def test_names_of_python_the_release_and_of_attributes_count():
    given = Given.of([("import torch", True)])
    assert words_of("mine = torch.relu(len(x))", True, given) == [
        "‹name›", "=", "torch", ".", "relu", "(", "len", "(", "‹name›", ")", ")",
    ]  # fmt: skip


def test_what_the_release_gives_does_not_count():
    given = Given.of([("def f(x):\n    # your part\n    raise E", True), ("Write here.", False)])
    assert words_of("def f( x ):\n  return 1 + 2", True, given) == ["return", "1", "+", "2"]
    assert words_of("Write here.\nI think so.", False, given) == ["I", "think", "so", "."]
    assert words_of("def f(x):\n    raise E", True, given) == []


def test_an_essay_in_a_string_is_read_word_by_word():
    assert words_of('text = """So it is.\nYes"""', True, NOTHING)[2:] == [
        *['"'] * 3, "So", "it", "is", ".", "Yes", *['"'] * 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "code", ["def f(:\n  x", "  a\n b", "'open", "(", "if 1:\n    a\n  b", "?"]
)
def test_broken_code_is_text(code):
    assert lines_of(code, True) == text_lines(code) != []


def test_an_endless_answer_is_cut():
    assert len(words_of("x " * 100_000, False, NOTHING)) == 5_000


def test_every_word_has_a_character_that_is_no_surrogate():
    assert [ord(character(rank)) for rank in (0, 0xD7FF, 0xD800, 10**7)] == [
        0, 0xD7FF, 0xE000, 0x10FFFF,
    ]  # fmt: skip
