"""Where data that nobody needs after the tests are kept: in memory, if there is room.

Postroad says 250 when a mail is on the disk, and for a test's mail something is written there a dozen times. Each time
takes a few milliseconds on most disks, and none in memory. A kill of any process loses nothing there either.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from postroad_kit.embedded.locks import alone, is_locked

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are the user's own alone; Linux has it, macOS does not
ROOM = 512 << 20  # octets; 2,000 tests need a tenth of it. Docker gives 64 MiB to containers that do not ask for more
PREFIX = "postroad-kit-"
RUN = "run"  # a link among the data, to the folder that they are of


def place_for(folder: Path) -> Path:
    """Return where the data of a folder shall be; `folder`/data is or leads to it."""
    data = folder / "data"
    if data.is_symlink():  # of a run that was killed
        data.unlink()
    if data.exists() or not has_room(MEMORY):
        return data
    _tidy(MEMORY)
    place = MEMORY / f"{PREFIX}{secrets.token_hex(8)}"
    place.mkdir(mode=0o700)
    (place / RUN).symlink_to(folder.resolve())
    data.symlink_to(place)
    return place


def has_room(memory: Path) -> bool:
    """Whether there is memory for data."""
    try:
        space = os.statvfs(memory)
    except OSError:
        return False
    return os.access(memory, os.W_OK) and space.f_bavail * space.f_frsize >= ROOM


def _tidy(memory: Path) -> None:
    """Remove what is left of runs of which every process was killed."""
    for left in memory.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            known = (left / RUN).is_symlink() or (left / "lock").exists()  # else it is just being made
            if known and left.stat().st_uid == os.getuid() and not _is_used(left):
                shutil.rmtree(left)


def _is_used(place: Path) -> bool:
    """Whether a stack lives on the data, or somebody is about to start it, to keep the data, or to remove them.

    Who is about to holds the door. A stack may have ended since it was looked at, so the door is looked at again.
    """
    door = place / RUN / "door"
    return is_locked(door) or is_locked(place / "lock") or is_locked(door)


def remove(data: Path) -> None:
    """Remove the data of a stack, once it has ended."""
    with alone(data / "lock"):  # no process of the stack lives, and no other run tidies up meanwhile
        shutil.rmtree(data.resolve(), ignore_errors=True)
    if data.is_symlink():
        data.unlink()


def keep(data: Path) -> None:
    """Let the data stay on the disk, once the stack has ended."""
    with alone(data / "lock"):
        if not data.is_symlink():
            return
        place, kept = data.resolve(), data.with_name("kept")
        shutil.copytree(place, kept, symlinks=True)
        (kept / RUN).unlink()
        data.unlink()
        kept.rename(data)
        shutil.rmtree(place, ignore_errors=True)
