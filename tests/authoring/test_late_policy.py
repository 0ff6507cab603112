"""The recipe of the instructor's guide for late submissions: a rule in a file of its own."""

import re
from pathlib import Path

import pytest
from bwrap import NO_SANDBOX
from nbgrader.api import Gradebook
from tiny_course import HARDENED, NAME, TinyCourse

GUIDE = (Path(__file__).parents[2] / "docs" / "instructor.md").read_text()
RULE = re.search(r"```python\n(from nbgrader\.plugins import .*?)```", GUIDE, re.S)[1]
SETTINGS = re.search(r"```python\n(sys\.path\.insert.*?)```", GUIDE, re.S)[1]
SETTINGS = f"\n{SETTINGS}c.NexaGrade.preload = []\n"
NEXA_GRADE = ["-m", "nexa_grade.command", NAME, "--workers", "1"]
NEXA_GRADE += ["--believe-timestamps", *(["--no-sandbox"] if NO_SANDBOX else [])]
NBGRADER = ["-m", "nbgrader", "autograde", NAME]
TIMES = {"early": "2026-11-30 23:00", "late": "2026-12-01 03:00"}  # the second: three hours late


@pytest.mark.parametrize("command", [NEXA_GRADE, NBGRADER], ids=["nexa-grade", "autograde"])
def test_lateness_costs_what_the_rule_says(tmp_path, command):
    course = TinyCourse(tmp_path, HARDENED + SETTINGS, forks_kernels=True)
    (tmp_path / "late.py").write_text(RULE)
    due = ["db", "assignment", "add", NAME, "--duedate", "2026-12-01 00:00 UTC"]
    assert course.nbgrader(*due).returncode == 0
    for student, time in TIMES.items():
        course.submit(student, course.solved())
        course.submitted(student).with_name("timestamp.txt").write_text(f"{time} UTC")
    done = course.run(*command)
    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        found = {student: gradebook.find_submission(NAME, student) for student in TIMES}
        penalties = {name: each.late_submission_penalty for name, each in found.items()}
        points = {name: each.score for name, each in found.items()}
    assert penalties == {"early": 0, "late": 1.5}
    assert points == {"early": 6, "late": 6}  # nbgrader takes the penalty off in its exports
