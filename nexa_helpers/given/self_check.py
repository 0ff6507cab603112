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
    "4b80600de9cc0378": "todo1-test-parse-basics",
    "87bd1e03c99e9913": "todo1-test-parse-paragraphs",
    "2562720183ebf0e0": "todo1-test-parse-edges",
    "92fbd929b3960b07": "todo1-test-triples",
    "35022e3c6a10191b": "todo1-test-triples-edges",
    "222c3bbcf5520361": "todo2-test-lengths",
    "ec12efe51058521d": "todo2-test-sentiment",
    "3203395c191aae17": "todo2-test-whole-words",
    "55ca2f5f664dc6ba": "todo2-test-precedence",
    "175ca6ec236c3204": "todo2-test-plots",
    "8487963ed067cfae": "todo2-test-plots-data",
    "e10a8a69baf2d12d": "todo3-test-shapes",
    "fada52f7381bb5bf": "todo3-test-scores",
    "5272a07f17f3e757": "todo3-test-majority",
    "2356e59fef95c25a": "todo4-test-scalar",
    "5114a20b61ea706f": "todo4-test-equal-policies",
    "ce0e6e1936eab671": "todo4-test-clip",
    "3d10b390b91962f6": "todo4-test-token-level",
    "38359bbfa6f87d33": "todo5-test-lists",
    "df8f6f021c932098": "todo5-test-only-policy",
    "17fd2b4e3a3dbc1b": "todo5-test-direction",
    "411f846c2d4a079c": "todo5-test-rollouts",
    "881a184d74f6637e": "todo6-test-keys",
    "803cff3b0633743f": "todo6-test-improvements",
    "57468725d3d1a9b9": "todo6-test-accuracy",
    "0fa2f7dfe6a121a7": "todo6-test-kl-reduction",
    "06d315fa615440d5": "todo6-test-plot",
    "897ecc0cb68b9c10": "todo7-test-counts",
    "369e296e58c7ae05": "todo7-test-categories",
    "3b228533ee4b3098": "todo7-test-reference",
    "0c3b3aad6cc703f1": "todo8-test-structure",
    "cb3c40428f71e5ee": "todo9-test-word-count",
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
