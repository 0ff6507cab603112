"""The notebook's last cell: which visible checks pass, what is blank, and what to hand in.

It needs nothing but the notebook's own session: the texts of the cells that ran (IPython's ``In``)
and the notebook's names. A graded cell is known by the fingerprint of its visible text.
"""

import inspect
import re
from typing import Any

from tqdm import tqdm

from nexa_helpers.given.check_tools import quiet
from nexa_helpers.given.ready_made import fingerprint

# The visible part of each graded cell; `make sync` writes this table.
SELF_CHECKS = {
    "2e0b2ea75db21c24": "todo1-test-parse-basics",
    "a866ca45f9db735b": "todo1-test-parse-paragraphs",
    "298355fb5793653c": "todo1-test-parse-edges",
    "8d0dc33badcbba5d": "todo1-test-triples",
    "ade93ef747a43e48": "todo1-test-triples-edges",
    "d927b69528dc8aa7": "todo2-test-lengths",
    "4bd42d9b8477201d": "todo2-test-sentiment",
    "18fe11ad348f86a3": "todo2-test-whole-words",
    "39eb14dfa388cbb3": "todo2-test-precedence",
    "74c7868b266f3a20": "todo2-test-plots",
    "f1f60ef8606ad41a": "todo2-test-plots-data",
    "af1c85fb48b5dc54": "todo3-test-shapes",
    "fc2c59470cbddd84": "todo3-test-scores",
    "7e90d202b24c38f3": "todo3-test-majority",
    "a2dc1628ae94d5b7": "todo4-test-scalar",
    "2990481423146e60": "todo4-test-equal-policies",
    "3966349f6fe82e31": "todo4-test-clip",
    "1d0d72b6bc53cb65": "todo4-test-token-level",
    "e63315a20868a1ca": "todo5-test-lists",
    "2f7f2a04dab62c89": "todo5-test-only-policy",
    "69b4c4fb349e4949": "todo5-test-direction",
    "fd09808675f7e937": "todo5-test-rollouts",
    "b81e7106d0239cc9": "todo6-test-keys",
    "b1103837da5a73dd": "todo6-test-improvements",
    "0de120d2eb884f5c": "todo6-test-accuracy",
    "f0a9f941ed895b7f": "todo6-test-kl-reduction",
    "7c7d103cd30ba66a": "todo6-test-plot",
    "3ec07b7c66e7b581": "todo7-test-counts",
    "5020eada0a261804": "todo7-test-categories",
    "86c45be5640f9b20": "todo7-test-reference",
    "ab05eaab235e9749": "todo8-test-structure",
    "7ee47f63ba164e13": "todo9-test-word-count",
}
SELF_CHECK_ANSWERS = {
    "parse_conversation": 1,
    "extract_training_triples": 1,
    "analyze_feedback_signals": 2,
    "plot_feedback_signals": 2,
    "ProcessRewardModel.majority_vote": 3,
    "grpo_tcr_loss": 4,
    "train_grpo_tcr": 5,
    "collect_rollouts": 5,
    "evaluate_personalization": 6,
    "plot_comparison": 6,
    "categorize_errors": 7,
    "benchmark_inference": 8,
}


def self_check(history: list[str], namespace: dict[str, Any]) -> dict[str, str]:
    """Run the visible checks that ran in this session once more.

    Args:
        history: The texts of the cells that ran, IPython's ``In``.
        namespace: ``globals()`` of the notebook; the checks run in it.

    Returns:
        For each visible check ``"passes"``, ``"has not run yet, or was changed"``, or what it
        says. A TODO in ``READY_MADE`` is left out: its check would see the ready-made result, not
        the answer.
    """
    # An instructor's notebook still has the hidden part of a check: it is left out of the key.
    hidden = re.compile(
        r"^ *### BEGIN (?:HIDDEN) TESTS\n.*?^ *### END (?:HIDDEN) TESTS\n?", re.M | re.S
    )
    texts = {fingerprint(hidden.sub("", text).strip()): text for text in history}
    results = {}
    for key, name in tqdm(SELF_CHECKS.items(), desc="self-check"):
        if name.startswith(tuple(f"todo{todo}-" for todo in namespace.get("READY_MADE", []))):
            continue
        results[name] = "has not run yet, or was changed"
        if key in texts:
            try:
                with quiet():
                    exec(texts[key], namespace)
                results[name] = "passes"
            except Exception as error:
                results[name] = f"{type(error).__name__}: {error}".splitlines()[0][:150]
    return results


def is_blank(name: str, namespace: dict[str, Any]) -> bool:
    """Tell whether an answer is still the stub that was handed out, or is not there.

    Args:
        name: A function's name, or a class's and a method's with a dot between.
        namespace: ``globals()`` of the notebook.
    """
    first, *rest = name.split(".")
    value = namespace.get(first)
    for part in rest:
        value = getattr(value, part, None)
    stub = re.compile(r"^ *raise .*This part is yours", re.M)
    try:
        return value is None or bool(stub.search(inspect.getsource(value)))
    except (OSError, TypeError):  # not a function of the notebook: a ready-made result
        return False


def describe_self_check(results: dict[str, str], namespace: dict[str, Any]) -> str:
    """Write down, TODO by TODO, what ``self_check`` found.

    Args:
        results: What it returned.
        namespace: ``globals()`` of the notebook, to see which answers are blank.

    Returns:
        Lines for the student.
    """
    lines = []
    numbers = [int(name.removeprefix("todo").split("-")[0]) for name in SELF_CHECKS.values()]
    for todo in sorted({*numbers, *SELF_CHECK_ANSWERS.values()}):
        if todo in namespace.get("READY_MADE", []):
            lines.append(
                f"TODO {todo}: ready-made, not checked. Take {todo} out of READY_MADE first."
            )
            continue
        own = {name: said for name, said in results.items() if name.startswith(f"todo{todo}-")}
        passed = sum(said == "passes" for said in own.values())
        lines.append(f"TODO {todo}: {passed} of {len(own)} visible checks pass")
        lines += [
            f"    blank: {name}"
            for name, number in SELF_CHECK_ANSWERS.items()
            if number == todo and is_blank(name, namespace)
        ]
        lines += [f"    {name}: {said}" for name, said in own.items() if said != "passes"]
    return "\n".join(lines)
