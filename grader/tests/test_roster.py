"""Rosters as spreadsheets save them: read, mended where that is certain, or refused by line."""

import codecs

import pytest
from collecting import collect_zip, notebook
from nexa_grade.intake.roster import RosterError, problem_of, read_roster, whole_number

ROWS = "1001,müller\n1002,grace\n1003,Zoë\n"
IDS = {"1001": "müller", "1002": "grace", "1003": "Zoë"}
READ = {  # bytes of a roster, and what it says
    "utf-8": (ROWS.encode(), IDS),
    "utf-8 with a mark": (ROWS.encode("utf-8-sig"), IDS),
    "cp1252": (ROWS.encode("cp1252"), IDS),
    "utf-16": (ROWS.encode("utf-16"), IDS),
    "utf-16-be": (codecs.BOM_UTF16_BE + ROWS.encode("utf-16-be"), IDS),
    "utf-16-le without a mark": (ROWS.encode("utf-16-le"), IDS),
    "utf-16-be without a mark": (ROWS.encode("utf-16-be"), IDS),
    "utf-32": (ROWS.encode("utf-32"), IDS),
    "accents taken apart": ("1001,mu\u0308ller".encode(), {"1001": "müller"}),
    "semicolons": (ROWS.replace(",", ";").encode(), IDS),
    "tabs": (ROWS.replace(",", "\t").encode("utf-16"), IDS),
    "ends of lines of Windows": (ROWS.replace("\n", "\r\n").encode(), IDS),
    "ends of lines of an old Mac": (ROWS.replace("\n", "\r").encode(), IDS),
    "sep=": (b"sep=;\r\n1;a,b\r\n", {"1": "a,b"}),
    "quotes": (b'"1001","ada"\n" 1002 "," grace "\n', {"1001": "ada", "1002": "grace"}),
    "formulas": (b'="0012",ada\n\'0013,grace\n', {"0012": "ada", "0013": "grace"}),
    "blank lines and columns": (b"\n,,\n1001,ada,,\n ; \n\n1002,grace,x,y\n".replace(b" ; ", b""),
                                {"1001": "ada", "1002": "grace"}),
    "numbers of a spreadsheet": (b"1001.0,20.0\n1.002E+03,2.1E+1\n\"1003,0\",x\n",
                                 {"1001": "20", "1002": "21", "1003": "x"}),
    "a heading": (b"Number, Student ID \n1001,ada\n", {"1001": "ada"}),
    "a heading, turned round": (b"Login ID;NAME;canvas_id\nada;Ada L;1001\n", {"1001": "ada"}),
    "ID and student": (b"ID,Student\n1001,ada\n", {"1001": "ada"}),
    "names as numbers": (b"Ada Lovelace,ada\n", {"Ada Lovelace": "ada"}),
    "empty id": (b"1001,ada\n1002,\n", {"1001": "ada", "1002": "1002"}),
    "empty": (b"", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_a_roster_of_a_spreadsheet_is_read(case, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_bytes(READ[case][0])
    assert read_roster(path).ids == READ[case][1]


SAID = {  # rows, and what is said of them
    "1,ada\n2,\n": ["line 2", "no id", "2 is kept under its number"],
    "1,ada\n1,ada\n": ["lines 1, 2", "1 stands there twice"],
    "1,ada\n1,bob\n": ["lines 1, 2", "1 has several ids", "kept under its number"],
    "1,ada\n2,Ada\n": ["id of several numbers (1, 2)", "2 is kept under its number"],
    ",ada\n": ["line 1", "no number", "'ada'"],
    "1.23457E+11,ada\n": ["line 1", "1.23457E+11", "rounded"],
}


@pytest.mark.parametrize("rows", SAID)
def test_what_is_doubtful_is_said_and_nobody_gets_another_ones_id(rows, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(rows)
    roster = read_roster(path)
    assert any(all(word in note for word in SAID[rows]) for note in roster.notes), roster.notes
    ids = list(roster.ids.values())
    assert len(set(ids)) == len(ids)


REFUSED = {
    "a/b": "has a slash", "../x": "has a slash", "a\\b": "has a slash", "..": "names no folder",
    ".": "names no folder", "a\x07b": "control character", "a\u2028b": "control character",
    "a\u202eb": "turns the direction", "a*": "pattern", "a[b]": "pattern", "a?": "pattern",
    "CON": "keeps for a device", "com1.txt": "keeps for a device", "a.": "ends with a dot",
    "x" * 101: "longer than 100 bytes", "é" * 51: "longer than 100 bytes",
}  # fmt: skip


@pytest.mark.parametrize("student", REFUSED)
def test_an_id_that_is_no_folders_name_is_refused_with_file_line_and_reason(student, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(f'1001,ada\n1002,"{student}"\n', encoding="utf-8")
    with pytest.raises(RosterError) as error:
        read_roster(path)
    [line] = str(error.value).splitlines()
    assert line.startswith("r.csv, line 2: ")
    assert REFUSED[student] in line


@pytest.mark.parametrize("student", ["ada", "o'neil", "ada@x.org", "Lovelace, Ada", "李", "007"])
def test_an_ordinary_id_is_none(student):
    assert problem_of(student) == ""


def test_all_wrong_lines_are_named_at_once(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("1,ada\n2\n3,a/b\n4,2.02612E+07\n")
    with pytest.raises(RosterError) as error:
        read_roster(path)
    lines = str(error.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"r.csv, line {n}" for n in (2, 3, 4)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0", "save it as CSV"),
        (b"1,a\x81\n", "save it as UTF-8"),
        (b"1," + b"x" * 200_000, "field larger than field limit"),
        (None, "No such file"),
    ],
)
def test_what_is_no_roster_is_one_line(data, reason, tmp_path):
    path = tmp_path / "r.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RosterError) as error:
        read_roster(path)
    [line] = str(error.value).splitlines()
    assert reason in line


@pytest.mark.parametrize(
    ("cell", "number", "is_spoiled"),
    [
        ("1001", "1001", False), ("0012", "0012", False), ("1001.0", "1001", False),
        ("1.001E+03", "1001", False), ("1,001E+3", "1001", False), ("1E+05", "100000", True),
        ("2.02612E+07", "20261200", True), ("1.23457e11", "123457000000", True),
        ("1.5", "1.5", False), ("1.001E+02", "1.001E+02", False), ("ada", "ada", False),
    ],
)  # fmt: skip
def test_numbers_of_a_spreadsheet(cell, number, is_spoiled):
    assert whole_number(cell) == (number, is_spoiled)


UPLOADS = {f"x_{number}_9_tiny.ipynb": notebook() for number in ("1001", "1002", "00123")}


def test_a_file_without_an_id_is_kept_under_its_number(tmp_path):
    (tmp_path / "roster.csv").write_text("1001,ada\n1002,\n123,zeno\n")
    got = collect_zip(tmp_path, UPLOADS, roster="roster.csv")
    assert set(got.files) == {f"{who}/ps1/tiny.ipynb" for who in ("ada", "1002", "zeno")}
    assert got.has_said("roster.csv, line 2: no id", "1002")


def test_an_id_that_is_somebody_elses_number_takes_nobodys_place(tmp_path):
    (tmp_path / "roster.csv").write_text("1001,1002\n")
    got = collect_zip(tmp_path, UPLOADS, roster="roster.csv")
    assert {f"{who}/ps1/tiny.ipynb" for who in ("1001", "1002")} < set(got.files)
    assert got.has_said("1002", "somebody else's number")


def test_a_wrong_roster_stops_the_command_before_anything_is_unpacked(tmp_path):
    (tmp_path / "roster.csv").write_text("1001,../../x\n")
    got = collect_zip(tmp_path, UPLOADS, roster="roster.csv")
    assert got.status == 1
    assert got.said == ["roster.csv, line 1: '../../x' cannot be a student's id: it has a slash"]
    assert got.files == {}
    assert not (tmp_path / "downloaded" / "ps1" / "extracted").exists()
