"""The folder of a kernel's sockets, all that a kernel can write to of the instructor's."""

import logging
import os
import secrets
import shutil
import tempfile
from pathlib import Path

CONNECTION_FILE = "connection.json"


class SocketFolder:
    """A new folder, for one kernel; ``path`` is where it lies."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="nexa-"))

    def give_to_new_user(self) -> int:
        """Give it to a user of whom there is no process: root's own have no limit in number.

        Returns:
            The user's number.
        """
        user = 30000 + secrets.randbelow(30000)  # Debian gives these numbers to nobody
        for path in (self.path, *self.path.iterdir()):
            os.chown(path, user, user, follow_symlinks=False)
        return user

    def was_changed(self) -> bool:
        """Tell whether there is more in it than the connection file and sockets."""
        try:
            others = {path.name for path in self.path.iterdir() if not path.is_socket()}
        except PermissionError:  # the student may change the folder's mode
            return True
        return bool(others - {CONNECTION_FILE})

    def remove(self, log: logging.Logger) -> None:
        """Remove it; the log is told where that fails."""
        self.path.chmod(0o700)
        try:
            shutil.rmtree(self.path)
        except OSError as error:  # a student may have put folders there that cannot be read
            log.warning("Sandbox: could not remove %s: %s", self.path, error)
