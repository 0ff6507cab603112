"""What an instructor does: grade an essay in formgrader, and look at the feedback page."""

import re
from pathlib import Path

from course_folder import (
    ASSIGNMENT,
    ESSAY,
    STUDENT,
    WRONG_TEST,
    comment,
    hidden_lines,
    score,
)
from pictures import SIZE, take
from playwright.sync_api import FrameLocator, Page, expect
from servers import Server
from student import menu

POINTS = 3.5
COMMENT = "Good: a number, a unit and a reason. Half a point off: no word about truncation."
NO_ALT = "No description has been provided for this image"
SCHEME = "For the person who grades."


def open_formgrader(page: Page, server: Server) -> FrameLocator:
    """Open formgrader as the guide says: JupyterLab, then Nbgrader, Formgrader in the menu."""
    page.goto(f"{server.url}/lab?token={server.token}&reset")
    expect(page.locator(".jp-Launcher").first).to_be_visible(timeout=120_000)
    menu(page, "Nbgrader", "Formgrader")
    frame = page.frame_locator("iframe").first
    assignments = frame.locator("table tbody tr")
    expect(assignments.filter(has_text=ASSIGNMENT)).to_have_count(1, timeout=60_000)
    take(page, "formgrader-assignments")
    return frame


def list_submissions(frame: FrameLocator) -> float:
    """Go from the front page to the list of submissions. Returns the total that it shows."""
    frame.get_by_role("link", name="Manual Grading").first.click()
    for _ in ("assignment", "notebook"):
        frame.locator("table tbody").get_by_role("link", name=ASSIGNMENT, exact=True).click()
    return shown_total(frame)


def shown_total(frame: FrameLocator) -> float:
    cell = frame.locator("td.score")
    expect(cell).to_have_text(re.compile(r"[\d.]+ / 100"), timeout=30_000)
    return float(cell.inner_text().split("/")[0])


def open_submission(page: Page, frame: FrameLocator) -> None:
    take(page, "formgrader-submissions")
    frame.locator("td.name a.name-hidden").click()
    # The page asks for points and comments when it is there; before that, typing is lost.
    expect(frame.locator(f"#{WRONG_TEST}")).to_have_attribute("placeholder", "0", timeout=60_000)
    note = frame.locator(f"#{ESSAY}-comment")
    expect(note).to_have_attribute("placeholder", re.compile("Type any comments"))


def grade_essay(page: Page, frame: FrameLocator, folder: Path) -> None:
    """Type points and a comment, and see each of them saved."""
    rubric = frame.locator(".nbgrader_cell", has=frame.locator("#todo2-rubric-comment"))
    expect(rubric).to_contain_text(SCHEME)
    points, note = frame.locator(f"#{ESSAY}"), frame.locator(f"#{ESSAY}-comment")
    with page.expect_response(is_saved("grade")) as answer:
        points.fill(str(POINTS))
        points.blur()
    assert answer.value.ok, f"the points were not saved: {answer.value.status}"
    with page.expect_response(is_saved("comment")) as answer:
        note.fill(COMMENT)
        note.blur()
    assert answer.value.ok, f"the comment was not saved: {answer.value.status}"
    expect(points).to_have_value(str(POINTS))
    points.evaluate("element => element.closest('.nbgrader_cell').scrollIntoView()")
    # the navigation bar covers the first pixels
    points.evaluate("() => window.scrollBy(0, -90)")
    take(page, "formgrader-essay")
    assert score(folder, ESSAY) == POINTS
    assert comment(folder, ESSAY) == COMMENT


def is_saved(kind: str):
    return lambda answer: (
        f"/formgrader/api/{kind}/" in answer.url and answer.request.method == "PUT"
    )


def back_to_list(frame: FrameLocator) -> float:
    """Follow the breadcrumb. Returns the total that the list shows now."""
    frame.locator(".breadcrumb").get_by_role("link", name=ASSIGNMENT, exact=True).last.click()
    return shown_total(frame)


def check_widths(page: Page) -> None:
    """See that nothing of the page runs out of a phone's screen, and that names are not columns."""
    for width in (390, SIZE["width"]):
        page.set_viewport_size({"width": width, "height": SIZE["height"]})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"at {width} px the feedback page is {wide} px wide"
        name = page.locator("#checks tbody th").first.bounding_box()["width"]
        assert name >= 100, f"at {width} px the names of checks have {name:.0f} px"
        page.evaluate("window.scrollTo(0, 0)")
        take(page, f"feedback-{width}")


def look_at_feedback(page: Page, folder: Path) -> list[str]:
    """Open the page that the student gets. Returns what was looked at."""
    path = folder / "feedback" / STUDENT / ASSIGNMENT / f"{ASSIGNMENT}.html"
    page.goto(path.as_uri())
    row = page.locator("#checks tr", has=page.get_by_role("link", name=ESSAY, exact=True))
    expect(row).to_contain_text(f"{POINTS:g} / 4")
    expect(row).to_contain_text(COMMENT)
    total = f"{score(folder):g} of 100 points"
    expect(page.locator("h1").first).to_contain_text(total)
    take(page, "feedback-table")
    page.locator("#checks").get_by_role("link", name=WRONG_TEST, exact=True).click()
    anchor = page.locator(f"a[name='{WRONG_TEST}']")  # of no size
    cell = page.locator(".nbgrader_cell", has=anchor).locator(".panel-heading")
    expect(cell).to_be_in_viewport()
    expect(cell).to_contain_text("Score: 0.0 / 2.0")
    take(page, "feedback-hidden-test")

    text = page.locator("body").inner_text()
    assert SCHEME not in text, "the feedback shows the mark scheme"
    lines = hidden_lines()
    leaked = [line for line in lines if line in text]
    assert not leaked, f"the feedback shows hidden tests: {leaked[:5]}"
    assert page.locator("script").count() == 0, "the feedback page holds a script"
    check_widths(page)
    silent = page.locator("img:not([alt]), img[alt='']").count()
    assert silent == 0, f"{silent} images of the feedback page have no alt text"
    empty = page.locator(f"img[alt='{NO_ALT}']").count()
    return [f"{len(lines)} hidden lines sought", f"{empty} images have nbconvert's alt text only"]
