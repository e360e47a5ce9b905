"""A stack ends when nobody needs it any more."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from postroad_stack.run.errors import RunError
from postroad_stack.run.lock import when_unlocked

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_SH)
print('locked', flush=True)
input()
"""


def test_the_last_lock(tmp_path: Path) -> None:
    (file := tmp_path / "users").touch()
    over = threading.Event()
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLD, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for holder in holders:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
    when_unlocked(file, over.set)
    holders[0].communicate(b"\n", timeout=30)  # it ends by itself
    assert not over.is_set()
    holders[1].kill()
    holders[1].communicate(timeout=30)
    assert over.wait(30)
    # Whoever comes now has to wait until this process, which stands for the stack, is gone.
    late = os.open(file, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(late, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(late)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="users cannot be watched: No such file"):
        when_unlocked(tmp_path / "users", lambda: None)
