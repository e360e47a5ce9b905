"""The lock of the mail's folder: one process at a time may write, whether it is a store or a program that mends."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from postroad_store.mail.model.errors import StorageBusy

if TYPE_CHECKING:
    from pathlib import Path

FILE = "lock"


class Lock:
    """Held from its making until `release`, or until the process ends in whatever way."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises `StorageBusy` if another process has it, and `OSError`."""
        self._handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise StorageBusy(f"the mail in {folder} is held by another process: stop that one first") from None

    def release(self) -> None:
        """Let the next process have it."""
        os.close(self._handle)
