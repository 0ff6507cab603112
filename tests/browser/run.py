"""The course in a real browser: JupyterLab, nbgrader's buttons, formgrader, the feedback page.

Run by hand (it needs Chromium): a line for each step with its seconds, screenshots in
``build/browser/``, exit status 0 if all went well. All that it makes besides is in a temporary
folder.
"""

import functools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import course_folder
import headings
import instructor
import student
from course_folder import CourseError
from pictures import FOLDER, SIZE, take
from playwright.sync_api import BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as BrowserError
from servers import Server, ServerError, environment, jupyterlab

from authoring.assignment import ASSIGNMENTS, NEXACODE, ROOT, Assignment

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Watch:
    """What pages do that nobody asked for: dialogues, messages, errors, requests to elsewhere."""

    def __init__(self, context: BrowserContext):
        self.dialogues: list[str] = []
        self.messages: list[str] = []
        self.elsewhere: set[str] = set()
        context.on("dialog", self.dismiss)
        context.on("console", lambda message: self.messages.append(message.text))
        context.on("weberror", lambda error: self.messages.append(str(error.error)))
        context.on("request", lambda request: self.note(request.url))

    def dismiss(self, dialogue) -> None:
        if dialogue.type == "beforeunload":  # JupyterLab's own
            dialogue.accept()
            return
        self.dialogues.append(dialogue.message)
        dialogue.dismiss()

    def note(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:", "about:")):
            self.elsewhere.add(url)


class Steps:
    """Announces steps, and prints the seconds of each."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.current = ""

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step; what is put into the list is printed behind it."""
        self.current, notes, started = name, [], time.monotonic()
        yield notes
        note = f" ({', '.join(notes)})" if notes else ""
        print(f"{time.monotonic() - started:7.1f} s  {name}{note}", flush=True)

    def finish(self) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  in all")


@contextmanager
def browser(program: str) -> Iterator[tuple[BrowserContext, Watch]]:
    """Start Chromium, which finds no host but this one: a run is the same on any network."""
    options = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses to start as root without it
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=options)
        context = started.new_context(viewport=SIZE, service_workers="block")
        context.set_default_timeout(30_000)
        try:
            yield context, Watch(context)
        finally:
            started.close()


def as_student(steps: Steps, page: Page, server: Server, folder: Path) -> None:
    with steps.step("JupyterLab opens the release"):
        student.open_notebook(page, server, course_folder.NOTEBOOK.as_posix())
    with steps.step("sections 0 and 1 run, profile fast") as notes:
        notes.append(f"{student.run_first_sections(page, folder)} cells")
    with steps.step("Validate says what is still to do") as notes:
        notes.append(f"{student.validate(page)} failed cells listed")


def with_switches(
    assignment: Assignment, steps: Steps, page: Page, server: Server, folder: Path
) -> None:
    """Run the untouched release with the ready-made result of every TODO."""
    name = assignment.name
    switches = student.all_switches(assignment)
    settings = {"PROFILE": "fast", "READY_MADE": switches, **dict(assignment.offline)}
    path = student.hand_out(assignment, folder, **settings)
    with steps.step(f"{name}: all cells run, every switch on, no red cell") as notes:
        student.open_notebook(page, server, f"{name}/{assignment.notebook_name}")
        notes.append(f"{student.run_all(page, path)} cells")
        take(page, f"all-switches-{name}")


def as_instructor(steps: Steps, page: Page, server: Server, folder: Path) -> None:
    with steps.step("formgrader opens from the menu"):
        frame = instructor.open_formgrader(page, server)
    with steps.step("the submission opens") as notes:
        before = instructor.list_submissions(frame)
        assert before == course_folder.score(folder), f"the list shows {before}"
        instructor.open_submission(page, frame)
    with steps.step("an essay is graded by its rubric"):
        instructor.grade_essay(page, frame, folder)
    with steps.step("the total has changed") as notes:
        after = instructor.back_to_list(frame)
        assert after == before + instructor.POINTS, f"{before}, then {after}"
        assert after == course_folder.score(folder), "the gradebook has another total"
        notes.append(f"{before:g}, then {after:g}")


def go_through(steps: Steps, program: str, temporary: Path) -> None:
    """Take every step, in the order of a course."""
    course, desk = temporary / "course", temporary / "desk"
    course.mkdir()
    variables = environment(temporary / "home")
    with steps.step("the headings of each release are in order") as notes:
        notes += [f"{headings.check(each)} headings" for each in ASSIGNMENTS]
    with steps.step("nbgrader generates the release"):
        course_folder.make_course(course, variables)
    with steps.step("nbgrader grades a submission"):
        course_folder.submit(course)
        course_folder.nbgrader(course, variables, "autograde", course_folder.ASSIGNMENT)
    student.hand_out(NEXACODE, desk, PROFILE="fast")
    switched = temporary / "switched"
    switched.mkdir()

    with browser(program) as (context, watch):
        with jupyterlab(switched, temporary / "home-switched") as server:
            for assignment in ASSIGNMENTS:
                do = functools.partial(with_switches, assignment)
                visit(steps, context, watch, server, do, switched)
        with jupyterlab(desk, temporary / "home-student") as server:
            visit(steps, context, watch, server, as_student, desk)
        with jupyterlab(course, temporary / "home-instructor") as server:
            visit(steps, context, watch, server, as_instructor, course)
        assert not watch.dialogues, f"scripts of a submission ran: {watch.dialogues}"
        with steps.step("nbgrader generates the feedback"):
            course_folder.nbgrader(course, variables, "generate_feedback", course_folder.ASSIGNMENT)
        with steps.step("the feedback page is right") as notes:
            watch.messages.clear()
            watch.elsewhere.clear()
            page = context.new_page()
            notes += instructor.look_at_feedback(page, course)
            # The page's policy blocks an icon font that its style sheet names; that does no harm.
            messages = [text for text in watch.messages if not text.startswith("Loading the font")]
            said = watch.dialogues + messages + sorted(watch.elsewhere)
            assert not said, f"the feedback page does something: {said}"


def visit(steps, context, watch, server, do, folder) -> None:
    """Do something with a server in a page of its own; on failure show what the page showed."""
    page = context.new_page()
    try:
        do(steps, page, server, folder)
    except (AssertionError, BrowserError):
        print(f"The server's last words:\n{server.tail()}", file=sys.stderr)
        print(f"The browser's last messages: {watch.messages[-5:]}", file=sys.stderr)
        take(page, "failed")
        print(f"The page: {FOLDER.relative_to(ROOT) / 'failed.png'}", file=sys.stderr)
        raise
    finally:
        page.close()


def main() -> int:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not program:
        print("Chromium is not here: apt install chromium, or set CHROMIUM=/path", file=sys.stderr)
        return 2
    shutil.rmtree(FOLDER, ignore_errors=True)
    steps = Steps()
    try:
        with tempfile.TemporaryDirectory(prefix="nexacode-browser-") as temporary:
            go_through(steps, program, Path(temporary).resolve())
    except (AssertionError, BrowserError, CourseError, ServerError) as error:
        said = str(error).split("Aria snapshot")[0].strip()  # the whole page follows, as text
        print(f"\nFailed: {steps.current}\n{said}", file=sys.stderr)
        return 1
    steps.finish()
    print(f"Screenshots: {FOLDER.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
