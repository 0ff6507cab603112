"""Writes the list of the grading machine's packages into the students' guides.

    python -m authoring.grader_packages

What is listed: what pyproject.toml names for the course and for grading, and what these need, with
the versions of constraints.txt. A student's import of anything else fails when it is graded.
"""

import re
import textwrap
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from authoring.assignment import ASSIGNMENTS, DRAFTS

REPOSITORY = Path(__file__).resolve().parents[1]
GUIDES = [each.student_guide for each in ASSIGNMENTS + DRAFTS]
WIDTH = 118
BEGIN, END = "<!-- packages of the grading machine -->", "<!-- end of packages -->"


def read_versions(constraints: str) -> dict[str, str]:
    """Read names and versions.

    Args:
        constraints: The text of constraints.txt.

    Returns:
        Versions by normalized name.
    """
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", constraints, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def named_packages(project: str) -> list[str]:
    """Name what pyproject.toml wants for the course and for grading.

    Args:
        project: Its text.
    """
    table = tomllib.loads(project)["project"]
    wanted = [*table["dependencies"], *table["optional-dependencies"]["course"]]
    return [canonicalize_name(Requirement(one).name) for one in wanted]


def with_what_they_need(names: Iterable[str], known: Iterable[str]) -> set[str]:
    """Add what packages need, and what that needs, as far as it is known."""
    found: set[str] = set()
    left = [name for name in names if name in known]
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needed = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for one in needed:
            is_wanted = one.marker is None or one.marker.evaluate({"extra": ""})
            left += [canonicalize_name(one.name)] if is_wanted else []
        left = [other for other in left if other in known]
    return found


def write_list() -> str:
    """Write the list of packages as Markdown."""
    versions = read_versions((REPOSITORY / "constraints.txt").read_text())
    named = named_packages((REPOSITORY / "pyproject.toml").read_text())
    direct = sorted(name for name in named if name in versions)
    others = sorted(with_what_they_need(direct, versions) - set(direct))
    first = ", ".join(f"{name} {versions[name]}" for name in direct)
    text = f"{first}; and what these need: {', '.join(others)}."
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def with_list(guide: str) -> str:
    """Put the list into the text of a student guide.

    Raises:
        ValueError: The guide has no place for it.
    """
    if guide.count(BEGIN) != 1 or guide.count(END) != 1:
        raise ValueError(f"expected {BEGIN} and {END} once each in a student guide")
    before, _, rest = guide.partition(BEGIN)
    return f"{before}{BEGIN}\n{write_list()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    for guide in GUIDES:
        guide.write_text(with_list(guide.read_text()))
