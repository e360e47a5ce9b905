"""Removes contents that no entry names any longer, soon after their last entry has gone; then the file shrinks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.housekeeping import Collect, Shrink
from postroad_store.mail.model.errors import MailError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from postroad.clock import Clock, Timer
    from postroad_store.mail.writer import Writer

LATER = 60.0  # seconds, after which contents are looked at again that were being read
_log = logging.getLogger(__name__)


class Collector:
    """Hands the work to the writer, one removal at a time; what somebody `reads` (any thread may ask) has to wait."""

    def __init__(self, writer: Writer, reads: Callable[[int], bool], clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._clock = clock
        self._later: Timer | None = None  # until it rings
        self._at_work = self._again = self._closed = False

    def close(self) -> None:
        """Begin no further removal."""
        self._closed = True
        if self._later is not None:
            self._later.cancel()

    def collect(self) -> None:
        """Remove garbage: now, or once more after the removal that is under way."""
        if self._at_work or self._closed:
            self._again = True
            return
        self._at_work, self._again = True, False
        collect = Collect(self.collect, self._reads, self._collect_later)
        self._writer.submit(collect, hurry=False).add_done_callback(self._collected)

    def _collect_later(self) -> None:
        if not self._closed and self._later is None:
            self._later = self._clock.call_later(LATER, self._look_again)

    def _look_again(self) -> None:
        self._later = None
        self.collect()

    def _collected(self, done: asyncio.Future[None]) -> None:
        self._at_work = False
        ignore(done)
        if self._again:
            self.collect()
        elif not self._closed:
            self._shrink()

    def _shrink(self) -> None:
        if not self._at_work and not self._closed:
            self._writer.submit(Shrink(self._shrink), hurry=False).add_done_callback(ignore)


def ignore(done: asyncio.Future[None]) -> None:
    """Take the outcome of work that nobody waits for."""
    if not done.cancelled() and isinstance(done.exception(), MailError):
        _log.warning("mail's housekeeping failed: %s", done.exception())
