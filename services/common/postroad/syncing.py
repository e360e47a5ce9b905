"""What makes changes of files survive a crash of the machine, and where nothing does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has none


_MOUNTS = Path("/proc/self/mountinfo")
_MEMORY = frozenset({"tmpfs", "ramfs"})


def sync(path: Path) -> None:
    """Fsync a file, or a folder: only then do the folder's new names survive. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_in_memory(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether the files of a folder are in memory alone, so that no change waits for a disk; only Linux says so."""
    device = folder.stat().st_dev
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    for line in lines:
        # proc_pid_mountinfo(5): the third field is the device; behind a hyphen comes the type of the file system
        fields, _, kind = line.partition(" - ")
        if fields.split()[2:3] == [f"{os.major(device)}:{os.minor(device)}"]:
            return kind.partition(" ")[0] in _MEMORY
    return False
