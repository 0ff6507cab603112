"""What the gradebook says while a submission is not graded: nothing, and never an old score.

nbgrader writes a score where it finds a graded cell and leaves the rest as it was, so an earlier
submission's score can outlive the cell that earned it. Here the automatic scores are taken back
before grading starts. Where grading fails they stay away: "could not be graded" is then a
submission that has machine-graded cells without a score. What people gave is never touched.
"""

import shutil
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from nbgrader.api import BaseCell, Gradebook, GradeCell, MissingEntry, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory


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


def forget_scores_of(db_url: str, assignment: str, student: str, notebooks: str = "*") -> None:
    """Take back the automatic scores of a whole submission.

    It covers what fails before a notebook is opened, such as a notebook under another name.

    Args:
        db_url: The gradebook.
        assignment: The assignment's name.
        student: Whose submission it is.
        notebooks: A pattern of names, nbgrader's ``--notebook``.
    """
    with Gradebook(db_url) as gradebook:
        try:
            released = [each.name for each in gradebook.find_assignment(assignment).notebooks]
        except MissingEntry:
            return
    submission = {"db_url": db_url, "student": student, "assignment": assignment}
    for name in released:
        if fnmatchcase(name, notebooks):
            forget_scores(submission | {"notebook": name})


def forget_page_of(course: CourseDirectory, assignment: str, student: str) -> None:
    """Remove the feedback page of an older submission, or ``release_feedback`` would send it."""
    folder = Path(course.format_path(course.feedback_directory, student, assignment))
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


def is_graded_by_machine(cell: BaseCell) -> bool:
    """Tell a test cell from an answer or a task that a person grades."""
    answers = {answer.name for answer in cell.notebook.solution_cells}
    return isinstance(cell, GradeCell) and cell.cell_type == "code" and cell.name not in answers


def ungraded_cells(notebook: SubmittedNotebook) -> list[str]:
    """Name the machine-graded cells of a submitted notebook that have no score.

    Returns:
        Grade ids; any at all means that the notebook could not be graded, which is not a 0.
    """
    return [
        grade.name
        for grade in notebook.grades
        if grade.auto_score is None
        and grade.manual_score is None
        and is_graded_by_machine(grade.cell)
    ]
