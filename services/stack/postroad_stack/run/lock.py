"""Locks of files: of a stack's data folder, and of those who use a stack.

Two stacks on one spool and database would deliver twice and corrupt both. A stack that tests have started ends when the
last of them has ended, in whatever way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from typing import TYPE_CHECKING

from postroad_stack.run.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def sole_user(data: Path) -> Iterator[int]:
    """Lock the data folder and yield the descriptor of the lock; raises `RunError` if another stack has it."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunError(
            f"the data folder {data} cannot be used: {error.strerror}. Set POSTROAD_DATA to another folder"
        ) from error
    try:
        _lock(lock, data)
        yield lock
    finally:
        os.close(lock)


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pids = os.pread(lock, 100, 0).decode()  # of the services, which may have outlived the one that started them
        raise RunError(
            f"another Postroad runs on the data folder {data}. Stop it{f' (kill {pids})' if pids else ''}, or give "
            "this one a folder and a network of its own (POSTROAD_DATA=data2 POSTROAD_NETWORK=127.0.1)"
        ) from None
    os.ftruncate(lock, 0)  # the processes named there have ended


def when_unlocked(file: Path, call: Callable[[], None]) -> None:
    """Call a function, in a thread of its own, once nobody holds a lock on a file any more; raises `RunError`.

    The kernel gives a lock back when its holder ends, also by SIGKILL, so there is nothing to ask again and again. This
    process then holds the lock until it ends: whoever wants the stack again gets the lock when the stack is gone.
    """
    try:
        watched = os.open(file, os.O_RDWR)
    except OSError as error:
        raise RunError(f"the file {file} cannot be watched: {error.strerror}") from error

    def wait() -> None:
        fcntl.flock(watched, fcntl.LOCK_EX)
        call()

    threading.Thread(target=wait, name="unlocked", daemon=True).start()
