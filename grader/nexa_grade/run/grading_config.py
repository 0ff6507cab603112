"""The settings that submissions are graded with, and what they must not leave out."""

import copy

from nbgrader.preprocessors import Execute, SaveAutoGrades
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from nexa_grade.errors import Refusal
from nexa_grade.execution.grade_by_errors import GradeByErrors
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.forgery.watch import WatchForForgery
from nexa_grade.settings import grade


def hardened_for_grading(c: Config) -> Config:
    """Copy a configuration; what it does not set of grading is as ``harden`` sets it."""
    config = Config()
    grade(config)
    config.merge(copy.deepcopy(c))
    return config


def weaknesses(c: Config, is_sandboxed: bool) -> list[str]:
    """Say what the preprocessors of a configuration leave out that grading in safety needs.

    Args:
        c: A configuration, hardened or not.
        is_sandboxed: Whether student code is to run in the sandbox.

    Raises:
        ImportError: A preprocessor cannot be imported.
    """
    listed = [
        import_item(one) if isinstance(one, str) else one
        for one in c.Autograde.autograde_preprocessors
    ]
    needed = [WatchForForgery, GradeByErrors, SaveAutoGrades]
    needed += [SandboxedExecute] if is_sandboxed else []
    missing = [
        f"no {kind.__name__}" for kind in needed if not any(issubclass(one, kind) for one in listed)
    ]
    outside = [
        f"{one.__name__}, which runs outside the sandbox"
        for one in listed
        if is_sandboxed and issubclass(one, Execute) and not issubclass(one, SandboxedExecute)
    ]
    return missing + outside


def checked_for_grading(c: Config, is_sandboxed: bool) -> Config:
    """Give the settings that submissions are graded with: those of ``c``, above ``harden``'s.

    Args:
        c: The user's configuration.
        is_sandboxed: Whether student code is to run in the sandbox.

    Raises:
        Refusal: They lack what grading in safety needs.
    """
    config = hardened_for_grading(c)
    try:
        found = weaknesses(config, is_sandboxed)
    except ImportError as error:
        raise Refusal(f"c.Autograde.autograde_preprocessors: {error}") from error
    if found:
        raise Refusal(f"c.Autograde.autograde_preprocessors has {', '.join(found)}")
    return config
