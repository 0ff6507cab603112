"""One call in a course's ``nbgrader_config.py``: collect, grade and give feedback in safety.

    from nexa_grade.settings import harden; harden(get_config())

Every name here is a class of this package or of nbgrader's, given as text: nbgrader imports it when
it needs it. A setting that stands after the call, in the course's own file, wins.
"""

from traitlets.config import Config

from nexa_grade.due_dates import check_due_dates

INTAKE = "nexa_grade.intake"
EXECUTION = "nexa_grade.execution"
FEEDBACK = "nexa_grade.results.feedback_page"
EXECUTE = f"{EXECUTION}.sandboxed_execute.SandboxedExecute"


def harden(c: Config) -> None:
    """Make nbgrader survive every submission, bound it, watch it, and show nothing that is hidden.

    ``c.SandboxedExecute.sandbox = True`` is left to the instructor: it needs bubblewrap.

    Args:
        c: What ``traitlets.config.get_config()`` returns in nbgrader_config.py.
    """
    check_due_dates()
    collect(c)
    grade(c)
    give_feedback(c)


def collect(c: Config) -> None:
    """Let ``nbgrader zip_collect`` read the file names of learning platforms and plain folders."""
    c.ZipCollectApp.extractor_plugin = f"{INTAKE}.lms_downloads.LmsExtractorPlugin"
    c.ZipCollectApp.collector_plugin = f"{INTAKE}.lms_downloads.LmsCollectorPlugin"


def grade(c: Config) -> None:
    """Let ``nbgrader autograde`` repair submissions, watch for forgery, and grade by errors."""
    c.Autograde.exporter_class = f"{INTAKE}.admission.IntakeExporter"
    c.Autograde.sanitize_preprocessors = [
        "nexa_grade.repair.repair_submission.RepairSubmission",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "nexa_grade.forgery.watch.WatchForForgery",
        EXECUTE,
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        f"{EXECUTION}.grade_by_errors.GradeByErrors",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]  # nbgrader checks the metadata here once more; nothing has changed them since


def give_feedback(c: Config) -> None:
    """Let pages show no hidden test, no mark scheme and nothing that runs."""
    c.GenerateFeedback.force = True  # pages are made anew, or else old ones would stay
    c.GenerateFeedback.exporter_class = f"{FEEDBACK}.FeedbackExporter"
    c.GenerateFeedback.preprocessors = [
        f"{FEEDBACK}.DropOtherFiles",
        "nbgrader.preprocessors.GetGrades",
        f"{FEEDBACK}.ClearMarkSchemeOfTasks",
        f"{FEEDBACK}.HideTests",
        f"{FEEDBACK}.PlainCells",
        f"{FEEDBACK}.LeaveOutGivenCells",
        f"{FEEDBACK}.SummarizeChecks",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.FeedbackExporter.preprocessors = []  # GenerateFeedback has its own
    # Formgrader's page: text and figures, which nothing can be hidden in. Its exporter is always
    # HTMLExporter, and its template ends Markdown with this filter and does not clean it.
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.preprocessors = [f"{FEEDBACK}.PlainCells"]
    c.HTMLExporter.filters = {"strip_files_prefix": f"{FEEDBACK}.clean_html"}
