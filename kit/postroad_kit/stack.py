"""The stack that tests use: one that runs already, or one that they start and share.

stack = find_or_start(folder=tmp)
try:
    with stack.postroad.world() as world: ...
finally:
    stack.close()
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from multiprocessing import current_process
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING

from postroad_kit.errors import CannotStart
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
    """Return the stack of this process: that of the pytest plugin, or else one found, or started until exit.

    Processes of one `multiprocessing` tree, such as those of `manage.py test --parallel`, share it.
    """
    if not _current:
        set_current(find_or_start())
        Finalize(None, _end, exitpriority=0)  # unlike atexit, it also runs in processes that a pool has started
    return _current[0]


def in_use() -> Stack | None:
    """Return the stack that this process uses already, or None."""
    return _current[0] if _current else None


def set_current(stack: Stack | None) -> None:
    """Say which stack `current` returns, or that there is none any more."""
    _current[:] = [] if stack is None else [stack]


def _folder() -> Path:
    """Return the folder of this tree of processes: its key is random, and handed down to all processes of the tree."""
    key = hashlib.sha256(current_process().authkey).hexdigest()
    return Path(tempfile.gettempdir()) / f"postroad-{key[:16]}"


def _end() -> None:
    while _current:
        _current.pop().close()


def find_or_start(*, url: str | None = None, folder: Path | None = None, checkout: Path | None = None) -> Stack:
    """Return the stack at a URL, or at that of POSTROAD_URL, or the one that all share who name the same folder.

    Without a folder it is that of this tree of `multiprocessing` processes, and goes with the last of them. A stack
    that is started is of processes, or with `checkout` (the folder of a docker-compose.yml) of containers. Raises
    `CannotStart`.
    """
    name, url = ("--postroad-url", url) if url else (URL, os.environ.get(URL, ""))
    if url := url.strip():
        try:
            return Stack(url)
        except ValueError as error:
            raise CannotStart(f"{name} is not right: {error}") from None
    # Windows has no such locks, and can use a stack that runs elsewhere.
    from postroad_kit.embedded.containers import containers  # noqa: PLC0415
    from postroad_kit.embedded.processes import processes, url_of  # noqa: PLC0415
    from postroad_kit.embedded.shared import Shared  # noqa: PLC0415

    starter: Starter = processes if checkout is None else containers(checkout)
    shared = Shared(folder or _folder(), starter, passing=folder is None)
    facts = shared.join()
    return Stack(url_of(facts), shared)
