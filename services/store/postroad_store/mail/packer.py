"""Packs mailboxes again after they have changed, when they have become quiet.

Nobody waits for it, and nothing depends on it but how fast a mailbox is loaded next time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from postroad_store.mail.database.commits.packing import Pack
from postroad_store.mail.database.packs import has_full_blocks
from postroad_store.mail.model.errors import MailError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from postroad.clock import Clock, Timer
    from postroad_store.mail.model.mailbox import Mailbox

QUIET = 5.0  # seconds without a change, after which a mailbox is packed
PAUSE = 0.05  # seconds between two commits, in which others have the writer to themselves

_log = logging.getLogger(__name__)


class Packer:
    """Mailboxes that may have blocks without a pack, the longest quiet first."""

    def __init__(self, submit: Callable[[Pack], asyncio.Future[bool]], clock: Clock) -> None:
        self._submit = submit
        self._clock = clock
        self._changed: dict[int, tuple[Mailbox, float]] = {}  # by id: when it changed last
        self._timer: Timer | None = None

    def changed(self, mailbox: Mailbox) -> None:
        """Note that messages of a mailbox change, or that some were found without a pack."""
        if has_full_blocks(mailbox.uid_next):
            self._changed.pop(mailbox.id, None)
            self._changed[mailbox.id] = mailbox, self._clock.monotonic()
            if self._timer is None:
                self._timer = self._clock.call_later(QUIET, self._look)

    def _look(self) -> None:
        """Pack a few blocks of the mailbox that has been quiet for the longest time, if that is long enough."""
        self._timer = None
        if not self._changed:
            return
        mailbox, changed = next(iter(self._changed.values()))
        left = changed + QUIET - self._clock.monotonic()
        if left > 0:
            self._timer = self._clock.call_later(left, self._look)
            return
        self._submit(Pack(mailbox)).add_done_callback(lambda done: self._packed(mailbox, changed, done))

    def _packed(self, mailbox: Mailbox, changed: float, done: asyncio.Future[bool]) -> None:
        failed = done.exception()
        if isinstance(failed, MailError):
            _log.warning("a mailbox could not be packed: %s", failed)
        if failed is not None or not done.result():
            known = self._changed.get(mailbox.id)
            if known is not None and known[1] == changed:  # not once more meanwhile
                del self._changed[mailbox.id]
        if self._timer is None and self._changed:
            self._timer = self._clock.call_later(PAUSE, self._look)

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()
        self._changed.clear()
