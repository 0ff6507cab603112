"""What the gradebook says while a submission is not graded: nothing, and never an old score.

nbgrader writes a score where it finds a graded cell and leaves the rest as it was, so an earlier
submission's score can outlive the cell that earned it. Here the automatic scores are taken back
before grading starts. Where grading fails they stay away: "could not be graded" is then a
submission that has machine-graded cells without a score. What people gave is never touched.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry, SubmittedNotebook
from traitlets.config import Application


def forget_scores(submission: Mapping[str, str]) -> None:
    """Take back the automatic scores, comments and late penalty of a submitted notebook.

    Args:
        submission: nbgrader's ``resources["nbgrader"]``: ``db_url``, ``student``, ``assignment``,
            ``notebook``. A submission that the gradebook does not have is left alone.
    """
    with Gradebook(submission["db_url"]) as gradebook:
        try:
            notebook = gradebook.find_submission_notebook(
                submission["notebook"], submission["assignment"], submission["student"]
            )
        except MissingEntry:
            return
        for grade in notebook.grades:
            grade.auto_score = None
            grade.needs_manual_grade = True
        for comment in notebook.comments:
            comment.auto_comment = None
        notebook.late_submission_penalty = None
        gradebook.db.commit()


def forget_scores_first(assignment: str, student: str, notebooks: list[str]) -> None:
    """Take back the automatic scores of a whole submission: a ``pre_convert_hook`` of Autograde.

    It covers what fails before a notebook is opened, such as a notebook under another name.

    Args:
        assignment: The assignment's name.
        student: nbgrader passes its pattern, ``*`` for all; the path names the student.
        notebooks: Paths of the submitted notebooks of one student.
    """
    app = Application.instance() if Application.initialized() else None
    coursedir = getattr(app, "coursedir", None)  # nbgrader gives a hook no other way to it
    if coursedir is None:
        return
    names = coursedir.format_path(
        coursedir.submitted_directory, "(?P<student>[^/]+)", re.escape(assignment), escape=True
    )
    found = re.fullmatch(names, str(Path(notebooks[0]).parent))
    if not found:
        return
    with Gradebook(coursedir.db_url) as gradebook:
        released = [notebook.name for notebook in gradebook.find_assignment(assignment).notebooks]
    for notebook in released:
        forget_scores(
            {
                "db_url": coursedir.db_url,
                "student": found["student"],
                "assignment": assignment,
                "notebook": notebook,
            }
        )


def ungraded_cells(notebook: SubmittedNotebook) -> list[str]:
    """Name the machine-graded cells of a submitted notebook that have no score.

    Returns:
        Grade ids; any at all means that the notebook could not be graded, which is not a 0.
    """
    by_a_person = {
        cell.name for cell in [*notebook.notebook.solution_cells, *notebook.notebook.task_cells]
    }
    return [
        grade.name
        for grade in notebook.grades
        if grade.name not in by_a_person and grade.auto_score is None and grade.manual_score is None
    ]
