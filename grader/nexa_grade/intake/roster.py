"""A roster: which student has which number on the learning platform.

A CSV file, the platform's number first, the student's id second, as a spreadsheet saves it: in any
encoding, with commas, semicolons or tabs, with numbers such as ``1001.0``. What a spreadsheet has
spoiled is mended where that is certain, and named with its line where it is not.
"""

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nexa_grade.intake.file_names import composed

MAX_BYTES = 10_000_000
LONGEST_ID = 100  # bytes: it becomes the name of folders and, with more around it, of files
# Windows keeps these names for devices.
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # the direction of text
DELIMITERS = (",", ";", "\t", "|")
NUMBER_HEADS = {
    "number", "no", "nr", "participant", "participantnumber", "platformnumber", "platformid",
    "lmsid", "canvasid", "moodleid", "userid", "identifier", "usernumber", "canvasuserid",
}  # fmt: skip
ID_HEADS = {
    "student", "studentid", "id", "username", "login", "loginid", "sisid", "sisuserid", "uid",
    "eid", "matriculation", "matriculationnumber",
}  # fmt: skip
SCIENTIFIC = re.compile(r"(\d)(?:[.,](\d+))?E\+?(\d{1,2})", re.IGNORECASE)


class RosterError(ValueError):
    """A roster that cannot be used; each line of the message names file, line and reason."""


@dataclass
class Roster:
    """Ids by the platform's number, and what a person should know about the file."""

    name: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell a roster from none at all."""
        return bool(self.name)

    def id_of(self, number: str) -> str | None:
        """Find a student's id; leading zeros of a number do not count, if it stays one number."""
        if number in self.ids:
            return self.ids[number]
        alike = [key for key in self.ids if number.isdigit() and same_number(key, number)]
        return self.ids[alike[0]] if len(alike) == 1 else None


def same_number(one: str, other: str) -> bool:
    """Tell whether two texts are the same whole number."""
    return one.isdigit() and one.lstrip("0") == other.lstrip("0")


def problem_of(student: str) -> str:
    """Say why a text cannot be a student's id; "" where it can."""
    if not student or student in (".", ".."):
        return "names no folder"
    if "/" in student or "\\" in student:
        return "has a slash"
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in student):
        return "has a control character"
    if TURNING.search(student):
        return "has a character that turns the direction of text"
    if found := re.search(r"[*?\[\]]", student):
        return f"has {found[0]!r}, which nbgrader reads as a pattern"
    if student != student.strip() or student.endswith("."):
        return "begins or ends with a space, or ends with a dot"
    if RESERVED.fullmatch(student):
        return "is a name that Windows keeps for a device"
    if len(student.encode()) > LONGEST_ID:
        return f"is longer than {LONGEST_ID} bytes"
    return ""


def read_text(path: Path) -> tuple[str, str]:
    """Read a text in whatever encoding a spreadsheet has saved it.

    Returns:
        The text, and what should be known about its encoding, "" for nothing.

    Raises:
        RosterError: The file is missing, is no text, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RosterError(f"{path}: {error.strerror}") from None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise RosterError(f"{path.name}: expected a CSV file, got a spreadsheet: save it as CSV")
    if len(data) > MAX_BYTES:
        raise RosterError(f"{path.name}: expected at most {MAX_BYTES} bytes, got more")
    zeros = data[:200].count(0), data[1:200:2].count(0)  # of UTF-16 without a mark
    guesses = ["utf-8-sig", "cp1252"]
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        guesses = ["utf-32"]
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        guesses = ["utf-16"]
    elif zeros[0]:
        guesses = ["utf-16-le" if 2 * zeros[1] > zeros[0] else "utf-16-be"]
    for encoding in guesses:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        note = "read as Windows-1252, not UTF-8: look at ids with accents"
        return text, note if encoding == "cp1252" else ""
    raise RosterError(f"{path.name}: expected text in UTF-8, got something else: save it as UTF-8")


def split_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Split a CSV text into rows that are not empty, each with the number of its line.

    The delimiter is the one that splits most lines; a spreadsheet's ``sep=;`` names it.
    """
    lines = text.splitlines(keepends=True)
    delimiter = max(DELIMITERS, key=lambda one: sum(one in line for line in lines))
    named = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None
    if named:
        delimiter = named[1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    for row in reader:
        row = [cleaned(cell) for cell in row]
        if any(row) and not (named and line == 1):
            yield line, row
        line = reader.line_num + 1


def cleaned(cell: str) -> str:
    """Take off what a spreadsheet puts around a text: spaces, ``="..."``, an apostrophe."""
    cell = composed(cell.replace("\ufeff", "")).strip(" \t\r\n\u00a0")
    formula = re.fullmatch(r'="(.*)"', cell)
    return (formula[1] if formula else cell.removeprefix("'")).strip(" \u00a0")


def whole_number(cell: str) -> tuple[str, bool]:
    """Undo what a spreadsheet makes of a number: ``1001.0``, ``1.001E+03``.

    Returns:
        The number, and whether it may have had digits that are lost.
    """
    if found := re.fullmatch(r"(\d+)[.,]0+", cell):
        return found[1], False
    if found := SCIENTIFIC.fullmatch(cell):
        decimals, exponent = found[2] or "", int(found[3])
        digits = found[1] + decimals.rstrip("0")
        if len(digits) - 1 <= exponent:
            return digits.ljust(exponent + 1, "0"), exponent > len(decimals)
    return cell, False


def find_columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Find the columns of number and id in a first row of headings; None where it has none."""
    heads = [re.sub(r"[\W_]+", "", cell.casefold()) for cell in row]
    ids = [place for place, head in enumerate(heads) if head in ID_HEADS]
    numbers = [place for place, head in enumerate(heads) if head in NUMBER_HEADS]
    if not numbers and len(ids) > 1:  # "ID" and "Student": the first is the platform's
        numbers = ids[:1]
    ids = [place for place in ids if place not in numbers]
    if numbers and ids:
        return numbers[0], ids[0]
    return (0, 1) if heads[0] in NUMBER_HEADS | ID_HEADS and len(row) > 1 else None


def read_roster(path: Path) -> Roster:
    """Read a roster.

    Raises:
        RosterError: It cannot be read, or has a line that cannot be used; all such are named.
    """
    text, note = read_text(path)
    roster = Roster(path.name, notes=[f"{path.name}: {note}"] if note else [])
    rows: dict[str, list[tuple[int, str]]] = defaultdict(list)  # lines and ids, by number
    errors = []
    columns = (0, 1)
    try:
        for place, (line, row) in enumerate(split_rows(text)):
            where = f"{path.name}, line {line}"
            found = find_columns(row) if place == 0 else None
            if found:
                columns = found
                continue
            if len(row) <= max(columns):
                errors.append(f"{where}: expected number,student, got {row}")
                continue
            read_row(where, [row[column] for column in columns], roster, rows, errors, line)
    except csv.Error as error:
        errors.append(f"{path.name}: expected CSV, got something else: {error}")
    if errors:
        raise RosterError("\n".join(errors))
    settle_duplicates(roster, rows)
    return roster


def read_row(
    where: str, row: Sequence[str], roster: Roster,
    rows: dict[str, list[tuple[int, str]]], errors: list[str], line: int,
) -> None:  # fmt: skip
    """Read number and id of one row into ``rows``, or say what is wrong with them."""
    (number, is_spoiled), (student, is_rounded) = map(whole_number, row)
    problem = problem_of(student)
    if not number:
        roster.notes.append(f"{where}: no number: {student!a} is left out")
    elif not student:
        roster.notes.append(f"{where}: no id: {number} is kept under its number")
        rows[number].append((line, ""))
    elif is_rounded:
        errors.append(f"{where}: {row[1]!a}: a spreadsheet has rounded this id: save it as text")
    elif problem:
        errors.append(f"{where}: {student!a} cannot be a student's id: it {problem}")
    else:
        rows[number].append((line, student))
        if is_spoiled:
            said = "a spreadsheet may have rounded this number: save it as text"
            roster.notes.append(f"{where}: {row[0]!a}: {said}")


def settle_duplicates(roster: Roster, rows: dict[str, list[tuple[int, str]]]) -> None:
    """Fill in the ids; who shares a number or an id with somebody else is kept by number."""
    owners: dict[str, set[str]] = defaultdict(set)
    for number, found in rows.items():
        for _, student in found:
            owners[student.casefold()].add(number)
    for number, found in rows.items():
        students = {student for _, student in found}
        lines = ", ".join(str(line) for line, _ in found)
        if len(found) > 1:
            roster.notes.append(f"{roster.name}, lines {lines}: {number} stands there twice")
        roster.ids[number] = number
        if len(students) > 1:
            said = "has several ids: it is kept under its number"
            roster.notes.append(f"{roster.name}, lines {lines}: {number} {said}")
        elif (student := min(students)) and len(owners[student.casefold()]) > 1:
            shared = ", ".join(sorted(owners[student.casefold()]))
            roster.notes.append(
                f"{roster.name}, line {lines}: {student!a} is the id of several numbers"
                f" ({shared}): {number} is kept under its number"
            )
        elif student:
            roster.ids[number] = student
