"""Whether this machine can make a sandbox, and if not, why."""

import pytest
from nexa_grade.execution.bubblewrap import SandboxError, find_bubblewrap


def why_there_is_no_sandbox() -> str:
    try:
        find_bubblewrap()
    except SandboxError as error:
        return str(error)
    return ""


NO_SANDBOX = why_there_is_no_sandbox()
needs_sandbox = pytest.mark.skipif(bool(NO_SANDBOX), reason=NO_SANDBOX)
