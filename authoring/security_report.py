"""Writes docs/security.md: run every attack of grader/tests/attacks.py, and say what came of it.

`python -m authoring.security_report` in the repository takes about two minutes. A row is
written only where the attack got no point that it did not deserve, and was reported as it says.
"""

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from authoring.assignment import ROOT

REPORT = ROOT / "docs" / "security.md"
BEFORE = """# How forged scores are found, and which are not

*Written by `python -m authoring.security_report`, which runs every attack of this
page.*

A submission is a program, and the tests run inside it. So a student can try to get
points without an answer. Each attempt is looked for three times:

- **Before it runs.** The text of the student's cells is searched for what only a forgery needs
  (`grader/nexa_grade/forgery/text_signs.py` has the tables). The course's own solution and the bank
  of answers, right and wrong, have none of these signs. A test checks this.
- **While it runs.** A guard in the kernel looks before each test: are Python, IPython, torch and
  numpy what they were? What was changed is put back. The guard is asked by messages, not by code.
  It has no outputs, and no cell number changes. A test does not stay in the notebook's history.
- **After it ran: the second look.** `nexa-grade` runs the definitions in the student's cells once
  more, in a fresh sandbox that has no tests, no expected values and no reference. It calls the
  functions there on inputs that are drawn from a secret seed, and compares what comes back with the
  reference, outside of the sandbox. Where a test gave points and the function does not behave so,
  the submission is held: "score and behavior disagree". This needs no list of tricks. With the
  other two looks switched off, no attack of the table below gains a point unreported.

Where each test of an assignment has a probe, as in this course, only the second look holds a
submission that `nexa-grade` grades: signs of the other two are told in the log and on the report
page, and cost nobody a point. Plain `nbgrader autograde` has no second look, so there signs hold.

## What to do with a held submission

A submission with a sign is *held*, where signs hold. It gets no automatic score. That is not a 0,
and it is not exported as one. nbgrader's log has a line that begins with `Not graded, no score`,
and it says why.

1. Open the submitted notebook and read the cell that is named.
2. It was no forgery: add the student to `nbgrader_config.py` and grade again.
   `c.WatchForForgery.accepted = ["bitdiddle"]`. The signs stay in the log and in the notebook's
   metadata (`metadata.nexa.violations`).
3. It was one: give the points by hand, after the rules of your university.

A sign is no proof. Talk to the student first.

## What happens to each attack

"Held for a person" is the case above. "Kernel" means that the guard sees the attack also where
nobody has read the text before.

| Attack | What happens | Reported |
|---|---|---|
"""
AFTER = """
## What the second look does not see

- **It looks at what a test looks at.** The probes of this course, one for each graded cell, are in
  `answers/nexacode/probes.py`. A function that passes its probe has earned the cell, however it is
  written. Most probes compare values. These look at form alone, as their cells do, so a function
  with the right form gets these points: `todo2-test-plots` (1 point), `todo4-test-scalar`
  (2), `todo5-test-lists` (1), `todo5-test-only-policy` (1), `todo5-test-rollouts` (1),
  `todo6-test-keys` (2), `todo8-test-structure` (2), `todo9-test-word-count` (1).
- **Some looks are rough.** `todo5-test-direction` (2 points) compares six signs.
  `todo2-test-plots-data` (2) looks for bars as high as the counts, and not at the histograms.
  `todo6-test-plot` (1) looks for the numbers, and not for their places. `todo8-test-gpu` (1) has no
  fake GPU. `todo3-test-majority` and `todo3-test-ties` (3) compare rewards with the function's own
  votes; `todo3-test-mode` (2) asks whether votes differ from pass to pass.
- **It needs `nexa-grade`.** Plain `nbgrader autograde` does not do it.
- **It costs time**: about 3 seconds of one core for a submission of this course.

## What is not defended against

Student code and tests share one Python interpreter. There is no wall between them.

- **A program that is written against this guard can beat it.** Its code is public. It can find
  the guard in memory, change it, and let it answer that all is well. The text search stops the
  simple ways to do so. It does not stop all of them.
- **The text search knows names.** Code that is hidden in another way (in a data file, in a
  library that executes texts) is not seen.
- **A test that asks too little gives points for too little.** An object that lies can satisfy a
  test that only compares. The classes that lie in known ways are held. Others are not.
- **The hidden tests can be read while they run.** A function that a test calls can look at its
  caller. The known ways to do so are held. The sandbox has no network, so what was read can only
  leave in the notebook's outputs, which the student sees in the feedback.
- **Without the sandbox, files can be read and written**, the gradebook among them. A path that is
  put together is not seen in the text. Use the sandbox ([sandbox.md](sandbox.md)).
- **Plain nbgrader takes the time of a submission from `timestamp.txt`**, where one was handed in.
  `nexa-grade` does not, unless it is told that a collector wrote the files
  (`--believe-timestamps`).
- **Answers that somebody else wrote** look honest to a machine.

So look at what an unusual score comes from. Ask two or three students to explain their code. For
an exam, run the tests in another process than the answers.
"""


def rows(attacks: Sequence[Any]) -> list[str]:
    """Write the rows of the table.

    Args:
        attacks: `Attack` objects of grader/tests/attacks.py.
    """
    return [f"| {attack.what} | {attack.outcome} | {reported(attack)} |" for attack in attacks]


def reported(attack: Any) -> str:
    """Say where an attempt is seen."""
    if not attack.reported:
        return "errors of its own tests"
    words = attack.reported.strip("`").replace("|", "\\|")
    return f"log: `{words}`{'; kernel' if attack.alone else ''}"


def load_grader_test(name: str) -> ModuleType:
    """Load a module of the grader's tests by its file.

    They are in no package and in no wheel. Each is known by its name afterwards, since they import
    one another: load what another one needs first.
    """
    path = ROOT / "grader" / "tests" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: expected a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Run the attacks, and write the report where all of them failed as they should."""
    tiny, attacks = load_grader_test("tiny_course"), load_grader_test("attacks")
    with tempfile.TemporaryDirectory() as folder:
        course = tiny.TinyCourse(Path(folder), attacks.GUARDED)
        for attack in attacks.ATTACKS:
            attack.submit(course)
        log = course.autograde().stderr
        wrong = [
            attack.name
            for attack in attacks.ATTACKS
            if course.scores(attack.name) != attacks.SCORES[attack.outcome]
            or attack.reported not in attacks.lines_about(log, attack.name)
        ]
    if wrong:
        print(f"Not written: these attacks did not end as they should: {', '.join(wrong)}")
        return 1
    REPORT.write_text(BEFORE + "\n".join(rows(attacks.ATTACKS)) + "\n" + AFTER)
    print(f"Wrote {REPORT.relative_to(ROOT)}: {len(attacks.ATTACKS)} attacks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
