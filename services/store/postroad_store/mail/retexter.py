"""Makes texts for searches anew behind the sessions, once, after an earlier version has written the database.

Until a message has its text, searches make it themselves, as they do for long messages: they take longer, and find the
same. The index is made when all texts are there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.texts import Retext
from postroad_store.mail.model.errors import MailError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from postroad.clock import Clock, Timer

PAUSE = 0.05  # seconds between two commits, in which others have the writer to themselves

_log = logging.getLogger(__name__)


class Retexter:
    """Hands the work to the writer, a few messages at a time; `ready` is called once all texts are there."""

    def __init__(
        self, submit: Callable[[Retext], asyncio.Future[bool]], clock: Clock, ready: Callable[[], None]
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._ready = ready
        self._timer: Timer | None = None
        self._closed = False

    def begin(self) -> None:
        """Begin, or go on where an earlier process has ended."""
        self._timer = None
        if not self._closed:
            self._submit(Retext()).add_done_callback(self._made)

    def _made(self, done: asyncio.Future[bool]) -> None:
        failed = done.exception()
        if isinstance(failed, MailError):
            _log.warning("the texts for searches are not made anew before the next start: %s", failed)
        elif failed is None and done.result():
            if not self._closed:
                self._timer = self._clock.call_later(PAUSE, self.begin)
        elif failed is None:
            self._ready()

    def close(self) -> None:
        """Stop."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
