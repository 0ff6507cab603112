"""Feedback pages: which check failed and why, no line of a hidden test, and nothing that runs.

Preprocessors and an exporter for ``nbgrader generate_feedback``. A page holds text and figures: no
script, no formula renderer, nothing from another server; TeX stays as it was written. What a
student's program prints in disguise (encoded, or drawn into a figure) is beyond this module: it can
only be kept from seeing the hidden tests.
"""

import base64
import binascii
import json
import re
import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nh3
from jinja2 import DictLoader, pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, NbGraderPreprocessor
from pygments.token import STANDARD_TYPES  # type: ignore[import-untyped]
from traitlets import Bool, default

from nexa_grade.gradebook_scores import is_graded_by_machine
from nexa_grade.results.lms_export import format_number

Resources = dict[str, Any]
Listing = list[tuple[str, bool]]  # a cell's lines, and whether each is hidden

# What stands on the page in place of hidden lines
HIDDEN_REGION = "# (hidden tests)"
HIDDEN_LINE = "[hidden test]"
HIDDEN_FRAME = "a hidden test"

FRAME = re.compile(r"(?:Cell|Input) In ?\[(\d{1,9})\], line (\d{1,9})\b")
CHAINED = re.compile(
    r"^((?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):)$",
    re.MULTILINE,
)
CAUSE = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
EXPLAINED = re.compile(r"^ *\+ +(?:where|and) .*\n?", re.MULTILINE)  # pytest quotes the test so
MAX_FRAMES = 12
OF_EXCHANGE = ("timestamp.txt", "submission_secret.txt")  # `nbgrader release_feedback` reads these
LARGEST = 1000  # bytes of one of them
SHORT = 8  # a shorter hidden line is sought as a whole line only: `x = 1` stands in many texts


class DropOtherFiles(NbGraderPreprocessor):
    """Remove what nbgrader copied into the feedback folder besides its own pages.

    It copies every file of the autograded folder and follows links. The student's program wrote
    there: a copy of the hidden tests, say, or a link to the solution. What nbgrader's exchange
    finds a student's page by comes anew from what was handed in.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Remember which folders are done: a second notebook must not cost the first its page."""
        super().__init__(**kwargs)
        self.done: set[Path] = set()

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Empty the folder before its first page is written, but for what the exchange needs."""
        course, names = CourseDirectory(parent=self), resources["nbgrader"]
        folder, submitted = (
            Path(course.format_path(step, names["student"], names["assignment"]))
            for step in (course.feedback_directory, course.submitted_directory)
        )
        if folder not in self.done and folder.is_dir():
            for path in folder.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            for path in (submitted / name for name in OF_EXCHANGE):
                if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST:
                    shutil.copy(path, folder)
        self.done.add(folder)
        return nb, resources


class ClearMarkSchemeOfTasks(ClearMarkScheme):
    """Remove mark schemes, and leave a student's cell alone that quotes the delimiter.

    nbgrader's own refuses the whole notebook for it.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: Resources, cell_index: int
    ) -> tuple[NotebookNode, Resources]:
        """Clear the cell if it is a task."""
        if not utils.is_task(cell):
            return cell, resources
        return super().preprocess_cell(cell, resources, cell_index)


class HideTests(ClearHiddenTests):
    """Remove hidden tests from cells, from errors and from whatever else was printed.

    Nothing of a traceback is kept but the numbers of cells and lines: the lines are read from the
    notebook, where it is known which are hidden. So it does not matter how a traceback is colored,
    chained or forged. Messages and other text are searched for hidden lines.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Hide the tests of the notebook."""
        self.listings: dict[int, Listing] = {}
        shown: set[str] = set()
        hidden: set[str] = set()
        for cell in nb.cells:
            listing = self.listing(cell.source)
            for line, is_hidden in listing:
                (hidden if is_hidden else shown).add(line.strip())
            if isinstance(cell.get("execution_count"), int):
                self.listings[cell.execution_count] = listing
            cell.source = visible_source(listing)
        secrets = {line for line in hidden - shown if re.search(r"\w", line)}
        self.short = {line for line in secrets if len(line) < SHORT}
        forms = {form for line in secrets - self.short for form in quoted_forms(line)}
        self.long = sorted(forms, key=len, reverse=True)
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                self.hide_in_output(output)
        return nb, resources

    def listing(self, source: str) -> Listing:
        """Split a cell into lines; a region that does not end is hidden to the last line."""
        lines, inside = [], False
        for line in source.split("\n"):
            inside = inside or self.begin_test_delimeter in line
            lines.append((line, inside))
            inside = inside and self.end_test_delimeter not in line
        return lines

    def hide_in_output(self, output: NotebookNode) -> None:
        """Hide the tests in one output, in place."""
        if output.output_type == "error":
            self.retell(output)
        elif output.output_type == "stream":
            output.text = self.redacted(str(output.text))
        else:
            for kind, content in output.data.items():
                if isinstance(content, str) and not kind.startswith("image/"):
                    output.data[kind] = self.redacted(content)

    def retell(self, error: NotebookNode) -> None:
        """Replace a traceback by the places in the notebook that it names, and the message."""
        *causes, last = CHAINED.split(strip_ansi("\n".join(map(str, error.traceback))))
        story: list[str] = []
        for place, part in enumerate(causes):
            if place % 2:  # the sentence between two errors
                story += ["", part, ""]
            else:
                said = [line for line in part.splitlines() if line.strip()][-1:]
                cause = [self.redacted(line) for line in said if CAUSE.fullmatch(line)]
                story += self.places(part) + cause
        places = self.places(last)
        message = self.redacted(str(error.evalue))
        if any(place.endswith(HIDDEN_FRAME) for place in places):
            message = EXPLAINED.sub("", message).rstrip()
        error.ename, error.evalue = self.redacted(str(error.ename)), message
        error.traceback = story + places + [error.ename + (f": {message}" if message else "")]

    def places(self, traceback: str) -> list[str]:
        """Say which lines of the notebook a traceback names; library code is left out."""
        places: list[str] = []
        for count, line in FRAME.findall(traceback):
            listing = self.listings.get(int(count), [])
            # IPython numbers the lines from the first one that is not empty.
            first = next((i for i, (text, _) in enumerate(listing) if text.strip()), 0)
            position = first + int(line) - 1
            if not 0 <= position < len(listing):
                continue
            text, is_hidden = listing[position]
            told = HIDDEN_FRAME if is_hidden else f"line {line}: {text.strip()}"
            place = f"Cell In[{count}], {told}"
            if place not in places[-1:]:
                places.append(place)
        return places[-MAX_FRAMES:]

    def redacted(self, text: str) -> str:
        """Replace hidden lines in a text; a text without any stays as it is, colors included."""
        plain = strip_ansi(text)
        told = plain
        for line in self.long:
            told = told.replace(line, HIDDEN_LINE)
        lines = re.split(r"(\n|\\n)", told)  # ends of lines, as they are and in a string literal
        told = "".join(HIDDEN_LINE if line.strip() in self.short else line for line in lines)
        return text if told == plain else told


def visible_source(listing: Listing) -> str:
    """Write a cell's source with one comment in place of each hidden region."""
    lines: list[str] = []
    for line, is_hidden in listing:
        if not is_hidden:
            lines.append(line)
        elif lines[-1:] != [HIDDEN_REGION]:
            lines.append(HIDDEN_REGION)
    return "\n".join(lines)


def quoted_forms(line: str) -> set[str]:
    """Write a line as it is, and as it stands inside a string literal, JSON or HTML."""
    literal = line.replace("\\", "\\\\")
    return {line, literal, literal.replace("'", "\\'"), json.dumps(line)[1:-1], escape(line)}


class LeaveOutGivenCells(NbGraderPreprocessor):  # type: ignore[misc]
    """Leave the course's own code out of a page: locked code cells without points.

    One that failed stays: a student's function that it calls may be why.
    """

    keep = Bool(False, help="Keep the course's own code cells on the page").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Leave them out, and say on top how many there were."""
        kept = [cell for cell in nb.cells if self.keep or not is_given(cell)]
        count = len(nb.cells) - len(kept)
        if count:
            said = f"*{count} given code cell{'s' * (count > 1)} of the course left out here.*"
            kept.insert(0, new_markdown_cell(said, id="given-cells-left-out"))
        nb.cells = kept
        return nb, resources


def is_given(cell: NotebookNode) -> bool:
    """Tell a locked code cell without points that ran without an error."""
    has_points = utils.is_grade(cell) or utils.is_task(cell)
    is_own = cell.cell_type == "code" and utils.is_locked(cell) and not has_points
    return is_own and all(output.output_type != "error" for output in cell.outputs)


class PlainCells(NbGraderPreprocessor):
    """Keep text and figures, and of the metadata what nbgrader's page needs.

    Rich output (HTML, SVG, JavaScript, LaTeX, Markdown, widgets) is dropped for the plain text that
    comes with it: what is not there needs no sanitiser. Raw cells are shown as text.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Rebuild every cell from its harmless parts."""
        nb.cells = [plain_cell(cell, f"cell-{place}") for place, cell in enumerate(nb.cells)]
        return nb, resources


def plain_cell(cell: NotebookNode, name: str) -> NotebookNode:
    """Make a cell anew from the parts that cannot harm a reader."""
    info, metadata = cell.metadata.get("nbgrader"), {}
    if isinstance(info, dict) and re.fullmatch(r"[\w.-]+", str(info.get("grade_id"))):
        metadata = {"nbgrader": info}
    if cell.cell_type == "markdown":
        attachments = {
            file: {kind: data for kind, data in bundle.items() if is_image(kind, data)}
            for file, bundle in cell.get("attachments", {}).items()
        }
        for bundle in attachments.values():
            if not bundle:  # the renderer wants something to refer to; the page shows the alt text
                bundle["text/plain"] = ""
        return new_markdown_cell(cell.source, id=name, metadata=metadata, attachments=attachments)
    count = cell.get("execution_count")
    return new_code_cell(
        cell.source,
        id=name,
        metadata=metadata,
        execution_count=count if isinstance(count, int) else None,
        outputs=[plain_output(output) for output in cell.get("outputs", [])],
    )


def plain_output(output: NotebookNode) -> NotebookNode:
    """Make an output anew: a stream, an error, or a figure with its text."""
    if output.output_type == "stream":
        name = "stderr" if output.name == "stderr" else "stdout"
        return new_output("stream", name=name, text=output.text)
    if output.output_type == "error":
        keys = ("ename", "evalue", "traceback")
        return new_output("error", **{key: output[key] for key in keys})
    data = {kind: data for kind, data in output.data.items() if is_image(kind, data)}
    text = output.data.get("text/plain")
    if isinstance(text, str):
        data["text/plain"] = text
    if not data:  # the names of its kinds are the student's, too
        data = {"text/plain": "[an output without text, not shown here]"}
    return new_output("display_data", data=data)


def is_image(kind: str, data: object) -> bool:
    """Say whether this is a PNG or JPEG figure, by its first bytes."""
    starts = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
    if kind not in starts or not isinstance(data, str):
        return False
    try:
        return base64.b64decode("".join(data.split()), validate=True).startswith(starts[kind])
    except (ValueError, binascii.Error):
        return False


@dataclass(frozen=True)
class CheckRow:
    """One row of the table at the top of a page."""

    name: str
    points: str
    said: str
    color: str  # Bootstrap's name for a row: success, warning, danger, info
    is_on_page: bool


class SummarizeChecks(NbGraderPreprocessor):
    """Put a row for each graded cell into ``resources["nbgrader"]["checks"]``.

    The rows come from the gradebook, so that a cell missing from the notebook has one, too.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Read the gradebook and what the cells said."""
        names = resources["nbgrader"]
        cells = {
            cell.metadata.nbgrader.grade_id: cell
            for cell in nb.cells
            if utils.is_grade(cell) or utils.is_task(cell)
        }
        with Gradebook(names["db_url"]) as gradebook:
            graded = gradebook.find_submission_notebook(
                names["notebook"], names["assignment"], names["student"]
            )
            grades = {grade.name: grade for grade in graded.grades if grade.max_score}
            order = [name for name in cells if name in grades] + sorted(grades.keys() - cells)
            checks = [check_of(grades[name], cells.get(name)) for name in order]
        names["checks"] = checks
        names["total"] = f"{format_number(names['score'])} of {format_number(names['max_score'])}"
        return nb, resources


def check_of(grade: Any, cell: NotebookNode | None) -> CheckRow:
    """Describe one grade of the gradebook; ``cell`` is ``None`` where the notebook lacks it."""
    waits, maximum = grade.needs_manual_grade, format_number(grade.max_score)
    said = message_of(cell) if cell else "This cell is not in your notebook."
    if waits and not is_graded_by_machine(grade.cell):
        said, color = "A person will grade this.", "info"
    elif waits and grade.auto_score is None:
        said, color = said or "This could not be graded. Please ask.", "danger"
    elif waits:
        said, color = said or "A person will look at this again.", "info"
    elif grade.score >= grade.max_score:
        color = "success"
    else:
        color = "warning" if grade.score > 0 else "danger"
    points = f"{'–' if waits else format_number(grade.score)} / {maximum}"
    return CheckRow(grade.name, points, said, color, cell is not None)


def message_of(cell: NotebookNode) -> str:
    """Say what a graded cell said: the first error, else the comment of who graded it."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            is_hidden = any(line.endswith(HIDDEN_FRAME) for line in output.traceback)
            message = output.ename + (f": {output.evalue}" if output.evalue else "")
            return f"Hidden test: {message}" if is_hidden else message
    return cell.metadata.nbgrader.get("comment") or ""


# What Markdown may become. Only embedded figures, only links that lead elsewhere by a click.
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
CLASSES = {"div": {"highlight"}, "span": set(STANDARD_TYPES.values())}  # of highlighted code
ALLOWED_URLS = {
    "href": re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE),
    "src": re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]+\Z"),
}
MAX_MARKDOWN = 50_000  # characters; the renderer's time grows faster than the text


def clean_html(html: str) -> str:
    """Keep harmless HTML. nh3 (ammonia) is maintained; bleach, which nbconvert brings, is not."""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        allowed = ALLOWED_URLS.get(attribute)
        return value if allowed is None or allowed.match(value) else None

    return nh3.clean(
        html,
        attributes=ATTRIBUTES,
        attribute_filter=keep,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto", "data"},
    )


# The browser's own guard, should anything slip through: no script, no request, no form.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'\">"
)
# Nothing runs out of its box, on a phone neither: a line breaks between words, and in a word only
# where it is too long; a table of checks has columns of fixed widths; a figure shrinks.
STYLE = """<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
.container pre { white-space: pre-wrap !important; word-break: normal; overflow-wrap: anywhere; }
.container img { max-width: 100%; height: auto; }
.container p, .container li, .container td { overflow-wrap: break-word; }
.container summary { display: list-item; cursor: pointer; }
.container div.nbgrader_cell .panel-heading { height: auto; overflow: hidden; }
#checks { table-layout: fixed; }
#checks th, #checks td { overflow-wrap: anywhere; }
#checks tbody th { font-weight: normal; }
#checks th:nth-child(1) { width: 30%; }
#checks th:nth-child(2) { width: 5em; }
@media (max-width: 40em) { #checks th:nth-child(1) { width: 40%; } }
</style>"""
# nbgrader's page with a table in place of its list of scores. This macro loads MathJax in the head:
# the policy takes that place.
TEMPLATES = {
    "mathjax.html.j2": "{% macro mathjax(url='') %}" + POLICY + STYLE + "{% endmacro %}",
    "checks.html.j2": """
{%- extends 'index.html.j2' -%}
{%- block body -%}
<body>
<a name="top"></a>
<div class="container">
<h1>{{ resources.nbgrader.notebook | e }}: {{ resources.nbgrader.total | e }} points</h1>
{%- if resources.nbgrader.late_penalty %}
<p>Taken off for a late submission: {{ resources.nbgrader.late_penalty | round(2) }}</p>
{%- endif %}
{%- if resources.nbgrader.checks | selectattr('color', 'equalto', 'info') | list %}
<p>Not everything is graded yet: points can still be added.</p>
{%- endif %}
<table class="table table-condensed" id="checks">
<thead><tr><th scope="col">Check</th><th scope="col">Points</th>
<th scope="col">What it said</th></tr></thead>
<tbody>
{%- for check in resources.nbgrader.checks %}
<tr class="{{ check.color }}">
<th scope="row">{% if check.is_on_page %}<a href="#{{ check.name | e }}">{{ check.name | e }}</a>
{%- else %}{{ check.name | e }}{% endif %}</th>
<td style="white-space: nowrap">{{ check.points | e }}</td>
<td style="white-space: pre-wrap">{{ check.said | truncate(1000) | e }}</td>
</tr>
{%- endfor %}
</tbody>
</table>
<div id="notebook"><div id="notebook-container">
{{ self.body_loop() }}
</div></div>
</div>
</body>
{%- endblock body -%}
""",
}


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page with the table of checks, clean Markdown and a strict policy."""

    @default("extra_loaders")
    def _extra_loaders_default(self) -> list[DictLoader]:
        return [DictLoader(TEMPLATES)]

    @default("template_file")
    def _template_file_default(self) -> str:
        return "checks.html.j2"

    @default("exclude_anchor_links")
    def _exclude_anchor_links_default(self) -> bool:
        return True  # clean headings have no ids to link to

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Resources | None = None, **kwargs: Any
    ) -> tuple[str, Resources]:
        """Make the page; the notebook's own metadata is not looked at."""
        language = NotebookNode(language_info=NotebookNode(name="ipython3"))
        plain = NotebookNode({**nb, "metadata": language})
        html, resources = super().from_notebook_node(plain, resources, **kwargs)
        return html.replace("<html>", '<html lang="en">', 1), resources

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Render Markdown and clean the result; show as text what cannot be rendered."""
        if len(source) > MAX_MARKDOWN:
            return f"<pre>{escape(source)}</pre>"
        try:
            return clean_html(super().markdown2html(context, source))
        except (InvalidNotebook, RecursionError) as error:
            self.log.warning("Markdown shown as text: %s", error)
            return f"<pre>{escape(source)}</pre>"
