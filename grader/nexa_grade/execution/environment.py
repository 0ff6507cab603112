"""The environment variables of a sandbox: fixed ones, and a few of the instructor's."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "LOGNAME": "student",  # a user without a line in /etc/passwd has a name for getpass, too
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "PYTHONSAFEPATH": "1",  # modules beside the notebook shadow nothing
}


def choose_variables(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Give the fixed variables, and those of the instructor's that are named."""
    return ENVIRONMENT | {name: given[name] for name in names if name in given}
