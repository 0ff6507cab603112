"""Formgrader's page of a submission: its buttons are there, and nothing of the student's runs."""

import base64
from html.parser import HTMLParser

from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from nexa_grade.results.feedback_page import FeedbackExporter
from nexa_grade.settings import harden
from tiny_course import cell_of, source_notebook
from traitlets.config import Config

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()
EVIL = "alert(1)"
MARKDOWN = [
    f"<script>{EVIL}</script>",
    f'<img src="x" onerror="{EVIL}">',
    f"[here](javascript:{EVIL})",
    f'<a href="javascript:{EVIL}">here</a>',
    f'<form action="/formgrader/api"><button onclick="{EVIL}">Full credit</button></form>',
    '<input class="score tabbable" id="why" value="2">',
    '<iframe src="https://example.org"></iframe>',
    "<style>body {display: none}</style>",
    "![spy](https://example.org/pixel.png)",
]
DATA = {
    "text/html": f"<script>{EVIL}</script>",
    "application/javascript": EVIL,
    "image/svg+xml": f"<svg><script>{EVIL}</script></svg>",
    "text/markdown": f"<script>{EVIL}</script>",
    "text/latex": f"<script>{EVIL}</script>",
    "application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{EVIL}"},
    "image/png": f'"><script>{EVIL}</script>',
}
SIZES = {"image/png": {"width": f"1 onload={EVIL}", "height": f"1 onload={EVIL}"}}


class Page(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def live(self) -> list[str]:
        """List what runs or loads something when the page is opened or clicked."""
        kinds = ("script", "iframe", "form", "style", "link", "object", "embed", "meta", "base")
        return [
            f"{tag} {attributes}"
            for tag, attributes in self.tags
            if tag in kinds
            or any(name.startswith("on") for name in attributes)
            or any("javascript:" in str(value) for value in attributes.values())
            or (tag == "img" and not str(attributes.get("src", "data:")).startswith("data:"))
        ]

    def names_of(self, word: str) -> list[str | None]:
        """Name the elements of a class."""
        return [
            attributes.get("id")
            for _, attributes in self.tags
            if word in str(attributes.get("class")).split()
        ]


def show(notebook: NotebookNode, is_hardened: bool = True) -> Page:
    """Make the page as formgrader's handler does."""
    config = Config()
    if is_hardened:
        harden(config)
    config.merge(FormgradeExtension().build_extra_config())
    resources = {"base_url": "", "submission_id": "1", "notebook_id": "tiny", "index": 0}
    resources |= {"assignment_id": "tiny", "total": 1, "student": "me", "notebook_path": "x"}
    return Page(HTMLExporter(config=config).from_notebook_node(notebook, resources=resources)[0])


def evil_notebook():
    notebook = source_notebook()
    cell_of(notebook, "why").source = "\n\n".join(MARKDOWN)
    cells = [new_markdown_cell(text) for text in MARKDOWN]
    cells += [new_raw_cell(text) for text in MARKDOWN]
    outputs = [
        new_output("display_data", data={kind: data, "text/plain": "text"})
        for kind, data in DATA.items()
    ]
    outputs += [
        new_output("display_data", data={"image/png": PNG}, metadata=SIZES),
        new_output(
            "display_data", data={"image/png": PNG}, metadata={"filenames": {"image/png": "/x"}}
        ),
        new_output("stream", text=f"<script>{EVIL}</script>"),
        new_output("error", ename=MARKDOWN[0], evalue=MARKDOWN[1], traceback=MARKDOWN),
    ]
    info = {"grade_id": f'"><script>{EVIL}</script>', "solution": True, "grade": True, "points": 1}
    cells += [new_code_cell("1", outputs=outputs), new_code_cell("1", metadata={"nbgrader": info})]
    cells += [new_code_cell("1", metadata={"alt": f'"><script>{EVIL}</script>'})]
    notebook.cells += cells
    notebook.metadata.title = MARKDOWN[0]
    return notebook


def test_a_submission_adds_nothing_that_runs_or_loads():
    assert show(evil_notebook()).live() == show(source_notebook()).live()


def test_without_hardening_it_would_run():
    assert any(EVIL in line for line in show(evil_notebook(), is_hardened=False).live())


def test_the_page_can_be_used():
    page = show(evil_notebook())
    assert page.names_of("score") == ["add-test", "limit-test", "double-test", "why"]
    assert page.names_of("comment") == ["add-comment", "double-comment", "why-comment"]
    assert len(page.names_of("full-credit")) == 4
    scripts = [attributes.get("src") for tag, attributes in page.tags if tag == "script"]
    assert "/formgrader/static/js/formgrade.js" in scripts


def test_figures_and_text_stay():
    notebook = source_notebook()
    outputs = [new_output("display_data", data={"image/png": PNG, "text/plain": "<Figure>"})]
    notebook.cells.append(new_code_cell("1", outputs=outputs))
    images = [attributes for tag, attributes in show(notebook).tags if tag == "img"]
    assert [image["src"] for image in images] == [f"data:image/png;base64,{PNG}"]


def test_feedback_has_preprocessors_of_its_own():
    config = Config()
    harden(config)
    assert FeedbackExporter(config=config).preprocessors == []
