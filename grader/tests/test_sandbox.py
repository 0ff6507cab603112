"""Real kernels in the sandbox: what student code cannot see, reach, exhaust or leave behind."""

import ast
import csv
import importlib
import logging
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import nbclient
import psutil
import pytest
from bwrap import NO_SANDBOX, needs_sandbox
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from nexa_grade.execution import mounts, sandbox_watch
from nexa_grade.execution.bubblewrap import SandboxError, find_bubblewrap
from nexa_grade.execution.environment import ENVIRONMENT
from nexa_grade.execution.mounts import places_of_package, show
from nexa_grade.execution.preload import find_fork_server
from nexa_grade.execution.sandbox import BubblewrapProvisioner
from nexa_grade.execution.sandbox_watch import (
    measure_memory,
    processes_below,
    proportional_size,
)
from nexa_grade.execution.sandboxed_execute import SandboxedExecute
from nexa_grade.intake.submission_files import open_files
from tiny_course import FULL, HARDENED, TinyCourse
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
SECRET = "instructors-secret"


def execute(folder: Path, *sources: str, watch=None, timeout=300, **limits) -> list:
    """Execute cells as nbgrader does, in the sandbox; ``watch`` is told before each cell."""
    execute = SandboxedExecute(
        sandbox=True,
        timeout=timeout,
        startup_timeout=300,  # a busy machine is no failure
        iopub_timeout=300,
        config=Config({"BubblewrapProvisioner": limits}),
    )
    if watch:
        execute.on_cell_start = lambda cell, cell_index: watch(cell_index, execute.km.provisioner)
    notebook = new_notebook(cells=[new_code_cell(dedent(source)) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook, _ = execute.preprocess(notebook, {"metadata": {"path": str(folder)}})
    return notebook.cells


STARTED: dict = {}
FORKED = {"preload": ["matplotlib.pyplot"]}
both_ways = pytest.mark.parametrize("way", [STARTED, FORKED], ids=["started", "forked"])


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def text_of(cell) -> str:
    """Join what a cell printed, returned and raised."""
    return "".join(
        output.get("text", "")
        or output.get("data", {}).get("text/plain", "")
        or f"{output.get('ename')}: {output.get('evalue')}"
        for output in cell.outputs
    )


def value_of(cell):
    return ast.literal_eval(text_of(cell))


def snapshot(folder: Path) -> dict:
    return {
        path: path.read_bytes() if path.is_file() else path.lstat().st_mode
        for path in sorted(folder.rglob("*"))
    }


VISIT = {
    "value": "6 * 7",
    "print": "print('said')",
    "error": "raise ValueError('as it should')",
    "plot": """
        import matplotlib.pyplot as plt
        plt.plot([1, 2])
        plt.show()
    """,
    "network": """
        import socket
        def answers(family, address):
            with socket.socket(family) as s:
                s.settimeout(5)
                return s.connect_ex(address)
        [answers(socket.AF_INET, ("127.0.0.1", PORT)), answers(socket.AF_INET, ("192.0.2.1", 80)),
         answers(socket.AF_UNIX, "\\0NAME"), answers(socket.AF_UNIX, "COURSE/socket")]
    """,
    "sight": "import glob, os; [path for path in PATHS if os.path.lexists(path)]",
    "search": """
        found = []
        for parent, folders, files in os.walk("/"):
            if parent == "/":
                folders[:] = [name for name in folders if name not in ("proc", "sys", "usr")]
            found += [name for name in folders + files
                      if name in ("nexa_grade", ".git", ".ssh")]
        found
    """,
    "writes": """
        import sys
        written = []
        places = ["/", "/dev", "/etc", "/usr", "/usr/bin", "/proc", "/proc/sys/kernel",
                  sys.prefix, sys.base_prefix, os.path.dirname(sys.executable)]
        for place in places:
            try:
                open(os.path.join(place, "mine"), "w").close()
                written.append(place)
            except OSError:
                pass
        try:
            open(os.path.realpath(sys.executable), "r+b")
            written.append("python")
        except OSError:
            pass
        written
    """,
    "environment": """
        ours = dict(os.environ)
        try:
            first = open("/proc/1/environ").read().split("\\0")
        except PermissionError:
            first = []
        (ours, first)
    """,
    "import": """
        try:
            import nexa_grade.cells
        except ImportError as error:
            print(error)
    """,
    "shadow": "import importlib.util; importlib.util.find_spec('nbclient').origin",
    "files": "sorted(os.path.join(p, f)[2:] for p, _, fs in os.walk('.') for f in fs)",
    "read": "open('data/numbers.csv').read()",
    "own": """
        os.makedirs("made")
        open("made/model.bin", "w").write("weights")
        open("data/numbers.csv", "a").write("3")
        os.remove("notes.txt")
        open("/tmp/scratch", "w").write("x")
        os.getcwd()
    """,
    "processes": "sorted(int(name) for name in os.listdir('/proc') if name.isdigit())",
    "privileges": """
        status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
        capabilities = [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")]
        (sum(capabilities), status["NoNewPrivs"], os.getuid() > 0)
    """,
    "program": """
        os.readlink("/proc/self/exe"), os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY
    """,
    "descriptors": """
        links = glob.glob("/proc/self/fd/*")
        [os.readlink(link) for link in links if os.path.lexists(link)]
    """,
    "mounts": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        [libc.umount2(b"/tmp", 2), libc.mount(b"none", b"/", b"", 32 | 4096, b"")]
    """,
}


@pytest.fixture(scope="module", params=[STARTED, FORKED], ids=["started", "forked"])
def visit(tmp_path_factory, request):
    """Let one notebook try everything that needs no kernel of its own."""
    if NO_SANDBOX:
        pytest.skip(NO_SANDBOX)
    course = tmp_path_factory.mktemp("course")
    folder = course / "autograded" / "me" / "nexacode"
    hidden = ["gradebook.db", "source/nexacode/nexacode.ipynb", "submitted/other/nexacode/x.ipynb"]
    own = ["nexacode.ipynb", "notes.txt", "nbclient.py", "data/numbers.csv"]
    for path in [*(course / name for name in hidden), *(folder / name for name in own)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET if path.is_relative_to(folder) is False else "1,2")
    (folder / "link.db").symlink_to("../../../gradebook.db")
    (folder / "sources").symlink_to("../../../source")
    os.mkfifo(folder / "pipe")
    before = snapshot(course)

    name = f"nexa-test-{os.getpid()}"
    paths = [course, course / "gradebook.db", ROOT / "source", ROOT / "solutions", ROOT / ".git"]
    paths += [ROOT / "grader", Path.home() / ".bashrc", "/etc/passwd", "/root/.ssh", "/var"]
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as on_disk,
        pytest.MonkeyPatch.context() as patch,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        on_disk.bind(str(course / "socket"))
        on_disk.listen()
        patch.setenv("NEXA_SECRET", SECRET)
        patch.setenv("NBGRADER_EXECUTION", "autograde")
        replaced = {
            "PORT": str(server.getsockname()[1]),
            "NAME": name,
            "COURSE": str(course),
            "PATHS": repr([str(path) for path in paths]),
        }
        sources = list(VISIT.values())
        for word, text in replaced.items():
            sources = [source.replace(word, text) for source in sources]
        cells = execute(folder, *sources, **request.param)
        (course / "socket").unlink()
    return SimpleNamespace(
        cells=dict(zip(VISIT, cells, strict=True)), before=before, after=snapshot(course)
    )


def test_results_come_back(visit):
    kinds = {name: [output.output_type for output in visit.cells[name].outputs] for name in VISIT}
    assert value_of(visit.cells["value"]) == 42
    assert text_of(visit.cells["print"]) == "said\n"
    assert text_of(visit.cells["error"]) == "ValueError: as it should"
    assert kinds["error"] == ["error"]
    assert "image/png" in visit.cells["plot"].outputs[0].data
    assert kinds["value"] == ["execute_result"]


def test_no_network(visit):
    assert 0 not in value_of(visit.cells["network"])


def test_nothing_of_the_instructor_is_in_sight(visit):
    assert value_of(visit.cells["sight"]) == []
    assert value_of(visit.cells["search"]) == []


def test_nothing_but_own_folders_can_be_written(visit):
    assert value_of(visit.cells["writes"]) == []


def test_environment_is_clean(visit):
    ours, of_the_first_process = value_of(visit.cells["environment"])
    assert ours["NBGRADER_EXECUTION"] == "autograde"
    assert ours["HOME"].startswith("/tmp")
    expected = set(ENVIRONMENT) | {"NBGRADER_EXECUTION", "TZ"}
    of_ipython = {"CLICOLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PAGER", "GIT_PAGER", "TERM", "PWD"}
    of_ipython |= {"PYDEVD_USE_FRAME_EVAL", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"}
    assert not set(ours) - expected - of_ipython
    assert not [line for line in of_the_first_process if SECRET in line or "NEXA" in line]


def test_the_grader_cannot_be_imported(visit):
    assert text_of(visit.cells["import"]) == "No module named 'nexa_grade'\n"


def test_modules_beside_the_notebook_shadow_nothing(visit):
    assert value_of(visit.cells["shadow"]) == nbclient.__file__


def test_links_pipes_and_notebooks_with_hidden_tests_are_left_out(visit):
    assert value_of(visit.cells["files"]) == ["data/numbers.csv", "nbclient.py", "notes.txt"]
    assert value_of(visit.cells["read"]) == "1,2"


def test_student_writes_in_a_copy(visit):
    assert value_of(visit.cells["own"]) == mounts.SUBMISSION
    assert visit.after == visit.before


def test_only_own_processes_are_in_sight(visit):
    processes = value_of(visit.cells["processes"])
    assert processes[0] == 1
    assert len(processes) < 6


def test_no_privileges(visit):
    assert value_of(visit.cells["privileges"]) == (0, "1", True)
    assert value_of(visit.cells["mounts"]) == [-1, -1]


def test_no_way_to_the_instructors_python(visit):
    path, is_read_only = value_of(visit.cells["program"])
    assert path.startswith("/memfd:python") or is_read_only


def test_no_open_file_of_the_instructor(visit):
    kinds = ("/dev/", "/tmp/#", "socket:", "pipe:", "anon_inode:", "/proc/", sys.prefix)
    paths = value_of(visit.cells["descriptors"])
    assert paths
    assert not [path for path in paths if not path.startswith(kinds)]


def test_a_submission_that_is_a_link_is_empty(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text(SECRET)
    (tmp_path / "link").symlink_to("real")
    assert list(open_files(tmp_path / "link")) == []
    [(path, file)] = open_files(tmp_path / "real")
    with file:
        assert (path, file.read()) == (Path("file"), SECRET.encode())


@needs_sandbox
def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "MOST_FILES", 2)
    for number in range(3):
        (tmp_path / str(number)).touch()
    with pytest.raises(SandboxError, match="at most 2 files"):
        execute(tmp_path, "1")


@needs_sandbox
@both_ways
def test_memory_of_one_process(tmp_path, way):
    hungry, after = execute(tmp_path, "x = bytearray(2**31)", "1 + 1", memory_mb=1024, **way)
    assert text_of(hungry).startswith("MemoryError")
    assert value_of(after) == 2


HOG = """
    import os, signal, time
    for _ in range(6):
        if os.fork() == 0:
            x = bytearray(b"x" * 150 * 2**20)
            signal.pause()
    while True:
        time.sleep(1)
"""
SHARED_HOG = """
    import mmap
    x = mmap.mmap(-1, 700 * 2**20)
    for place in range(0, len(x), 4096):
        x[place] = 1
    while True:
        pass
"""


@needs_sandbox
@pytest.mark.parametrize("hog", [HOG, SHARED_HOG], ids=["copies", "shared"])
@both_ways
def test_memory_of_all_processes(tmp_path, hog, way):
    broken, after = execute(tmp_path, hog, "1 + 1", memory_mb=600, **way)
    assert re.search(r"held \d+ MiB of memory, 600 are allowed", text_of(broken))
    assert value_of(after) == 2


@needs_sandbox
@both_ways
def test_pages_that_forks_share_count_once(tmp_path, way):
    # Ten processes with the same 100 MiB: resident sizes add up to 1,000 MiB at the least.
    forks = """
        import os, signal
        block = bytearray(b"x" * 100 * 2**20)
        for _ in range(9):
            if os.fork() == 0:
                signal.pause()
    """
    seen = []

    def watch(index, provisioner):
        if index == 1:
            processes = processes_below(*provisioner.sandbox.roots)
            resident = measure_memory(processes, allowed=2**60)
            seen.extend([len(processes), resident // 2**20, provisioner.excess()])

    execute(tmp_path, forks, "1 + 1", watch=watch, memory_mb=600, **way)
    count, resident, excess = seen
    assert count >= 10 and resident >= 1000
    assert excess == ""


@pytest.fixture
def family():
    """Eight processes that share a block of 64 MiB: one has made it, then forked seven times."""
    script = """
        import os, signal
        block = bytearray(b"x" * 64 * 2**20)
        if all(os.fork() for _ in range(7)):
            print("ready", flush=True)
        signal.pause()
    """
    command = [sys.executable, "-c", dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as first:
        first.stdout.readline()
        yield processes_below(first.pid)
        os.killpg(first.pid, signal.SIGKILL)


def test_memory_of_forks_by_hand(family):
    # Each has 64 / 8 MiB of the block, 64 in all, and what it does not share of Python; resident
    # sizes are 64 MiB and more each.
    assert len(family) == 8
    proportional, resident = (measure_memory(family, most) // 2**20 for most in (0, 2**60))
    assert 64 <= proportional < 2 * 64
    assert resident >= 8 * 64


def test_where_the_share_cannot_be_read_all_counts(family, monkeypatch, tmp_path):
    for process in family:
        (tmp_path / str(process.pid)).mkdir()
    monkeypatch.setattr(sandbox_watch, "PROC", tmp_path)
    assert measure_memory(family, 0) >= 8 * 64 * 2**20


def test_the_share_of_one_process_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox_watch, "PROC", tmp_path)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "smaps_rollup").write_text(
        "00400000-7ffe [rollup]\nRss:    4096 kB\nPss:    1024 kB\nPss_Dirty:   8 kB\n"
    )
    assert proportional_size(7, otherwise=5) == 2**20
    assert proportional_size(8, otherwise=5) == 0  # it has ended


@needs_sandbox
@both_ways
def test_number_of_processes(tmp_path, way):
    source = """
        import os, signal
        made = 0
        try:
            while True:
                if os.fork() == 0:
                    signal.pause()
                made += 1
        except BlockingIOError:
            print(made)
    """
    made = value_of(execute(tmp_path, source, processes=40, **way)[0])
    assert 0 < made < 40


@needs_sandbox
@both_ways
def test_a_fork_bomb_neither_spreads_nor_survives(tmp_path, way):
    seen = []

    def watch(index, provisioner):
        if index == 1:
            seen.extend(processes_below(*provisioner.sandbox.roots))

    bomb = """
        import subprocess
        bomb = subprocess.Popen(["sh", "-c", "b() { b | b & }; b"], stderr=subprocess.DEVNULL)
        bomb.wait()
    """
    cells = execute(tmp_path, bomb, "1 + 1", watch=watch, processes=80, **way)
    assert value_of(cells[1]) == 2
    assert 1 < len(seen) <= 80
    assert not [process for process in seen if is_alive(process)]


@needs_sandbox
@both_ways
def test_an_endless_loop_that_catches_everything_ends(tmp_path, way):
    loop = """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
    """
    broken, after = execute(tmp_path, loop, "1 + 1", cpu_seconds=4, **way)
    assert "used up its CPU time" in text_of(broken)
    assert value_of(after) == 2


@needs_sandbox
@both_ways
def test_a_loop_that_can_be_interrupted_costs_its_cell_only(tmp_path, way):
    loop, after = execute(tmp_path, "while True: pass", "1 + 1", timeout=1, **way)
    assert "CellTimeoutError" in text_of(loop)
    assert value_of(after) == 2


@needs_sandbox
def test_wall_time(tmp_path):
    def watch(index, provisioner):
        provisioner.wall_seconds = 0

    (broken,) = execute(tmp_path, "import signal; signal.pause()", watch=watch)
    assert "ran for more than 0 s" in text_of(broken)


@needs_sandbox
@both_ways
def test_size_of_files_and_folders(tmp_path, way):
    big = "open('big', 'wb').write(bytes(2 * 2**20))"
    many = """
        for place in ("", "/tmp/", "/dev/shm/"):
            try:
                for number in range(20):
                    open(place + str(number), "wb").write(bytes(2**19))
                print("full disk")
            except OSError as error:
                print(error.strerror)
    """
    cells = execute(tmp_path, big, many, file_mb=1, folder_mb=4, **way)
    assert "File too large" in text_of(cells[0])
    assert text_of(cells[1]) == "No space left on device\n" * 3


@needs_sandbox
@pytest.mark.parametrize("change", ["open(folder + '/stowaway', 'w')", "os.chmod(folder, 0)"])
def test_the_folder_of_the_sockets_is_no_way_out(tmp_path, change):
    source = f"""
        import ipykernel, os
        folder = os.path.dirname(ipykernel.get_connection_file())
        {change}
        while True:
            pass
    """
    if os.geteuid() == 0 and "chmod" in change:
        pytest.skip("a root user can read every folder")
    with pytest.raises(DeadKernelError, match="changed the folder of its sockets"):
        execute(tmp_path, source)


@needs_sandbox
def test_a_fork_server_that_has_ended_is_replaced(tmp_path):
    server, _ = find_fork_server(("csv",))
    server.process.kill()
    server.process.wait()
    with pytest.raises(SandboxError, match="the fork server has ended"):
        execute(tmp_path, "1 + 1", preload=["csv"])
    assert value_of(execute(tmp_path, "1 + 1", preload=["csv"])[0]) == 2


@needs_sandbox
@both_ways
def test_a_kernel_that_ends_itself_is_reported(tmp_path, way):
    broken, after = execute(tmp_path, "import os; os._exit(3)", "1 + 1", **way)
    assert "exit status 3" in text_of(broken)
    assert value_of(after) == 2


@needs_sandbox
@both_ways
def test_a_detached_child_is_gone_after_shutdown(tmp_path, way):
    seen, folders = [], []

    def watch(index, provisioner):
        folders.append(provisioner.sockets.path)
        seen.extend(processes_below(*provisioner.sandbox.roots))

    detach = """
        import subprocess
        command = ["setsid", "sh", "-c", "trap '' INT TERM HUP; echo ready; sleep 1000 & wait"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
    """
    execute(tmp_path, detach, "1", watch=watch, **way)
    assert len(seen) >= 3
    assert not [process for process in seen if is_alive(process)]
    assert not folders[0].exists()


@needs_sandbox
@both_ways
def test_nothing_survives_the_grader(tmp_path, way):
    """Kill the process that grades, with SIGKILL: its sandbox ends, too."""
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_sandbox import execute
        def watch(index, provisioner):
            print(provisioner.sandbox.roots[0], flush=True)
        execute(Path({str(tmp_path)!r}), "while True: pass", watch=watch, **{way})
    """
    command = [sys.executable, "-c", dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as grader:
        init = os.pidfd_open(int(grader.stdout.readline()))
        grader.kill()
    ended = select.poll()
    ended.register(init, select.POLLIN)
    assert ended.poll(300_000)
    os.close(init)


def test_hidden_paths_are_masked_where_python_holds_them(tmp_path):
    package, module = tmp_path / "lib" / "answers", tmp_path / "lib" / "keys.py"
    package.mkdir(parents=True)
    module.touch()
    shown = show(tmp_path, [str(package / "x"), str(package), str(module), "/elsewhere"])
    assert shown[-10:] == [
        *["--ro-bind", str(tmp_path), str(tmp_path)],
        *["--tmpfs", str(package), "--remount-ro", str(package)],
        *["--ro-bind", "/dev/null", str(module)],
    ]


def test_what_is_hidden_is_hidden_under_every_name(tmp_path):
    package = tmp_path / "real" / "answers"
    package.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to("real")
    for hidden in (package, link / "answers"):
        shown = show(link, [str(hidden)])
        assert shown[-4:] == [
            "--tmpfs",
            str(link / "answers"),
            "--remount-ro",
            str(link / "answers"),
        ]


def test_places_of_packages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path / "flat"))
    monkeypatch.syspath_prepend(str(tmp_path / "nested" / "src"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for name in ("flat/answers1", "nested/src/answers2", "site/answers3", "site/answers4"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("raise AssertionError('imported')")
    (tmp_path / "site" / "answers4" / "__init__.py").unlink()  # a namespace
    for name in ("site/answers5.py", "site/__pycache__/answers5.cpython-1.pyc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("flat", "nested"):
        (tmp_path / name / "pyproject.toml").touch()
    importlib.invalidate_caches()
    expected = {
        "answers1": ["flat/answers1", "flat"],
        "answers2": ["nested/src/answers2", "nested"],
        "answers3": ["site/answers3"],
        "answers3.part": ["site/answers3"],
        "answers4": ["site/answers4"],
        "answers5": ["site/answers5.py", "site/__pycache__/answers5.cpython-1.pyc"],
        "answers6": [],
        "sys": [],
    }
    for name, places in expected.items():
        assert places_of_package(name) == [str(tmp_path / place) for place in places], name


def test_a_setting_never_shows_the_grader_itself():
    own = str(mounts.PACKAGE)
    for settings in ({}, {"hidden": ["/opt"]}, {"hidden_packages": ["csv"]}):
        hidden = BubblewrapProvisioner(**settings).all_hidden()
        assert {own, mounts.EXCHANGE} <= set(hidden)
        assert ("/opt" in hidden) == ("hidden" in settings)
        assert (csv.__file__ in hidden) == ("hidden_packages" in settings)


@needs_sandbox
@both_ways
def test_hidden_packages_cannot_be_read_or_imported(tmp_path, way):
    """A package and a single module that lie where the sandbox shows Python itself."""
    source = """
        import os
        lines = []
        for name, path in PLACES:
            try:
                if getattr(__import__(name), "__file__", None):  # else the empty folder
                    lines.append("imported " + name)
            except ImportError:
                pass
            try:
                text = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read()
                lines += ["read " + path] if text else []
            except OSError:
                pass
        lines
    """
    import bs4  # a package and a module of the tests that no kernel needs
    import py

    places = [("bs4", str(Path(bs4.__file__).parent)), ("py", py.__file__)]
    source = source.replace("PLACES", repr(places))
    names = [name for name, _ in places]
    [shown] = execute(tmp_path, source, **way)
    assert len(value_of(shown)) == 4
    [masked] = execute(tmp_path, source, hidden_packages=names, **way)
    assert value_of(masked) == []


def test_without_bubblewrap_it_refuses_in_one_line(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    find_bubblewrap.cache_clear()
    with pytest.raises(SandboxError, match="apt install bubblewrap") as caught:
        SandboxedExecute(sandbox=True, kernel_name="python3").create_kernel_manager()
    assert "\n" not in str(caught.value)


def test_where_namespaces_are_forbidden_it_refuses_in_one_line(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho bwrap: No permissions to create a new namespace >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(fake))
    find_bubblewrap.cache_clear()
    with pytest.raises(SandboxError, match="No permissions to create a new namespace") as caught:
        find_bubblewrap()
    assert "\n" not in str(caught.value)


@pytest.fixture(autouse=True)
def forget_bubblewrap():
    yield
    find_bubblewrap.cache_clear()


def test_it_says_once_that_it_is_off(caplog):
    log = logging.getLogger("test_sandbox")
    with caplog.at_level(logging.WARNING, logger=log.name):
        for _ in range(2):
            SandboxedExecute(log=log, kernel_name="python3").create_kernel_manager()
    [record] = caplog.records
    assert record.getMessage().startswith("The sandbox is off")


READ_THE_TESTS = """
import glob
def add(a, b):
    found = ""
    for path in glob.glob("*.ipynb") + glob.glob("../*.ipynb") + glob.glob("../*/*.ipynb"):
        found += open(path).read()
    return a + b if "'hidden'" in found else 0
"""


@needs_sandbox
def test_autograde_with_and_without_the_sandbox(tmp_path):
    course = TinyCourse(tmp_path, HARDENED)
    course.submit("honest", course.solved())
    course.submit("spy", course.solved(add=READ_THE_TESTS))
    without = course.autograde().stderr
    assert without.count("The sandbox is off") == 1
    assert course.scores("spy") == FULL  # what the sandbox is for
    within = course.autograde("--force", "--SandboxedExecute.sandbox=True").stderr
    assert "The sandbox is off" not in within
    assert course.scores("spy") == FULL | {"add-test": 0, "limit-test": 0}
    assert course.scores("honest") == FULL
