"""Untagged responses that are not about changes of the selected mailbox: most of them a client has asked for by ENABLE.

They are sent with the next command, or at once to a client that idles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroad_store.imap.session import Session

MAX_WAITING = 1000  # different responses that wait for a client's next command; further ones are left out


class Announcements:
    """What waits for one client."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[bytes, None] = {}  # each once, in order

    def add(self, session: Session, response: bytes) -> None:
        """Send a response, now if the client idles."""
        if session.watch.may_speak and session.connection.can_write():
            session.engine.send(response)
            session.connection.flush()
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[response] = None

    def take(self) -> bytes:
        """Return what waits, and forget it."""
        octets = b"".join(self._waiting)
        self._waiting.clear()
        return octets
