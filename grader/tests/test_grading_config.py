"""What ``nexa-grade`` grades with where a course's own file says little, or too little."""

import pytest
from bwrap import NO_SANDBOX, needs_sandbox
from nbgrader.preprocessors import Execute
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.run.grading_config import hardened_for_grading, weaknesses
from nexa_grade.settings import EXECUTE, harden
from tiny_course import FULL, NAME, TinyCourse
from traitlets.config import Config

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own


def hardened() -> Config:
    config = Config()
    harden(config)
    return config


def preprocessors(config: Config) -> list[str]:
    return hardened_for_grading(config).Autograde.autograde_preprocessors


def test_a_configuration_that_says_nothing_is_hardened():
    config = Config({"Execute": {"timeout": 7}})
    found = hardened_for_grading(config)
    assert found.Autograde == hardened().Autograde
    assert found.Execute.timeout == 7
    assert weaknesses(found, is_sandboxed=True) == []
    assert "Autograde" not in config  # the application's own is as it was


def test_what_a_course_sets_wins():
    config = hardened()
    assert preprocessors(config) == config.Autograde.autograde_preprocessors
    config.Autograde.autograde_preprocessors = [EXECUTE]
    assert preprocessors(config) == [EXECUTE]
    lazy = Config()
    lazy.Autograde.autograde_preprocessors.append("mine.Own")
    assert preprocessors(lazy) == [*hardened().Autograde.autograde_preprocessors, "mine.Own"]


NEEDED = ["WatchForForgery", "SandboxedExecute", "GradeByErrors", "SaveAutoGrades"]


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(name):
    config = hardened()
    config.Autograde.autograde_preprocessors = [
        one for one in config.Autograde.autograde_preprocessors if not one.endswith(name)
    ]
    assert weaknesses(config, is_sandboxed=True) == [f"no {name}"]
    expected = [] if name == "SandboxedExecute" else [f"no {name}"]
    assert weaknesses(config, is_sandboxed=False) == expected


class OwnExecute(SandboxedExecute):
    pass


def test_a_class_of_the_courses_own_counts_by_what_it_is():
    config = hardened()
    listed = config.Autograde.autograde_preprocessors
    config.Autograde.autograde_preprocessors = [
        OwnExecute if one == EXECUTE else one for one in listed
    ]
    assert weaknesses(config, is_sandboxed=True) == []
    config.Autograde.autograde_preprocessors += [Execute]
    assert weaknesses(config, is_sandboxed=True) == ["Execute, which runs outside the sandbox"]
    assert weaknesses(config, is_sandboxed=False) == []


COMMAND = ["-m", "nexa_grade.command", NAME, "--workers", "1"]
COMMAND += ["--no-sandbox"] if NO_SANDBOX else []


@pytest.mark.parametrize(
    ("listed", "missing"),
    [
        (["nbgrader.preprocessors.SaveAutoGrades"], "no WatchForForgery, no GradeByErrors"),
        (["no.such.Thing"], "No module named 'no'"),
    ],
)
def test_it_refuses_in_one_line(tmp_path, listed, missing):
    course = TinyCourse(tmp_path, f"c.Autograde.autograde_preprocessors = {listed}\n")
    course.submit("right", course.solved())
    done = course.run(*COMMAND)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert missing in done.stderr
    assert course.scores("right") == {}


@needs_sandbox
def test_a_course_without_a_line_for_it_is_graded_in_safety(tmp_path):
    """In the sandbox: a kernel does not see the gradebook."""
    course = TinyCourse(tmp_path, "")
    course.submit("right", course.solved())
    sees = f"import os\nSEES = os.path.exists({str(tmp_path / 'gradebook.db')!r})\n"
    course.submit("curious", course.solved(add=sees + "def add(a, b):\n    return a + b + SEES"))
    done = course.run(*COMMAND)
    assert done.returncode == 0, done.stderr
    assert course.scores("right") == course.scores("curious") == FULL
