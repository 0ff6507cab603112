"""The notebook's last cell: which visible checks pass, what is blank, and what to hand in.

It needs nothing but the notebook's own session: the texts of the cells that ran (IPython's ``In``)
and the notebook's names. A graded cell is known by the fingerprint of its visible text.
"""

import contextlib
import inspect
import io
import re
from typing import Any

from tqdm import tqdm

from nexa_helpers.given.check_tools import quiet
from nexa_helpers.given.ready_made import fingerprint

# The visible part of each graded cell; `make sync` writes this table.
SELF_CHECKS = {
    "d304e5cacac8cf9f": "todo1-test-parse-basics",
    "1ae543ca4b3da3db": "todo1-test-parse-paragraphs",
    "322ced867d710725": "todo1-test-parse-edges",
    "f3bca2fd2a3bc31e": "todo1-test-triples",
    "9390304cbd03726a": "todo1-test-triples-edges",
    "4a1e0c62cd7277d1": "todo2-test-lengths",
    "4f8900f2fe7e6680": "todo2-test-sentiment",
    "8f3b0b80ed69507a": "todo2-test-whole-words",
    "5f67d8f6cd90e916": "todo2-test-precedence",
    "cbc8d9397b871afb": "todo2-test-plots",
    "c8a0093a21fc5752": "todo2-test-plots-data",
    "b6c8415e48a220dd": "todo3-test-shapes",
    "1381787e5bf452c8": "todo3-test-scores",
    "1cb50d5307ef22bc": "todo3-test-majority",
    "8ae7ff48161e7b7d": "todo3-test-ties",
    "0050339e4cb35619": "todo3-test-mode",
    "d9fc3f43083f0d12": "todo3-test-mask",
    "30fbbb20f30b2534": "todo4-test-scalar",
    "552ed15c46cafd7f": "todo4-test-equal-policies",
    "fc778c6433ffada2": "todo4-test-clip",
    "dd0bacfbe8dc1ef0": "todo4-test-token-level",
    "3570136de6bf3862": "todo4-test-kl",
    "c0d3bd43c7e9304d": "todo4-test-old",
    "e1f6a8b3ee6f0ff7": "todo4-test-metrics",
    "3990f709c68eec47": "todo5-test-lists",
    "f3f7e7a5e8a23fa5": "todo5-test-only-policy",
    "eb1516824b05cb48": "todo5-test-optimizer",
    "f80e808482ec18f3": "todo5-test-direction",
    "0ddcba35a0cbd781": "todo5-test-loss-inputs",
    "bdb136755d83533d": "todo5-test-advantages",
    "34a63be449676d42": "todo5-test-rewards-logged",
    "56ff6152d6d7b296": "todo5-test-rollouts",
    "011f2e60affbd79b": "todo5-test-rollout-groups",
    "fa0864ac80df6b57": "todo6-test-keys",
    "a7bd9df4541428d5": "todo6-test-improvements",
    "4723bc1fbe1d2a44": "todo6-test-accuracy",
    "de7ad7da20a40718": "todo6-test-kl-reduction",
    "7a29c3c5ec82106a": "todo6-test-plot",
    "094a262975f31fc3": "todo7-test-counts",
    "bfed7968d0d09541": "todo7-test-categories",
    "cce3c41d0907eab5": "todo7-test-fallback",
    "140d3102a228b4f7": "todo7-test-reference",
    "00ee4a490c6798d1": "todo8-test-structure",
    "efdcf1ffcc1cea57": "todo8-test-protocol",
    "8557cc33b8a20e84": "todo9-test-word-count",
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
SELF_CHECK_HIDDEN = {
    1: 6,
    2: 9,
    3: 6,
    4: 14,
    5: 7,
    6: 8,
    7: 4,
    8: 3,
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
    # An instructor's notebook still has the hidden part of a check: it is left out.
    hidden = re.compile(
        r"^ *### BEGIN (?:HIDDEN) TESTS\n.*?^ *### END (?:HIDDEN) TESTS\n?", re.M | re.S
    )
    visible = [hidden.sub("", text).strip() for text in history]
    texts = {fingerprint(text): text for text in visible}
    results = {}
    ready_made = namespace.get("READY_MADE", [])
    for key, name in tqdm(SELF_CHECKS.items(), desc="self-check"):
        if name.startswith(tuple(f"todo{todo}-" for todo in ready_made)):
            continue
        results[name] = "has not run yet, or was changed"
        if key in texts:
            try:
                namespace["READY_MADE"] = []  # with a switch, a check could pass over an error
                with quiet(), contextlib.redirect_stdout(io.StringIO()):
                    exec(texts[key], namespace)
                results[name] = "passes"
            except Exception as error:
                results[name] = f"{type(error).__name__}: {error}".splitlines()[0][:150]
            finally:
                namespace["READY_MADE"] = ready_made
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
        Lines for the student; the last ones say what passing does not prove.
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
        line = f"TODO {todo}: {passed} of {len(own)} visible checks pass"
        if SELF_CHECK_HIDDEN.get(todo):
            line += f"; {SELF_CHECK_HIDDEN[todo]:g} points have more cases when graded"
        lines.append(line)
        lines += [
            f"    blank: {name}"
            for name, number in SELF_CHECK_ANSWERS.items()
            if number == todo and is_blank(name, namespace)
        ]
        lines += [f"    {name}: {said}" for name, said in own.items() if said != "passes"]
    lines.append(
        "Passing shows one case of each rule. Is it true for other lengths, signs and orders,"
    )
    lines.append("too? Graded checks look at more cases, and a person grades the texts.")
    return "\n".join(lines)
