"""Assignment real_model, sections 2 and 4: what a developer sees in an answer, and its reward."""

import ast
import warnings
from collections.abc import Callable
from typing import Any

WISHES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "typed": lambda seen: bool(seen["typed"]),
    "documented": lambda seen: bool(seen["documented"]),
    "brief": lambda seen: bool(seen["function"]) and seen["prose_words"] <= 3,
}
DEVELOPERS = {  # each one shares a wish with each other one
    "ada": ("typed", "documented"),
    "boris": ("typed", "brief"),
    "chen": ("documented", "brief"),
}


def read_answer(text: str) -> dict[str, Any]:
    """Tell what a developer sees in an answer, without executing any of it.

    The code is the first fenced block (three backticks; a fence that is never closed
    goes to the end), or the whole text where there is no fence. The function is the
    first ``def`` in it.

    Args:
        text: Whatever a model wrote.

    Returns:
        ``code`` (text); ``parses``, it is Python of at most 20,000 characters;
        ``function``, there is one; ``typed``, it has arguments and each is annotated
        (``self`` and ``cls`` need none); ``documented``, it has a docstring;
        ``prose_words``, white-space separated words outside of the block. Never an
        error.
    """
    code, outside = text, ""
    opening = text.find("```")
    start = text.find("\n", opening) + 1
    if opening >= 0 and start > 0:
        end = text.find("```", start)
        end = len(text) if end < 0 else end
        code, outside = text[start:end], text[:opening] + " " + text[end + 3 :]
    seen = {"code": code, "parses": False, "function": False, "typed": False, "documented": False}
    seen["prose_words"] = len(outside.split())
    try:
        if len(code) > 20_000:
            raise ValueError("too long to be an answer")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is legal
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return seen
    seen["parses"] = True
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    if functions:
        function = min(functions, key=lambda node: node.lineno)
        given = function.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        named = [one for one in arguments if one and one.arg not in ("self", "cls")]
        seen["function"] = True
        seen["typed"] = bool(named) and all(one.annotation for one in named)
        seen["documented"] = bool((ast.get_docstring(function) or "").strip())
    return seen


def wishes_met(text: str, wishes: tuple[str, ...]) -> list[bool]:
    """Tell for each wish whether an answer meets it."""
    seen = read_answer(text)
    return [WISHES[wish](seen) for wish in wishes]


def developer_reward(
    prompts: list[Any],
    completions: list[Any],
    **kwargs: Any,
) -> list[float]:
    """Reward answers as a developer does, by TRL's contract for reward functions.

    Args:
        prompts: One per completion; not read.
        completions: Texts, or lists of messages, of which the last one is the answer.
        **kwargs: The data set's columns, one entry per completion; ``wishes`` is read:
            names of ``WISHES``. TRL passes more keys than that.

    Returns:
        One float per completion: -1.0 where there is no function, else the share of its
        wishes that are met.

    Raises:
        ValueError: There is no entry of ``wishes`` for each completion.
    """
    wishes = kwargs.get("wishes") or []
    if len(wishes) != len(completions):
        raise ValueError(f"wishes: expected {len(completions)}, one per answer, got {len(wishes)}")
    rewards = []
    for completion, wanted in zip(completions, wishes, strict=True):
        text = completion if isinstance(completion, str) else completion[-1]["content"]
        seen = read_answer(text)
        met = [WISHES[wish](seen) for wish in wanted]
        rewards.append(sum(met) / len(met) if seen["function"] else -1.0)
    return rewards
