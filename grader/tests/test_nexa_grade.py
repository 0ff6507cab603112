"""``nexa-grade``: in parallel, after a kill, on a Dask cluster, and with PostgreSQL."""

import dataclasses
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from bwrap import NO_SANDBOX
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nexa_grade import command as nexa_grade
from nexa_grade.execution.bubblewrap import SandboxError
from nexa_grade.intake.submission_files import MAX_FILES, read_submission
from nexa_grade.run import cluster, grade_one, settling
from nexa_grade.run.grade_one import grade
from nexa_grade.run.journal import BusyError, Journal, read_lines
from nexa_grade.run.outcome import Outcome, Status
from nexa_grade.run.private_gradebook import read_assignment, read_student_rows
from tiny_course import FULL, HARDENED, NAME, PROBES, TinyCourse

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

ADD = "def add(a, b):\n"
NO_ADD = FULL | {"add-test": 0.0, "limit-test": 0.0}
NO_SCORE = dict.fromkeys(FULL)
BY_HEART = "{(1, 2): 3, (2, 2): 4, (10, 1): 11}"
CLASS = {  # what a student's `add` is, the status and the scores that it deserves
    "right": (ADD + "    return a + b", Status.GRADED, FULL),
    "wrong": (ADD + "    return 0", Status.GRADED, NO_ADD),
    "cheat": (ADD + f"    return {BY_HEART}[a, b]", Status.HELD, NO_SCORE),
    "digs": (ADD + f"    return {BY_HEART}.get((a, b), 0)", Status.HELD, NO_SCORE),
}


FORKED = "c.NexaGrade.preload = ['json']\nc.NexaGrade.probes = {'tiny': 'probes.py'}\n"
SANDBOX = ["--no-sandbox"] if NO_SANDBOX else []


def make_class(folder: Path, config: str = HARDENED) -> TinyCourse:
    course = TinyCourse(folder, config + FORKED)
    (folder / "probes.py").write_text(PROBES)
    for name, (answer, _, _) in CLASS.items():
        course.submit(name, course.solved(add=answer))
    course.submit("broken", b"{")
    course.submitted("link").parent.parent.mkdir(parents=True)
    course.submitted("link").parent.symlink_to(course.submitted("right").parent)
    return course


EXPECTED = {name: (status, scores) for name, (_, status, scores) in CLASS.items()} | {
    "broken": (Status.NOT_GRADABLE, NO_SCORE),
    "link": (Status.NOT_GRADABLE, NO_SCORE),
}


def command(*arguments: str, workers: int = 1) -> list[str]:
    return ["-m", "nexa_grade.command", NAME, "--workers", str(workers), *SANDBOX, *arguments]


def lines_of(course: TinyCourse) -> list[dict]:
    """Read the lines of all runs."""
    runs = sorted((course.folder / "nexa-grade" / NAME / "runs").iterdir())
    return [line for path in runs for line in read_lines(path)]


def graded_in(course: TinyCourse) -> dict:
    lines = [line for line in lines_of(course) if line["event"] == "submission"]
    assert len(lines) == len({line["student"] for line in lines}), "graded twice"
    return {line["student"]: line["status"] for line in lines}


def check_all(course: TinyCourse) -> None:
    """Check that everything was graded as it deserves, once."""
    assert graded_in(course) == {name: status for name, (status, _) in EXPECTED.items()}
    assert {name: course.scores(name) for name in EXPECTED} == {
        name: scores for name, (_, scores) in EXPECTED.items()
    }
    for name, (status, _) in EXPECTED.items():
        assert course.autograded(name).exists() == (status == Status.GRADED), name


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Run the command as it is meant to be, once for all tests that look at what came out."""
    course = make_class(tmp_path_factory.mktemp("class"))
    course.first = course.run(*command(workers=2))
    return course


def test_everything_is_graded_once_as_it_deserves(course):
    check_all(course)


def test_the_exit_status_and_the_report_tell(course):
    assert course.first.returncode == 1
    assert (
        "6 submissions: 2 could not be graded, 2 graded, 2 held for a person; 0 already done"
        in course.first.stdout
    )
    assert "held for a person: cheat: held for a person: score" in course.first.stdout
    assert "could not be graded: link: the submission is a symbolic link" in course.first.stdout
    assert "6/6" in course.first.stderr  # the progress bar
    assert "SAWarning" not in course.first.stderr


def test_the_log_is_for_machines(course):
    run, *submissions, end = lines_of(course)[: len(EXPECTED) + 2]
    assert (run["event"], run["user"], run["submissions"]) == ("run", getpass.getuser(), 6)
    assert end == {"event": "end", "could not be graded": 2, "graded": 2, "held for a person": 2}
    by_name = {line["student"]: line for line in submissions}
    assert by_name["right"]["points"] == 6
    assert by_name["right"]["warnings"] == []
    assert by_name["cheat"]["points"] is None
    assert by_name["cheat"]["violations"][0]["cell"] == "add-test"
    assert all(line["seconds"] >= 0 and line["worker"] for line in submissions)


def test_a_second_run_has_nothing_to_do(course):
    again = course.run(*command())
    assert again.returncode == 1  # some are still not graded
    assert "6 submissions: nothing new; 6 already done" in again.stdout
    check_all(course)


def test_a_new_submission_replaces_automatic_scores_only(tmp_path):
    course = TinyCourse(tmp_path, HARDENED + "c.NexaGrade.preload = []\n")
    course.submit("right", course.solved())
    assert course.run(*command()).returncode == 0
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.find_grade("why", NAME, NAME, "right").manual_score = 1.5
        gradebook.find_grade("double-test", NAME, NAME, "right").manual_score = 2.5
        gradebook.db.commit()
    course.submit("right", course.solved(add=CLASS["wrong"][0]))
    course.submitted("right").with_name("timestamp.txt").write_text("1999-01-01 00:00:00 UTC")
    assert course.run(*command()).returncode == 0
    assert course.scores("right") == NO_ADD
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        grade_of_why = gradebook.find_grade("why", NAME, NAME, "right")
        assert (grade_of_why.manual_score, grade_of_why.needs_manual_grade) == (1.5, True)
        overruled = gradebook.find_grade("double-test", NAME, NAME, "right")
        assert (overruled.auto_score, overruled.manual_score) == (3.0, 2.5)
        assert overruled.needs_manual_grade
        assert gradebook.find_submission(NAME, "right").timestamp is None
    assert "timestamp.txt" in lines_of(course)[-2]["violations"][0]["what"]
    assert course.run(*command("--believe-timestamps")).returncode == 0
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        assert gradebook.find_submission(NAME, "right").timestamp.year == 1999
    course.submit("right", b"{")  # the new one cannot be graded: no old score stays
    assert course.run(*command()).returncode == 1
    assert course.scores("right") == NO_SCORE
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:  # and no old time
        assert gradebook.find_submission(NAME, "right").timestamp is None
    assert not course.autograded("right").exists()


def test_a_held_submission_is_graded_when_a_person_accepts_it(tmp_path):
    course = TinyCourse(tmp_path, HARDENED + FORKED)
    (tmp_path / "probes.py").write_text(PROBES)
    course.submit("cheat", course.solved(add=CLASS["cheat"][0]))
    assert course.run(*command()).returncode == 1
    assert course.scores("cheat") == NO_SCORE
    with (tmp_path / "nbgrader_config.py").open("a") as config:
        config.write("c.WatchForForgery.accepted = ['cheat']\n")
    again = course.run(*command())
    assert (again.returncode, course.scores("cheat")) == (0, FULL), again.stderr
    assert "1 already done" in course.run(*command()).stdout


DIES = """
import os, signal
from nexa_grade.run.journal import Journal
mark = Journal.mark_merged

def mark_and_die(journal, outcome):
    mark(journal, outcome)
    if len(list(journal.outcomes.iterdir())) == 2 and "DIES" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.mark_merged = mark_and_die
"""


def test_killed_and_run_again(tmp_path, monkeypatch):
    course = make_class(tmp_path, HARDENED + DIES)  # it kills itself when it has settled two
    monkeypatch.setenv("DIES", "")
    assert course.run(*command()).returncode == -signal.SIGKILL
    monkeypatch.delenv("DIES")
    assert len(graded_in(course)) == 2
    course.run(*command())
    check_all(course)


class Killed(BaseException):
    """Stands for a SIGKILL."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Grade a class once, in this process; the tests below merge the outcomes."""
    folder = tmp_path_factory.mktemp("outcomes")
    course = make_class(folder)
    app = application(folder)
    known = app.read_snapshot(NAME)
    folders = nexa_grade.find_submissions(app.coursedir, NAME)
    made = [
        grade(known, app.read(name, path), read_student_rows(app.db_url, NAME, name))
        for name, path in folders.items()
    ]
    shutil.rmtree(folder / "autograded", ignore_errors=True)
    return course, made


def application(folder: Path) -> nexa_grade.NexaGrade:
    app = nexa_grade.NexaGrade(sandbox=not SANDBOX, log_level=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        app.initialize([NAME])
    app.coursedir.assignment_id = ""
    return app


STEPS = [
    (Journal, "keep"),
    (Journal, "place_files"),
    (settling, "merge"),
    (Journal, "write"),
    (Journal, "mark_merged"),
]


@pytest.fixture
def from_memory(outcomes, tmp_path, monkeypatch):
    """Copy the class; whoever is graded in it gets the outcome that was made before.

    Returns:
        The course, and the names of those who were graded, in order.
    """
    made_in, made = outcomes
    course = object.__new__(TinyCourse)
    course.folder = tmp_path / "course"
    shutil.copytree(made_in.folder, course.folder, symlinks=True)
    names = []

    def remember(dispatcher, students):
        for outcome in made:
            if outcome.student in students:
                names.append(outcome.student)
                submission, _ = dispatcher.read(outcome.student)
                key = submission.fingerprint(dispatcher.snapshot.fingerprint)
                yield dataclasses.replace(outcome, fingerprint=key)

    monkeypatch.setattr(cluster.Dispatcher, "outcomes", remember)
    monkeypatch.setattr(nexa_grade, "connect", lambda *arguments: None)
    return course, names


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "step"), STEPS, ids=[step for _, step in STEPS])
def test_killed_at_any_step(from_memory, monkeypatch, capsys, owner, step, when):
    course, _ = from_memory
    folder = course.folder
    calls = []
    original = getattr(owner, step)

    def killed(*arguments, **options):
        calls.append(step)
        # The first student who is graded, "right"; the first line of the log is about the run.
        kill = len(calls) == 5 + (step == "write")
        if kill and when == "before":
            raise Killed
        original(*arguments, **options)
        if kill:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(Killed):
            application(folder).grade_all(NAME)
    assert application(folder).grade_all(NAME) == 1
    check_all(course)


def in_gradebook(course: TinyCourse, change: Callable[[Gradebook], None]) -> None:
    with Gradebook(f"sqlite:///{course.folder / 'gradebook.db'}") as gradebook:
        change(gradebook)
        gradebook.db.commit()


def other_points(course: TinyCourse) -> None:
    def restore_a_backup(gradebook: Gradebook) -> None:
        gradebook.find_grade("double-test", NAME, NAME, "right").auto_score = 1.0

    in_gradebook(course, restore_a_backup)


def an_extension(course: TinyCourse) -> None:
    def grant(gradebook: Gradebook) -> None:
        gradebook.find_submission(NAME, "right").extension = timedelta(hours=1)

    in_gradebook(course, grant)


def another_course_file(course: TinyCourse) -> None:
    (course.folder / "source" / NAME / "data.csv").write_text("1")


def another_setting(course: TinyCourse) -> None:
    with (course.folder / "nbgrader_config.py").open("a") as file:
        file.write("c.Execute.timeout = 77\n")


def another_version(course: TinyCourse) -> None:
    place = course.folder / "nexa-grade" / NAME / "outcomes" / "right" / "outcome.json"
    place.write_text('{"outcome": {"student": "right"}, "is_merged": true}')


def nothing(course: TinyCourse) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (nothing, []),
        (other_points, ["right"]),
        (an_extension, ["right"]),
        (another_course_file, [*sorted(EXPECTED)]),
        (another_setting, [*sorted(EXPECTED)]),
        (another_version, ["right"]),
    ],
)
def test_what_counts_no_more_is_graded_anew(from_memory, capsys, change, anew):
    course, names = from_memory
    application(course.folder).grade_all(NAME)
    names.clear()
    change(course)
    application(course.folder).grade_all(NAME)
    assert sorted(names) == anew
    assert course.scores("right") == FULL


def test_an_old_page_goes_where_the_new_submission_is_not_graded(from_memory, capsys):
    course, _ = from_memory
    pages = {name: course.folder / "feedback" / name / NAME / "page.html" for name in EXPECTED}
    for page in pages.values():
        page.parent.mkdir(parents=True)
        page.touch()
    application(course.folder).grade_all(NAME)
    assert {name for name, page in pages.items() if page.exists()} == {"right", "wrong"}


def test_what_a_killed_run_left_of_another_release_is_graded_anew(from_memory, capsys):
    course, names = from_memory
    application(course.folder).grade_all(NAME)
    with Journal(course.folder / "nexa-grade" / NAME) as journal:
        outcome, _ = journal.load("right")
        scores = dataclasses.replace(outcome.scores, grades={NAME: {"a-cell-that-was": 1.0}})
        journal.keep(dataclasses.replace(outcome, scores=scores))
    names.clear()
    assert application(course.folder).grade_all(NAME) == 1
    assert names == ["right"]
    assert course.scores("right") == FULL


@pytest.mark.parametrize("name", ["a[b]", "*", "two\nlines", os.fsdecode(b"\xff")])
def test_a_folder_that_is_no_students_is_left_out_and_said(from_memory, capsys, name):
    course, names = from_memory
    course.submit(name, b"{}")
    assert application(course.folder).grade_all(NAME) == 1
    assert sorted(names) == sorted(EXPECTED)
    assert f"submitted/{ascii(name)[1:-1]}/{NAME}': this cannot be" in capsys.readouterr().out
    assert any(line["event"] == "left out" for line in lines_of(course))


@pytest.mark.parametrize("fails", [ValueError("odd\nthing"), SandboxError("no sandbox today")])
def test_what_nobody_has_thought_of_costs_one_submission(outcomes, monkeypatch, fails):
    made_in, _ = outcomes
    app = application(made_in.folder)
    folder = made_in.submitted("right").parent

    class Broken:
        def __init__(self, coursedir, config, log):
            self.log = log

        def start(self):
            if isinstance(fails, ValueError):
                raise fails
            failure = {"kind": "SandboxError", "reason": str(fails)}
            self.log.error("no", extra={"nexa": {"failure": failure}})
            raise NbGraderException("see above")

    monkeypatch.setattr(grade_one, "Autograde", Broken)
    outcome = grade(app.read_snapshot(NAME), app.read("right", folder), {})
    assert (outcome.status, outcome.scores, outcome.fingerprint) == (Status.NOT_GRADABLE, None, "")
    assert str(fails).replace("\n", " ") in outcome.reason


def test_a_worker_that_is_lost_with_the_course_is_replaced(outcomes):
    made_in, _ = outcomes
    app = application(made_in.folder)
    with ExitStack() as stack:
        client = cluster.connect(stack, "", workers=1)
        scatter = client.scatter

        def and_lose(*arguments, **options):
            client.scatter = scatter  # once is enough
            shared = scatter(*arguments, **options)
            os.kill(client.submit(os.getpid, pure=False).result(), signal.SIGKILL)
            while not shared.cancelled():
                client.run_on_scheduler(int)
            return shared

        client.scatter = and_lose
        folder = made_in.submitted("right").parent

        def read(student):
            return app.read(student, folder), read_student_rows(app.db_url, NAME, student)

        dispatcher = cluster.Dispatcher(client, app.read_snapshot(NAME), read)
        [outcome] = dispatcher.outcomes(["right"])
    assert (outcome.status, outcome.points) == (Status.GRADED, 6)


def test_two_runs_on_one_machine_do_not_fight_for_a_port():
    with ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        with suppress(OSError):  # somebody else has it: so much the better
            taken.bind(("127.0.0.1", 8787))
            taken.listen()
        client = cluster.connect(stack, "", workers=1)
        assert len(client.scheduler_info()["workers"]) == 1  # a warning is an error


def test_one_run_at_a_time(tmp_path):
    with Journal(tmp_path), pytest.raises(BusyError, match="another nexa-grade is at work"):
        Journal(tmp_path).__enter__()


def test_a_cut_line_of_the_log_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"event": "run"}\n{"event": "subm')
    assert list(read_lines(path)) == [{"event": "run"}]


def test_an_outcome_survives_json():
    outcome = Outcome("s", "f", Status.NOT_GRADABLE, "why", files={"a": b"1"})
    again = Outcome.from_json(json.loads(json.dumps(outcome.to_json())))
    assert (again.student, again.status, again.reason, again.files) == (
        "s",
        Status.NOT_GRADABLE,
        "why",
        {},
    )


def test_links_are_left_out_and_too_many_files_refused(tmp_path):
    (tmp_path / "secret").write_text("instructor's")
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "link").symlink_to("../secret")
    (folder / "own.txt").write_text("mine")
    read = read_submission("s", folder, [])
    assert read.files == {"own.txt": b"mine"}
    assert read.notes == ("left out 'link': a link or a special file",)
    for number in range(MAX_FILES):
        (folder / str(number)).touch()
    assert "at most 500 files" in read_submission("s", folder, []).refused


def test_the_limits_are_those_of_plain_autograde(tmp_path):
    (tmp_path / "submission").mkdir()
    for name in "abc":
        (tmp_path / "submission" / name).write_text("12345")
    for files, size, refused in [
        (3, 15, ""),
        (2, 15, "at most 2 files"),
        (3, 14, "at most 3 files"),
    ]:
        app = application(tmp_path)
        app.config.IntakeExporter.max_files = files
        app.config.IntakeExporter.max_folder_bytes = size
        read = app.read("s", tmp_path / "submission")
        assert refused in read.refused
        assert bool(read.files) == (not refused)


def test_a_path_that_is_too_long_to_copy_is_refused(tmp_path):
    (tmp_path / ("d" * 100)).mkdir()
    (tmp_path / ("d" * 100) / ("f" * 100)).touch()
    refused = read_submission("s", tmp_path, []).refused
    assert refused.startswith("expected paths of at most 200 bytes, got 'ddd")


def test_a_file_that_goes_while_it_is_read_costs_one_submission(tmp_path, monkeypatch):
    (tmp_path / "file").touch()

    def gone(*arguments, **options):
        raise FileNotFoundError(2, "No such file", "file")

    monkeypatch.setattr(os, "open", gone)
    assert "cannot be read: FileNotFoundError" in read_submission("s", tmp_path, []).refused


IMPATIENT = """
from nexa_grade.run import cluster
cluster.Client = lambda scheduler, timeout, client=cluster.Client: client(scheduler, timeout="1s")
"""


def test_refusals_are_one_line(tmp_path):
    course = TinyCourse(tmp_path, HARDENED + IMPATIENT)
    none = course.run(*command())
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "no submissions of tiny" in none.stderr
    course.submit("right", course.solved())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    away = course.run(*command("--scheduler", f"tcp://127.0.0.1:{port}"))
    assert away.returncode == 2
    assert f"no Dask scheduler at tcp://127.0.0.1:{port}" in away.stderr


def start(stack: ExitStack, *arguments: str) -> subprocess.Popen:
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", *arguments], stderr=subprocess.PIPE, text=True, cwd="/"
        )
    )
    stack.callback(process.kill)
    return process


def test_on_a_dask_cluster(tmp_path):
    course = make_class(tmp_path)
    with ExitStack() as stack:
        local = ["--host", "127.0.0.1", "--no-dashboard"]
        scheduler = start(stack, "distributed.cli.dask_scheduler", "--port", "0", *local)
        line = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        address = line.split()[-1]
        for _ in range(2):
            worker = start(stack, "distributed.cli.dask_worker", address, "--nthreads", "1", *local)
            next(line for line in worker.stderr if "Registered to:" in line)
        done = course.run(*command("--scheduler", address))
    assert done.returncode == 1, done.stderr
    check_all(course)
    workers = {line["worker"] for line in lines_of(course) if line["event"] == "submission"}
    assert len(workers) == 2


@contextmanager
def postgresql():
    """Start a PostgreSQL server in a folder of its own; it refuses to run as root."""
    found = [shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    initdb = next((Path(path).resolve() for path in found if path), None)
    if initdb is None:
        pytest.skip("PostgreSQL's programs are not installed")
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    as_user = as_user if os.geteuid() == 0 else []
    data = Path(tempfile.mkdtemp(prefix="nexa-postgresql-"))
    if as_user:
        os.chown(data, 65534, 65534)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(initdb.parent / program), *arguments],
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )

    run("initdb", "-D", str(data), "-U", "grader", "--auth=trust", "--no-sync")
    options = f"-p {port} -h 127.0.0.1 -k '' -F"
    run("pg_ctl", "-D", str(data), "-o", options, "-w", "-l", str(data / "log"), "start")
    try:
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(data)


def test_a_gradebook_on_postgresql(tmp_path):
    with postgresql() as url:
        course = make_class(tmp_path, HARDENED + f"c.CourseDirectory.db_url = {url!r}\n")
        done = course.run(*command())
        assert done.returncode == 1, done.stderr
        assert not (tmp_path / "gradebook.db").exists()
        assert read_assignment(url, NAME)["grade_cells"]
        with Gradebook(url) as gradebook:
            for name, (_, scores) in EXPECTED.items():
                notebook = gradebook.find_submission_notebook(NAME, NAME, name)
                assert {g.name: g.auto_score for g in notebook.grades} == scores
