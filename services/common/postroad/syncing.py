"""What makes changes of files survive a crash of the machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

fdatasync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has none


def sync(path: Path) -> None:
    """Fsync a file, or a folder: only then do the folder's new names survive. Raises `OSError`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
