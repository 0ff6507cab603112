"""One fork server for each list of preloaded modules, for as long as the grader runs."""

import atexit
import functools
import shutil
import tempfile

from nexa_grade.execution.environment import ENVIRONMENT
from nexa_grade.execution.fork_server import ForkServer


@functools.cache
def find_fork_server(modules: tuple[str, ...]) -> tuple[ForkServer, str]:
    """Start this process's fork server, or find it.

    Returns:
        The server, and its home: an empty folder, whose path is in what the modules remember.
    """
    home = tempfile.mkdtemp(prefix="nexa-home-")
    server = ForkServer(list(modules), ENVIRONMENT | {"HOME": home})
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.close)
    return server, home
