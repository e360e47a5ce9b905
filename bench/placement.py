"""Where processes run: a client and the server that it waits for, command by command, on one processor.

To wake another processor takes longer than many of our commands, and the kernel changes its mind about who runs where.
Single commands had two speeds by that, on either side, 25 µs apart.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def on_one_processor(masters: Sequence[int]) -> Iterator[None]:
    """Keep this process, and those with these IDs with all that they have started, on one processor."""
    allowed = os.sched_getaffinity(0)
    _keep_on({max(allowed)}, masters)
    try:
        yield
    finally:
        _keep_on(allowed, masters)


def _keep_on(processors: set[int], masters: Sequence[int]) -> None:
    os.sched_setaffinity(0, processors)
    for master in masters:
        for process in _family(master):
            for thread in Path(f"/proc/{process}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.sched_setaffinity(int(thread.name), processors)


def _family(master: int) -> list[int]:
    """Return a process and its descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(") ")[2].split()[1])
    family = [master]
    for process in family:  # it grows meanwhile
        family += [child for child, parent in parents.items() if parent == process]
    return family
