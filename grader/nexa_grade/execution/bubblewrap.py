"""bubblewrap itself: whether there can be a sandbox here, and what it takes away."""

import functools
import os
import shutil
import subprocess


class SandboxError(RuntimeError):
    """There is no sandbox, in words for the person at the terminal."""


def namespaces() -> list[str]:
    """Say what bubblewrap takes away, whoever runs it.

    An ordinary user needs a user namespace. A root user needs none, and keeps two capabilities,
    with which the kernel's process becomes a user of its own before it starts.
    """
    alone = "--unshare-net --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try"
    common = [*alone.split(), "--hostname", "sandbox", "--new-session", "--die-with-parent"]
    if os.geteuid() == 0:
        return [*common, *"--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID".split()]
    return [*common, *"--unshare-user --disable-userns --uid 1000 --gid 1000".split()]


@functools.cache
def find_bubblewrap() -> str:
    """Find ``bwrap`` and try it.

    Returns:
        Its path.

    Raises:
        SandboxError: It is not there, or it cannot make a sandbox on this machine.
    """
    advice = "docs/sandbox.md says what to do, --no-sandbox does without"
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxError(f"bubblewrap (`apt install bubblewrap`) is not installed: {advice}")
    command = [path, *namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        reason = tried.stderr.strip() or f"exit status {tried.returncode}"
        raise SandboxError(f"bubblewrap cannot make a sandbox here ({reason}): {advice}")
    return path
