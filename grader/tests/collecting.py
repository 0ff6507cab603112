"""``nbgrader zip_collect`` in this process: no new interpreter for each of many cases."""

import json
import logging
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory
from nexa_grade.settings import harden
from traitlets.config import Config

ASSIGNMENT = "ps1"


def notebook(grade_id: str = "", **more: str) -> str:
    """Write a notebook with one cell."""
    info = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    cell = {"cell_type": "code", "metadata": info, "source": "x", "outputs": []}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4} | more)


@dataclass
class Collection:
    """What came of a download: the files by path in ``submitted``, and what was said."""

    files: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    status: int = 0

    def has_said(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in self.said)


class Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def write_release(root: Path, released: Mapping[str, str]) -> None:
    folder = root / "release" / ASSIGNMENT
    folder.mkdir(parents=True)
    for name, text in released.items():
        (folder / f"{name}.ipynb").write_text(text)


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def archive_of(root: Path) -> Path:
    folder = root / "downloaded" / ASSIGNMENT / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def collect(root: Path, released: Iterable[str] = ("tiny",), **settings: str) -> Collection:
    """Collect what lies in the archive folder of a course."""
    if not (root / "release").exists():
        write_release(root, {name: notebook(f"{name}-cell") for name in released})
    config = Config()
    harden(config)
    config.LmsCollectorPlugin = Config(settings)
    app = ZipCollectApp(config=config)
    app.coursedir = CourseDirectory(root=str(root), assignment_id=ASSIGNMENT)
    app.log = logging.Logger("zip_collect")
    said = Said()
    app.log.addHandler(said)
    collection = Collection(said=said.lines)
    try:
        app.init_plugins()
        app.extract_archive_files()
        app.process_extracted_files()
    except SystemExit as stopped:
        collection.status = int(stopped.code or 0)
    submitted = root / "submitted"
    collection.files = {
        path.relative_to(submitted).as_posix(): path.read_text()
        for path in submitted.rglob("*")
        if path.is_file()
    }
    return collection


def collect_zip(root: Path, files: Mapping[str, str | bytes], **settings: str) -> Collection:
    """Collect one downloaded archive."""
    write_zip(archive_of(root) / "submissions.zip", files)
    return collect(root, **settings)
