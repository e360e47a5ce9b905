"""Reads the journals of all services, in the order of time."""

from __future__ import annotations

import heapq
import json
import os
import stat
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO

from postroad.journal.kinds import SUFFIX, Entry, Kind
from postroad.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class JournalReader:
    """Reads the journals in a folder: a folder per service, and files from before each service had its folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def entries(self, may_matter: Callable[[bytes], object] | None = None) -> Iterator[Entry]:
        """Yield every event; a torn line, or one that is not an event, is skipped.

        Lines for which `may_matter` is false are not parsed: the search for one message in a long journal need not
        parse a million events to find ten. Raises `OSError` for a file that may not be read.
        """
        by_service: dict[str, list[Path]] = {}
        files = [*self._directory.glob(f"*{SUFFIX}*"), *self._directory.glob(f"*/*{SUFFIX}*")]
        for path in sorted(files, key=lambda path: (path.parent != self._directory, -_age(path))):
            by_service.setdefault(path.name.partition(SUFFIX)[0], []).append(path)
        # Each service's own files are in order, unless its clock was set back.
        return heapq.merge(*(self._read(paths, may_matter) for paths in by_service.values()), key=attrgetter("time"))

    def _read(self, paths: list[Path], may_matter: Callable[[bytes], object] | None) -> Iterator[Entry]:
        for path in paths:
            if _age(path) < 0 or (lines := _open(path)) is None:
                continue
            # A service can write its own folder only: an event there in another service's name is forged.
            service = None if path.parent == self._directory else path.parent.name
            with lines:
                for line in lines:
                    if may_matter is not None and not may_matter(line):
                        continue
                    entry = parse_line(line)
                    if entry is not None and service in (None, entry.service):
                        yield entry


def _age(path: Path) -> int:
    """Return the number of a rotated file, 0 for the file that is being written, -1 for a file of another kind."""
    number = path.name.partition(SUFFIX)[2]
    if not number:
        return 0
    return int(number[1:]) if number[1:].isdecimal() else -1


def _open(path: Path) -> BinaryIO | None:
    """Open a regular file; None for another kind of file, or if it was rotated away since the folder was listed."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        return os.fdopen(open_regular(path, os.O_RDONLY), "rb")
    except FileNotFoundError:
        return None


def parse_line(line: bytes) -> Entry | None:
    """Return the event that a line of the journal holds, or None if the line is torn or is not an event."""
    if not line.endswith(b"\n"):
        return None
    try:
        detail = json.loads(line)
        when = datetime.fromisoformat(detail.pop("time"))
        return Entry(
            when if when.tzinfo is not None else when.replace(tzinfo=UTC),
            str(detail.pop("service")),
            Kind(detail.pop("kind")),
            detail.pop("queue_id", None),
            detail.pop("message_id", None),
            detail,
            detail.pop("n", None),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
