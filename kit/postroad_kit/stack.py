"""The stack that tests use: one that runs already, or one that they start and share.

stack = find_or_start(folder=tmp)
try:
    with stack.postroad.world() as world: ...
finally:
    stack.close()
"""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from postroad_kit.postroad import URL, Postroad

if TYPE_CHECKING:
    from postroad_kit.embedded.shared import Shared, Starter


class Stack:
    """A stack, and this process's part in it."""

    def __init__(self, url: str, shared: Shared | None = None) -> None:
        self.postroad = Postroad(url)
        self.shared = shared

    def close(self, *, keep: bool = False) -> None:
        """Leave it; a stack that tests have started ends with the last of them. `keep` leaves its data there."""
        self.postroad.close()
        if self.shared is not None:
            self.shared.leave(keep=keep)


_current: list[Stack] = []


def current() -> Stack:
    """Return the stack of this process: that of the pytest plugin, or else one found, or started until exit."""
    if not _current:
        stack = find_or_start()
        set_current(stack)
        atexit.register(_end)
    return _current[0]


def in_use() -> Stack | None:
    """Return the stack that this process uses already, or None."""
    return _current[0] if _current else None


def set_current(stack: Stack | None) -> None:
    """Say which stack `current` returns, or that there is none any more."""
    _current[:] = [] if stack is None else [stack]


def _end() -> None:
    while _current:
        stack = _current.pop()
        stack.close()
        if stack.shared is not None:
            stack.shared.clear()


def find_or_start(*, url: str | None = None, folder: Path | None = None, checkout: Path | None = None) -> Stack:
    """Return the stack at a URL, or at that of POSTROAD_URL, or the one that all share who name the same folder.

    Such a stack is of processes, or with `checkout` (the folder of a docker-compose.yml) of containers. Raises
    `CannotStart`.
    """
    url = url or os.environ.get(URL)
    if url:
        return Stack(url)
    # Windows has no such locks, and can use a stack that runs elsewhere.
    from postroad_kit.embedded.containers import containers  # noqa: PLC0415
    from postroad_kit.embedded.processes import processes, url_of  # noqa: PLC0415
    from postroad_kit.embedded.shared import Shared  # noqa: PLC0415

    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="postroad-"))
    starter: Starter = processes if checkout is None else containers(checkout)
    shared = Shared(folder, starter)
    facts = shared.join()
    return Stack(url_of(facts), shared)
