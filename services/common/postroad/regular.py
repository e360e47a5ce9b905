"""Regular files where somebody may have put something else: a FIFO must not make a service wait, perhaps for ever."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


class NotRegular(OSError):  # noqa: N818 - a state of affairs
    """There is something else than a regular file; the text says what."""


def open_regular(path: Path, flags: int, *, follow: bool = False) -> int:
    """Open a regular file; a link is refused unless we `follow` it. Raises `OSError`, of which `NotRegular` is one."""
    flags |= os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    handle = os.open(path, flags, 0o644)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise NotRegular(errno.EINVAL, f"it is {kind}, and must be a regular file", str(path))
    return handle


def read_regular(path: Path, most: int) -> bytes:
    """Return the first octets of a regular file; raises as `open_regular` does, which follows links here."""
    with os.fdopen(open_regular(path, os.O_RDONLY, follow=True), "rb") as file:
        return file.read(most)
