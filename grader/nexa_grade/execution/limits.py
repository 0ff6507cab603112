"""The limits of a sandbox, and how a command is started under them."""

import signal
from dataclasses import dataclass

MB = 2**20
KILLED = {
    128 + signal.SIGXCPU: "used up its CPU time",
    128 + signal.SIGKILL: "was killed by the system, most likely for its memory",
}


@dataclass(frozen=True)
class Limits:
    """What a sandbox may use; docs/sandbox.md says what happens past each limit."""

    memory_mb: int  # of a process, and of all together
    folder_mb: int
    file_mb: int
    processes: int  # threads included
    descriptors: int  # of a process
    cpu_seconds: int  # of a process
    wall_seconds: int

    def of_process(self) -> dict[str, tuple[int, int]]:
        """List soft and hard limits by the names of prlimit."""
        limits = {
            "core": 0,
            "data": self.memory_mb * MB,
            "fsize": self.file_mb * MB,
            "nofile": self.descriptors,
            "nproc": self.processes,
        }
        both = {name: (limit, limit) for name, limit in limits.items()}
        return both | {"cpu": (self.cpu_seconds, self.cpu_seconds + 5)}

    def wrap(self, cmd: list[str], user: int | None) -> list[str]:
        """Wrap a command in the limits; set inside the sandbox, they count what is inside.

        Args:
            cmd: The command.
            user: Whom the command's process becomes; None keeps the sandbox's user.
        """
        drop = f"setpriv --reuid={user} --regid={user} --clear-groups --inh-caps=-all --"
        limits = [f"--{name}={soft}:{hard}" for name, (soft, hard) in self.of_process().items()]
        return [
            *"choom -n 1000 --".split(),  # when memory runs out, Linux ends the sandbox first
            *(drop.split() if user else []),
            *["prlimit", *limits, "--"],
            *cmd,
        ]
