"""What a student does in JupyterLab: open a release, run sections, switch TODOs, validate."""

import re
import shutil
from pathlib import Path

import nbformat
from course_folder import NOTEBOOK
from pictures import take
from playwright.sync_api import Page, expect
from servers import Server

from authoring.answer_bank import read_source
from authoring.assignment import Assignment
from authoring.graded_cells import function_todos

LAST = "look-conversation"  # the last cell before the first TODO
SECONDS_TO_RUN = 240
SECONDS_TO_RUN_ALL = 400
SECONDS_TO_VALIDATE = 600
STUB = "This part is yours: replace this line with your code."


def hand_out(assignment: Assignment, folder: Path, **settings: object) -> Path:
    """Copy what students get, with another value for some names of the settings cell.

    Returns:
        The notebook.
    """
    shutil.copytree(assignment.release, folder / assignment.name)
    path = folder / assignment.name / assignment.notebook_name
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "parameters")
    for name, value in settings.items():
        cell.source, count = re.subn(
            rf"^{name} = [^#\n]*", f"{name} = {value!r}  ", cell.source, flags=re.MULTILINE
        )
        assert count == 1, f"the settings cell has changed: {name} stands in it {count} times"
    nbformat.write(notebook, path)
    return path


def all_switches(assignment: Assignment) -> list[int]:
    """List the TODOs that have a ready-made result."""
    return function_todos(read_source(assignment))


def open_notebook(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/lab/tree/{path}?token={server.token}&reset")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=120_000)
    expect(page.locator(".jp-Notebook h1").first).to_be_visible(timeout=60_000)
    kernel = page.locator(".jp-Notebook-ExecutionIndicator")
    expect(kernel).to_have_attribute("data-status", "idle", timeout=120_000)


def menu(page: Page, name: str, entry: str) -> None:
    page.locator(".lm-MenuBar-itemLabel", has_text=name).first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()


def run_first_sections(page: Page, folder: Path) -> int:
    """Run all above the first TODO, as from the menu. Returns the number of cells that ran."""
    page.get_by_role("tab", name="Table of Contents").click()
    page.locator(".jp-tocItem-content", has_text="TODO 1: Parse Conversations").click()
    expect(page.locator(".jp-Cell.jp-mod-selected")).to_contain_text("TODO 1")
    menu(page, "Run", "Run All Above Selected Cell")
    last = page.locator(".jp-CodeCell", has_text='print(dataset[0]["chosen"])').first
    output = last.locator(".jp-OutputArea-output").first
    expect(output).to_contain_text("Human:", timeout=SECONDS_TO_RUN * 1000)
    output.evaluate("element => element.scrollIntoView({block: 'end'})")
    take(page, "jupyterlab-section-1")
    save(page)
    return check_outputs(folder)


def run_all(page: Page, path: Path) -> int:
    """Run all cells, as from the menu, to the last one. Returns the number of code cells.

    The page itself holds only the cells near the screen, so the saved file is looked into.
    """
    menu(page, "Run", "Run All Cells")
    for _ in range(0, SECONDS_TO_RUN_ALL, 5):
        page.wait_for_timeout(5_000)
        save(page)
        code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        red = [
            f"{cell.id}: {output.ename}: {output.evalue}"
            for cell in code
            for output in cell.outputs
            if output.output_type == "error"
        ]
        assert not red, f"red cells: {red}"
        if code[-1].execution_count is not None:
            break
    not_run = [cell.id for cell in code if cell.execution_count is None]
    assert not not_run, f"not run after {SECONDS_TO_RUN_ALL} s: {not_run}"
    return len(code)


def save(page: Page) -> None:
    with page.expect_response(
        lambda answer: "/api/contents/" in answer.url and answer.request.method == "PUT"
    ) as answer:
        menu(page, "File", "Save Notebook")
    assert answer.value.ok, f"saving failed: {answer.value.status}"


def check_outputs(folder: Path) -> int:
    """Look into the saved file: the page itself holds only the cells near the screen."""
    cells = nbformat.read(folder / NOTEBOOK, as_version=4).cells
    end = next(place for place, cell in enumerate(cells) if cell.id == LAST) + 1
    code = [cell for cell in cells[:end] if cell.cell_type == "code"]
    not_run = [cell.id for cell in code if cell.execution_count is None]
    assert not not_run, f"not run: {not_run}"
    outputs = [(cell.id, output) for cell in code for output in cell.outputs]
    errors = [(name, out.ename, out.evalue) for name, out in outputs if out.output_type == "error"]
    assert not errors, f"errors: {errors}"
    silent = {"setup-profile", "run-setup", "run-load", LAST} - {name for name, _ in outputs}
    assert not silent, f"no output: {silent}"
    said = "".join(out.get("text", "") for name, out in outputs if name == "setup-profile")
    assert "Profile: fast" in said, f"the settings cell was not read: {said!r}"
    return len(code)


def validate(page: Page) -> int:
    """Press nbgrader's button. Returns the number of failed cells that its dialogue lists.

    The server runs the whole notebook anew, with the sizes that grading uses. Every stub fails.
    """
    page.locator(".validate-button").click()
    dialogue = page.locator(".jp-Dialog-content")
    expect(dialogue).to_be_visible(timeout=SECONDS_TO_VALIDATE * 1000)
    expect(dialogue).to_contain_text("Validation Results")
    expect(dialogue.get_by_text("The following cell failed:").first).to_be_visible()
    expect(dialogue).to_contain_text(STUB)
    failed = dialogue.get_by_text("The following cell failed:").count()
    take(page, "validate-dialogue")
    dialogue.get_by_role("button").last.click()
    expect(dialogue).to_be_hidden()
    return failed
