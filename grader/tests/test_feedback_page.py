"""Feedback pages of a tiny course that nbgrader itself releases, grades and writes pages for."""

import base64
import json
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.api import Gradebook
from nexa_grade.results.feedback_page import (
    FeedbackExporter,
    HideTests,
    PlainCells,
    clean_html,
    is_image,
)
from warm_python import run_python

CONFIG = f"""
import os
os.environ["PATH"] = {str(Path(sys.executable).parent)!r} + os.pathsep + os.environ["PATH"]
c = get_config()
c.Execute.timeout = c.Execute.startup_timeout = 300  # a busy machine fails no test
from nexa_grade.settings import give_feedback
give_feedback(c)
"""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
PNG = base64.b64encode(PIXEL).decode()

# Tests of one function; each fails in a way of its own when `half` is wrong or raises.
TESTS = {
    "todo1-test-plain": """assert half(4) == 2, "half(4): expected 2"
### BEGIN HIDDEN TESTS
veiled_number = 41
assert half(veiled_number) == 20.5, f"half({veiled_number}): expected 20.5, got {half(41)}"
### END HIDDEN TESTS""",
    "todo1-test-chained": """half(4)
### BEGIN HIDDEN TESTS
def veiled_check(veiled_argument):
    try:
        half(veiled_argument)
    except ZeroDivisionError as veiled_error:
        raise AssertionError("half(0): expected 0.0, got an error") from veiled_error

veiled_check(0)
### END HIDDEN TESTS""",
    "todo1-test-syntax": """half(4)
### BEGIN HIDDEN TESTS
veiled_code = "half(1))"
exec(veiled_code)
### END HIDDEN TESTS""",
    "todo1-test-bare": """half(4)
### BEGIN HIDDEN TESTS
assert half(3) == 1.5 and "veiled"
### END HIDDEN TESTS""",
    "todo1-test-quoting": '''half(4)
### BEGIN HIDDEN TESTS
veiled_source = """
assert half(6) == 'veiled'
"""
raise AssertionError("This does not hold:" + veiled_source)
### END HIDDEN TESTS''',
}
HIDDEN_LINES = [
    line.strip()
    for test in TESTS.values()
    for line in test.split("### BEGIN HIDDEN TESTS\n")[1].splitlines()[:-1]
    if any(map(str.isalnum, line))
]
SCHEME = "The words of the mark scheme."


def cell_info(name, **more):
    flags = dict.fromkeys(["grade", "solution", "locked"], False)
    return {"nbgrader": {"grade_id": name, "schema_version": 3} | flags | more}


def source_notebook():
    solution = "def half(x):\n    ### BEGIN SOLUTION\n    return x / 2\n    ### END SOLUTION"
    test = {"grade": True, "locked": True, "points": 2}
    essay = {"grade": True, "solution": True, "points": 3}
    task = {"task": True, "locked": True, "points": 0}
    scheme = f"A rubric.\n=== BEGIN MARK SCHEME ===\n{SCHEME}\n=== END MARK SCHEME ==="
    return new_notebook(
        cells=[
            new_markdown_cell("# Halves\n\nWrite `half`, so that $2h = x$."),
            new_code_cell(solution, metadata=cell_info("todo1-half", solution=True)),
            *(
                new_code_cell(source, metadata=cell_info(name, **test))
                for name, source in TESTS.items()
            ),
            new_markdown_cell("An essay.", metadata=cell_info("todo2-essay", **essay)),
            new_markdown_cell(scheme, metadata=cell_info("todo2-rubric", **task)),
        ]
    )


WRONG = """def half(x):
    if x == 0:
        return x / 0
    return x // 2"""

# Tries to get at the hidden tests: by history, by the frames of the caller, by files.
CURIOUS = """import json, linecache, os, sys
get_ipython().run_line_magic("xmode", "Verbose")
def half(x):
    frame = sys._getframe(1)
    lines = linecache.getlines(frame.f_code.co_filename)
    raise type("Seen", (Exception,), {})("".join(lines))"""
CURIOUS_LATER = """from IPython.display import HTML, display
print(In)
print(json.dumps(In))
print("\\n".join("\\x1b[31m" + source.replace(" ", "\\x1b[0m ") for source in In))
display(HTML("<pre>" + "\\n".join(In) + "</pre>"))
display({"\\n".join(In): "kind"}, raw=True)
with open("leak.txt", "w") as file:
    file.write("\\n".join(In))
with open("tiny.html", "w") as file:
    file.write("<script>student()</script>")
os.mkdir("more")
os.symlink(os.path.abspath("leak.txt"), "more/link.txt")
raise ValueError("\\n".join(In))"""

HOSTILE = """import base64
from IPython.display import HTML, SVG, Image, Javascript, Latex, Markdown, display
display(HTML("<script>evil()</script><b onclick=evil()>b</b>"))
display({"text/html": "<iframe src=//evil></iframe>"}, raw=True)
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>evil()</script></svg>"))
display(Javascript("evil()"))
display(Markdown("[x](javascript:evil) ![](http://evil/x.png)"))
display(Latex("$\\\\href{javascript:evil()}{x}$ <script>evil()</script>"))
display({"image/png": "\\" onerror=evil() x=\\"", "text/plain": "no figure"}, raw=True)
display(Image(data=base64.b64decode(PIXEL), format="png"))
print("<script>evil()</script>", "\\x1b[31m<img src=x onerror=evil()>\\x1b[0m")
class Evil(Exception):
    pass
Evil.__name__ = "<script>evil()</script>"
raise Evil("<img src=x onerror=evil()>")""".replace("PIXEL", repr(PNG))
HOSTILE_MARKDOWN = """<script>evil()</script><style>body {display: none}</style>
<iframe src="//evil"></iframe><form action="//evil"><input name=x><button>go</button></form>
<meta http-equiv="refresh" content="0; url=//evil">
<base href="//evil"><link rel=stylesheet href=//evil>
<b onmouseover=evil() style="position: fixed">bold</b>
<object data=//evil></object><embed src=//evil>

[script](javascript:evil%28%29) [data](data:text/html;base64,PHNjcmlwdD4=)
[site](https://example.org)
![remote](http://evil/x.png) ![drawn](attachment:a.svg) ![kept](attachment:a.png)
<svg><script>evil()</script></svg> <math><mtext></mtext></math>
<a href="&#106;avascript:evil()">x</a>

BEGIN MARK SCHEME and BEGIN HIDDEN TESTS stand here, and nobody cares."""


def submission(answer, *more):
    """Make a student's notebook: an answer, an essay, and cells of the student's own."""
    notebook = source_notebook()
    notebook.cells[1].source = answer
    notebook.cells[-2].source = "My essay."
    notebook.cells += more
    return notebook


def hostile_submission():
    svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='evil()'/>").decode()
    attachments = {"a.svg": {"image/svg+xml": svg}, "a.png": {"image/png": PNG}}
    notebook = submission(
        "def half(x):\n    return x / 2",
        new_code_cell(HOSTILE, metadata={"tags": ['"><script>evil()</script>']}),
        new_markdown_cell(HOSTILE_MARKDOWN, attachments=attachments),
        new_markdown_cell("![gone](attachment:nowhere.png) <script>evil()</script>"),
        new_raw_cell("<script>evil()</script>", metadata={"raw_mimetype": "text/html"}),
        new_code_cell("# BEGIN MARK SCHEME\ndef broken(:"),
    )
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"x": "</script>"}}
    notebook.metadata.title = "</title><script>evil()</script>"
    return notebook


def nbgrader(folder, *arguments):
    done = run_python(["-m", "nbgrader", *arguments], folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Release the course, grade three students and write their pages."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    (folder / "source" / "tiny").mkdir(parents=True)
    nbformat.write(source_notebook(), folder / "source" / "tiny" / "tiny.ipynb")
    nbgrader(folder, "generate_assignment", "tiny")
    students = {
        "wrong": submission(WRONG),
        "curious": submission(CURIOUS, new_code_cell(CURIOUS_LATER)),
        "hostile": hostile_submission(),
    }
    for student, notebook in students.items():
        target = folder / "submitted" / student / "tiny"
        target.mkdir(parents=True)
        nbformat.write(notebook, target / "tiny.ipynb")
        (target / "own.html").write_text("<script>evil()</script>")
        (target / "timestamp.txt").write_text("2030-01-01 00:00:00 UTC")
    nbgrader(folder, "autograde", "tiny")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("todo2-essay", "tiny", "tiny", "hostile")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        comment = gradebook.find_comment("todo2-essay", "tiny", "tiny", "hostile")
        comment.manual_comment = "Too <short>."
        gradebook.db.commit()
    nbgrader(folder, "generate_feedback", "tiny")
    return folder


def page(course, student):
    return BeautifulSoup(
        (course / "feedback" / student / "tiny" / "tiny.html").read_text(), "html.parser"
    )


def checks(course, student):
    rows = page(course, student).find(id="checks").tbody.find_all("tr")
    cells = ([cell.get_text() for cell in row.find_all(["th", "td"])] for row in rows)
    return {name.strip(): (points, said) for name, points, said in cells}


def test_autograded_notebook_does_show_hidden_lines(course):
    """Or else the tests below would prove nothing."""
    raw = (course / "autograded" / "curious" / "tiny" / "tiny.ipynb").read_text()
    outputs = str([cell.get("outputs") for cell in json.loads(raw)["cells"]])
    assert "veiled_check(0)" in outputs
    assert "evil()" in (course / "autograded" / "hostile" / "tiny" / "tiny.ipynb").read_text()


@pytest.mark.parametrize("student", ["wrong", "curious", "hostile"])
def test_no_page_shows_a_line_of_a_hidden_test(course, student):
    text = page(course, student).get_text()
    assert not [line for line in HIDDEN_LINES if line in text]
    assert "veiled" not in text
    assert SCHEME not in text
    assert "# (hidden tests)" in text


def test_table_says_which_check_failed_and_why(course):
    assert checks(course, "wrong") == {
        "todo1-test-plain": (
            "0 / 2",
            "Hidden test: AssertionError: half(41): expected 20.5, got 20",
        ),
        "todo1-test-chained": (
            "0 / 2",
            "Hidden test: AssertionError: half(0): expected 0.0, got an error",
        ),
        "todo1-test-syntax": (
            "0 / 2",
            "Hidden test: SyntaxError: unmatched ')' (<string>, line 1)",
        ),
        "todo1-test-bare": ("0 / 2", "Hidden test: AssertionError"),
        "todo1-test-quoting": (
            "0 / 2",
            "Hidden test: AssertionError: This does not hold:\n[hidden test]",
        ),
        "todo2-essay": ("– / 3", "A person will grade this."),
    }


def test_frames_in_the_students_own_cells_stay(course):
    text = page(course, "wrong").get_text()
    assert "Cell In[1], line 3: return x / 0\nZeroDivisionError: division by zero" in text
    assert "The above exception was the direct cause of the following exception:" in text
    assert text.count("a hidden test\n") > len(TESTS)


def test_grader_is_heard(course):
    assert checks(course, "hostile")["todo2-essay"] == ("1.5 / 3", "Too <short>.")
    assert page(course, "hostile").h1.get_text() == "tiny: 7.5 of 13 points"


def test_only_the_page_and_the_time_stamp_are_in_the_folder(course):
    for student in ("wrong", "curious", "hostile"):
        folder = course / "feedback" / student
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
        assert files == ["tiny", "tiny/timestamp.txt", "tiny/tiny.html"]


LIVE_TAGS = [
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "svg",
    "math",
    "base",
]


@pytest.mark.parametrize("student", ["wrong", "hostile"])
def test_nothing_on_a_page_runs_or_loads(course, student):
    soup = page(course, student)
    assert not soup.find_all(LIVE_TAGS + ["link"])
    assert [tag.attrs.get("http-equiv") for tag in soup.find_all("meta")] == [
        None,
        "Content-Security-Policy",
        None,
    ]
    assert all(tag.parent.name == "head" for tag in soup.find_all(["style", "meta"]))
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")], tag
        assert tag.get("href", "#").startswith(("#", "https://example.org")), tag
        assert tag.get("src", "data:image/png;base64,").startswith("data:image/png;base64,"), tag


def test_policy_forbids_everything_but_styles_and_embedded_figures(course):
    policy = page(course, "wrong").find("meta", {"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.strip().split(" ", 1) for rule in policy["content"].split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_phone_shows_the_page_as_wide_as_its_screen(course):
    """A browser looks at widths (``make browser``); here, that the page asks for them."""
    soup = page(course, "wrong")
    viewport = soup.find("meta", {"name": "viewport"})
    assert viewport["content"] == "width=device-width, initial-scale=1"
    style = " ".join(tag.get_text() for tag in soup.find_all("style"))
    assert "#checks { table-layout: fixed; }" in style
    assert ".container img { max-width: 100%; height: auto; }" in style


def test_figures_and_text_stay(course):
    soup = page(course, "hostile")
    drawn = [
        tag for tag in soup.find_all("img") if tag.get("src") == f"data:image/png;base64,{PNG}"
    ]
    assert len(drawn) == 2  # an output and an attachment
    text = soup.get_text()
    for kept in ["no figure", "My essay.", "<script>evil()</script> <img src=x onerror=evil()>"]:
        assert kept in text
    assert soup.find("a", href="https://example.org").get_text() == "site"


def cell_with_error(source, traceback, evalue="", ename="AssertionError"):
    error = new_output("error", ename=ename, evalue=evalue, traceback=traceback)
    return new_code_cell(source, execution_count=1, outputs=[error])


def hide(*cells):
    nb, _ = HideTests().preprocess(new_notebook(cells=list(cells)), {})
    return nb


TEST = """assert f(1)
### BEGIN HIDDEN TESTS
assert f(2), "two"
x = 1
### END HIDDEN TESTS
assert f(3)"""


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ("Cell In[1], line 3", ["Cell In[1], a hidden test"]),
        ("Cell In[1], line 2", ["Cell In[1], a hidden test"]),
        (
            "\x1b[32mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[1]\x1b[39m\x1b[32m, line 3\x1b[39m",
            ["Cell In[1], a hidden test"],
        ),
        ("Input In [1], line 6", ["Cell In[1], line 6: assert f(3)"]),
        ("Cell In[1], line 7", []),
        ("Cell In[1], line 0", []),
        ("Cell In[2], line 1", []),
        ("Cell In[1], line " + "9" * 5000, []),
        ("File /tmp/x.py:3, in g()\n----> 3 assert f(2), 'two'", []),
        ("╭─ rich ─╮\n│ ❱ 3 assert f(2) │", []),
    ],
)
def test_a_traceback_is_told_again_from_the_notebook(frame, told):
    traceback = [frame, '----> 3 assert f(\x1b[1m2), "two"', "AssertionError: two"]
    nb = hide(cell_with_error(TEST, traceback, "two"))
    assert nb.cells[0].outputs[0].traceback == [*told, "AssertionError: two"]
    assert nb.cells[0].source == "assert f(1)\n# (hidden tests)\nassert f(3)"


def test_empty_first_lines_are_not_numbered():
    nb = hide(cell_with_error("\n  \n" + TEST, ["Cell In[1], line 3"]))
    assert nb.cells[0].outputs[0].traceback[0] == "Cell In[1], a hidden test"


def test_many_frames_are_cut():
    lines = "\n".join(f"g({i})" for i in range(50))
    frames = "\n".join(f"Cell In[1], line {i}" for i in range(1, 51) for _ in "twice")
    (error,) = hide(cell_with_error(lines, [frames])).cells[0].outputs
    assert len(error.traceback) == 13
    assert error.traceback[-2] == "Cell In[1], line 50: g(49)"


def test_pytest_explanation_of_a_hidden_assert_is_cut():
    evalue = "assert 20 == 21\n +  where 20 = f(41)\n +    where f = <f>"
    (error,) = hide(cell_with_error(TEST, ["Cell In[1], line 3"], evalue)).cells[0].outputs
    assert error.evalue == "assert 20 == 21"


def test_cause_keeps_its_message():
    chain = "During handling of the above exception, another exception occurred:"
    traceback = [
        "Cell In[1], line 1\n",
        "KeyError: 'a'",
        f"\n{chain}\n",
        "Cell In[1], line 3",
        "AssertionError: two",
    ]
    (error,) = hide(cell_with_error(TEST, traceback, "two")).cells[0].outputs
    assert error.traceback == [
        "Cell In[1], line 1: assert f(1)",
        "KeyError: 'a'",
        "",
        chain,
        "",
        "Cell In[1], a hidden test",
        "AssertionError: two",
    ]


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        ('3 assert f(2), "two" # here', "3 [hidden test] # here"),
        ('\x1b[31massert\x1b[0m f(2), \x1b[1m"two"', "[hidden test]"),
        (
            repr([TEST]),
            "['assert f(1)" + 4 * r"\n[hidden test]" + r"\nassert f(3)']",
        ),
        ("  x = 1  \nmax = 10", "[hidden test]\nmax = 10"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("assert f(1)", "assert f(1)"),
    ],
)
def test_hidden_lines_are_redacted_in_what_is_printed(printed, left):
    outputs = [
        new_output("stream", text=printed),
        new_output("display_data", data={"text/plain": printed}),
    ]
    nb = hide(new_code_cell(TEST), new_code_cell("show()", outputs=outputs))
    stream, data = nb.cells[1].outputs
    assert (stream.text, data.data["text/plain"]) == (left, left)


def test_an_unclosed_region_is_hidden_to_the_end():
    assert (
        hide(new_code_cell("a\n### BEGIN HIDDEN TESTS\nb")).cells[0].source == "a\n# (hidden tests)"
    )


def test_class_name_can_not_carry_a_hidden_line():
    (error,) = hide(cell_with_error(TEST, [], "", ename='assert f(2), "two"')).cells[0].outputs
    assert (error.ename, error.traceback) == ("[hidden test]", ["[hidden test]"])


def test_a_count_that_is_no_number_reaches_no_page():
    cell = NotebookNode(new_code_cell("1") | {"execution_count": "<script>evil()</script>"})
    nb, _ = HideTests().preprocess(NotebookNode(cells=[cell]), {})
    nb, _ = PlainCells().preprocess(nb, {})
    assert nb.cells[0].execution_count is None


@pytest.mark.parametrize(
    ("kind", "data", "kept"),
    [
        ("image/png", PNG, True),
        ("image/png", PNG + "\n", True),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff\xe0").decode(), True),
        ("image/jpeg", PNG, False),
        ("image/png", PNG + '"', False),
        ("image/png", [PNG], False),
        ("image/png", "é", False),
        ("image/svg+xml", PNG, False),
    ],
)
def test_is_image(kind, data, kept):
    assert is_image(kind, data) == kept


@pytest.mark.parametrize(
    "html",
    [
        "<script>evil()</script>",
        "<scr<script>ipt>evil()</script>",
        "<img src=x onerror=evil()>",
        "<svg/onload=evil()>",
        "<math><mtext><table><mglyph><style><img src=x onerror=evil()>",
        "<noscript><p title='</noscript><img src=x onerror=evil()>'>",
        "<a href='java\tscript:evil()'>x</a>",
        "<a href='&#x6A;avascript:evil()'>x</a>",
        "<a href='vbscript:evil()'>x</a>",
        "<a href='data:text/html,<script>evil()</script>'>x</a>",
        "<a href='//evil'>x</a>",
        "<img src='http://evil/x.png'>",
        "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        "<img srcset='http://evil/x.png 1x'>",
        "<div style='background: url(http://evil)'>x</div>",
        "<style>@import url(http://evil)</style>",
        "<p class='navbar-fixed-top' id='top' name='top'>x</p>",
        "<iframe srcdoc='<script>evil()</script>'></iframe>",
        "<video src=http://evil autoplay></video><audio src=http://evil></audio>",
        "<details ontoggle=evil() open>x</details>",
        "<!--><script>evil()</script>-->",
        "<plaintext><script>evil()",
        "<textarea></textarea><select><option>evil</select>",
    ],
)
def test_clean_html_keeps_nothing_live(html):
    soup = BeautifulSoup(clean_html(html), "html.parser")
    assert not soup.find_all([*LIVE_TAGS, "style", "video", "audio", "textarea", "select"])
    for tag in soup.find_all(True):
        assert not tag.attrs.keys() - {"rel", "alt", "title", "open"}, tag


def test_clean_html_keeps_what_the_course_uses():
    html = (
        "<h2>A</h2><details><summary>Hint</summary><p>b <em>c</em> $x &lt; y$</p></details>"
        "<table><thead><tr><th>n</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
        '<div class="highlight"><pre><span class="k">def</span></pre></div>'
    )
    assert clean_html(html) == html


@pytest.mark.parametrize(
    "source", ["![x](attachment:none.png)", "a" * 60_000, ">" * 3000, "[" * 3000]
)
def test_markdown_that_can_not_be_rendered_is_text(source):
    html = FeedbackExporter().markdown2html({"cell": {}}, source)
    assert source[:20].replace(">", "&gt;") in html
