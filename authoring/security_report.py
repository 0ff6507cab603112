"""Writes docs/security.md: grade every attack of the grader's tests, and say what came of it.

`python -m authoring.security_report` in the repository takes some minutes. The page is written only
where no attack got a point unreported that it did not deserve.
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
BEFORE = """# Forged scores: what is found, and what is not

*Written by `python -m authoring.security_report`, which grades every attack of this
page.*

A submission is a program, and the tests run inside it. So a student can try to get
points without an answer. A list of forbidden names does not help: each name can be written in
another way, and honest lines are held. So `nexa-grade` asks one question: **does a function behave
as its points say?**

- **The second look.** After the notebook was graded, the definitions in the student's cells run
  once more, in a fresh sandbox that has no tests, no expected values and no reference. Functions
  are called there on inputs that are drawn from a secret seed. What comes back is plain data. It is
  compared with the reference outside of the sandbox. Where a test gave points and the function
  does not behave so, the submission is held: "score and behavior disagree".
- **Locked cells and metadata** are repaired from the release before anything runs.
- **Before each test**, names that the course gives, Python's own functions, output streams and
  switches of the interpreter are put back; a test does not stay in the notebook's history. This is
  for honest students, who cover a name by accident. It stops no forgery, and holds nobody.
- **The sandbox** protects the gradebook, the reference, other students and the machine
  ([sandbox.md](sandbox.md)).

How a line is written holds nobody. A test gives 37 honest lines that look like a forgery to the
second look, each above a right answer: none is held.

## What to do with a held submission

A held submission gets no automatic score. That is not a 0, and it is not exported as one. The log
and the report say why.

1. Open the submitted notebook and read the function that is named.
2. It is honest: add the student to `nbgrader_config.py` and grade again.
   `c.WatchForForgery.accepted = ["bitdiddle"]`. What was found stays on record.
3. It is a forgery: give the points by hand, after the rules of your university.

A disagreement is no proof. Talk to the student first.

## What happens to each attack

Each row is a submission of a small course, with a wrong answer, that `nexa-grade` graded in the
sandbox. Besides, a test gives each attack that is in the text of an answer to the second look as if
it had got full points: none is believed.

| Attack | What happens | Reported |
|---|---|---|
"""
AFTER = """
## What the second look does not see

- **It looks at what a test looks at.** The probes of this course, one for each graded cell, are in
  `answers/nexacode/probes/`. A function that passes its probe has earned the cell, however it is
  written. Most probes compare values. These look at form alone, as their cells do, so a function
  with the right form gets these points: `todo2-test-plots` (1 point), `todo4-test-scalar`
  (2), `todo5-test-lists` (1), `todo5-test-only-policy` (1), `todo5-test-rollouts` (1),
  `todo6-test-keys` (2), `todo8-test-structure` (2), `todo9-test-word-count` (1).
- **Some looks are rough.** `todo5-test-direction` (2 points) compares two signs.
  `todo2-test-plots-data` (2) looks for bars as high as the counts, and not at the histograms.
  `todo6-test-plot` (1) looks for the numbers, and not for their places. `todo8-test-gpu` (1) has no
  fake GPU. `todo3-test-majority` and `todo3-test-ties` (3) compare rewards with the function's own
  votes; `todo3-test-mode` (2) asks whether votes differ from pass to pass.
- **A nearly right answer that forges the rest.** Had each of the 582 wrong answers of the bank
  forged all points of its TODO, the probes would have seen 486. The other 96 are right but for one
  case, such as text longer than 64 tokens, or a plot without a title.
- **Who is not looked at.** Tests without a probe, courses without probes, notebooks in another
  language, and all of plain `nbgrader autograde`. There a score is as hard to forge as with
  nbgrader alone, and `nexa-grade` says so.
- **Without the sandbox it proves little**: a submission can then read the reference from the disk,
  in its second look as well. Cells that name the gradebook, the grader or processes that stay are
  told. A cell that names the course's own package (`c.WatchForForgery.course_names`) is held. A
  name that is put together is not seen. A fork bomb, or a process that stays, is not covered.

## Cost

{cost}

## What is not defended against

- **Tests can be read while they run.** Student code and tests share one interpreter. The sandbox
  has no network, so what was read can only leave in the notebook's outputs, which the student
  sees in the feedback.
- **A test that asks too little gives points for too little**, and its probe asks no more.
- **Plain nbgrader takes the time of a submission from `timestamp.txt`**, where one was handed in.
  `nexa-grade` does not, unless it is told that a collector wrote the files
  (`--believe-timestamps`).
- **Answers that somebody else wrote** look honest to a machine.

So look at what an unusual score comes from. Ask two or three students to explain their code.
"""
COST = """Processor time of the second look alone, forked from a process that has the libraries. Of
ten submissions made of right answers nine took 2.2 to 3.3 seconds, and one 8.1 (mean 3.4); ten made
of wrong answers took 1.9 to 3.4 (mean 2.4). `python -m authoring.second_look` measures the probes
on the bank."""


def rows(attacks: Sequence[Any]) -> list[str]:
    """Write the rows of the table.

    Args:
        attacks: `Attack` objects of grader/tests.
    """
    return [f"| {attack.what} | {attack.outcome} | {reported(attack)} |" for attack in attacks]


def reported(attack: Any) -> str:
    """Say what the log has of an attack."""
    if attack.outcome == "held for a person":
        return "`score and behavior disagree`"
    words = attack.reported.strip("`").replace("|", "\\|")
    return f"`{words}`" if words else "errors of its own tests"


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
    """Grade the attacks, and write the report where all of them ended as they should."""
    names = ("tiny_course", "attacks", "new_attacks")
    _, attacks, new_attacks = map(load_grader_test, names)
    all_of_them = [*attacks.ATTACKS, *new_attacks.NEW_ATTACKS]
    with tempfile.TemporaryDirectory() as folder:
        course = attacks.make_course(Path(folder), all_of_them)
        outcomes = attacks.grade(course)
        said = [
            attacks.what_is_wrong(attack, course.scores(attack.name), outcomes[attack.name])
            for attack in all_of_them
        ]
    if any(said):
        print(
            "Not written: these attacks did not end as they should", *filter(None, said), sep="\n"
        )
        return 1
    REPORT.write_text(BEFORE + "\n".join(rows(all_of_them)) + "\n" + AFTER.format(cost=COST))
    print(f"Wrote {REPORT.relative_to(ROOT)}: {len(all_of_them)} attacks")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "grader" / "tests"))
    sys.exit(main())
