"""Twenty faults, planted by hand, one in a module that matters: is each still caught?

    python -m tests.planted_faults            about five minutes on two cores
    python -m tests.planted_faults policy     those whose file has this in its name

Each fault is one small change of the kind that a tired person makes. It is planted in a copy of the
repository, and the tests that should see it run there. The exit status says whether all were seen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = (".git", ".venv*", "build", "dist", "*_cache", "__pycache__", "gradebook.db*")
FOUND, NOT_FOUND = 1, 0  # exit statuses of pytest: some tests failed, all passed


@dataclass(frozen=True)
class Fault:
    """A change in one place, and the tests that have to fail with it."""

    path: str
    right: str
    wrong: str
    tests: str


COURSE, AUTHORING, GRADER = "tests/course", "tests/authoring", "grader/tests"
FAULTS = [
    Fault(
        "nexa_helpers/conversations.py",
        'r"\\n\\n(Human|Assistant):"',
        'r"\\n(Human|Assistant):"',
        f"{COURSE}/test_conversations.py",
    ),
    Fault(
        "nexa_helpers/feedback.py",
        'found = set(words(triple["feedback"]))\n        if found & NEGATIVE_WORDS:',
        'found = set(words(triple["feedback"]))\n        if found & POSITIVE_WORDS:',
        f"{COURSE}/test_feedback.py",
    ),
    Fault(
        "nexa_helpers/batches.py",
        "optimizer.zero_grad()\n    loss.backward()",
        "loss.backward()",
        f"{COURSE}/test_process_reward.py {COURSE}/test_training.py {COURSE}/test_batches.py",
    ),
    Fault(
        "nexa_helpers/process_reward.py",
        "tied = (counts == most.unsqueeze(1)).sum(dim=1) > 1",
        "tied = (counts == most.unsqueeze(1)).sum(dim=1) > 2",
        f"{COURSE}/test_process_reward.py",
    ),
    Fault(
        "nexa_helpers/grpo_tcr.py",
        "math.log1p(eps_high)",
        "math.log1p(eps_low)",
        f"{COURSE}/test_grpo_tcr.py",
    ),
    Fault(
        "nexa_helpers/policy.py",
        "num_last=width + 1\n        )[:, :-1]",
        "num_last=width + 1\n        )[:, 1:]",
        f"{COURSE}/test_policy.py",
    ),
    Fault(
        "nexa_helpers/training.py",
        'return self.batch["response_lengths"] * self.has_reply.long()',
        'return self.batch["response_lengths"]',
        f"{COURSE}/test_training.py",
    ),
    Fault(
        "nexa_helpers/evaluation.py",
        "corrected = [x < 0 for x, label",
        "corrected = [x <= 0 for x, label",
        f"{COURSE}/test_evaluation.py",
    ),
    Fault(
        "nexa_helpers/live_evaluation.py",
        "first = flags[:, 0, :]",
        "first = flags[:, -1, :]",
        f"{COURSE}/test_evaluation.py",
    ),
    Fault(
        "nexa_helpers/error_analysis.py",
        "if moved.mean() < 0:",
        "if moved.sum() > 0:",
        f"{COURSE}/test_error_analysis.py",
    ),
    Fault(
        "nexa_helpers/latency.py",
        "model.train(was_training)",
        "model.train()",
        f"{COURSE}/test_latency.py",
    ),
    Fault(
        "nexa_helpers/tasks.py",
        "has_call(node, function.name) for node in rest",
        "has_call(node, node.__class__.__name__) or True for node in rest",
        f"{COURSE}/test_tasks.py",
    ),
    Fault(
        "nexa_helpers/developers.py",
        'if (i % 4 == 3) == (split == "test")',
        'if (i % 4 == 3) == (split == "test") or i == 3',
        f"{COURSE}/test_developers.py",
    ),
    Fault(
        "authoring/student_bundle.py",
        'if name.endswith(".gz"):',
        'if name.endswith(".zip"):',
        f"{AUTHORING}/test_student_bundle.py",
    ),
    Fault(
        "authoring/visible_lines.py",
        "return 1 if is_folded(cell) else",
        "return 0 if is_folded(cell) else",
        f"{AUTHORING}/test_visible_lines.py {AUTHORING}/test_line_counts.py",
    ),
    Fault(
        "grader/nexa_grade/intake/admission.py",
        "if path.is_symlink():",
        "if path.is_fifo():",
        f"{GRADER}/test_intake.py",
    ),
    Fault(
        "grader/nexa_grade/second_look/look.py",
        'if not probe.judge(right["got"], got[i]["got"]):',
        'if not got[i]["got"]:',
        f"{GRADER}/test_attacks.py",
    ),
    Fault(
        "grader/nexa_grade/execution/grade_by_errors.py",
        'output.name == "stderr"',
        'output.name == "stdout"',
        f"{GRADER}/test_hardening.py",
    ),
    Fault(
        "grader/nexa_grade/run/settling.py",
        "if outcome.status != Status.GRADED:",
        "if outcome.status == Status.GRADED:",
        f"{GRADER}/test_nexa_grade.py",
    ),
    Fault(
        "grader/nexa_grade/results/lms_export.py",
        "people = [one for one in people if is_wanted(coursedir, one.id)]",
        "people = list(people)",
        f"{GRADER}/test_lms_export.py",
    ),
]


def plant(fault: Fault, folder: Path) -> None:
    """Write a fault into a copy of the repository.

    Raises:
        ValueError: The code that it changes is not there exactly once.
    """
    path = folder / fault.path
    code = path.read_text()
    if code.count(fault.right) != 1:
        raise ValueError(
            f"{fault.path}: expected {fault.right!r} once, found {code.count(fault.right)}"
        )
    path.write_text(code.replace(fault.right, fault.wrong))


def is_caught(fault: Fault) -> bool:
    """Plant a fault in a fresh copy, and run the tests that should see it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        copy = Path(name, "copy")
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
        plant(fault, copy)
        paths = os.pathsep.join([str(copy), str(copy / "grader")])
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        files = [path for path in fault.tests.split() if (copy / path).exists()]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode not in (FOUND, NOT_FOUND):
        raise RuntimeError(
            f"{fault.path}: pytest ended with {done.returncode}:\n{done.stdout[-2000:]}"
        )
    return done.returncode == FOUND


def main(wanted: list[str]) -> int:
    """Plant every fault, one at a time, and say which were not seen."""
    faults = [one for one in FAULTS if not wanted or any(part in one.path for part in wanted)]
    missed = [fault for fault in tqdm(faults, unit="fault") if not is_caught(fault)]
    for fault in missed:
        print(f"not seen: {fault.path}: {fault.wrong!r}")
    print(f"{len(faults) - len(missed)} of {len(faults)} planted faults were caught")
    return 1 if missed or not faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
