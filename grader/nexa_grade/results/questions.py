"""Which question does a cell belong to? A question is a column of the export."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbgrader.api import Assignment

from nexa_grade.repair.release import ReleasedCell, read_release, release_path

Key = tuple[str, str]  # names of a notebook and a cell


def read_releases(
    configurable: Any, db_url: str, assignment: Assignment
) -> dict[str, list[ReleasedCell]]:
    """Read the cells of each notebook of an assignment, in order.

    Args:
        configurable: Part of a running nbgrader command, which knows the course directory.
        db_url: The gradebook; it alone is asked where the release folder is missing.
        assignment: The gradebook's assignment.
    """
    return {
        notebook.name: read_release(
            release_path(configurable, assignment.name, notebook.name),
            db_url,
            assignment.name,
            notebook.name,
        )
        for notebook in assignment.notebooks
    }


def name_questions(
    releases: Mapping[str, Sequence[ReleasedCell]], pattern: str, shown: str
) -> dict[Key, str]:
    """Name the question of each cell.

    Args:
        releases: The cells of each notebook, in order.
        pattern: Matches the beginning of a cell's name; an equal group 1 means one question.
        shown: What a question is called: ``{}`` stands for group 1.

    Returns:
        Names by notebook and cell. A cell that the pattern does not match belongs to the answer
        that stands above it in the notebook, or else is a question of its own. The notebook's name
        comes first where there are several.
    """
    questions: dict[Key, str] = {}
    for notebook, cells in releases.items():
        prefix, answer = f"{notebook} " if len(releases) > 1 else "", ""
        for cell in cells:
            match = re.match(pattern, cell.grade_id) if pattern else None
            answer = cell.grade_id if cell.is_solution else answer
            name = shown.format(match[1]) if match else answer or cell.grade_id
            questions[notebook, cell.grade_id] = prefix + name
    return questions
