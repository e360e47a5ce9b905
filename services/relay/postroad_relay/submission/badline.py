"""The bad line that a test asks for, and which sessions are spared. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postroad.control import names
from postroad.smtp.server.service import Purpose
from postroad.world.world import DEFAULT_WORLD

if TYPE_CHECKING:
    from postroad.smtp.server.service import Session
    from postroad_relay.submission.faults import Faults
    from postroad_relay.submission.worldfaults import WorldFaults

_TRANSFER = Purpose.TRANSFER
_OURS = frozenset({names.WEB, names.STORE})


def is_spared(session: Session) -> bool:
    """Whether a session sees no faults: one of other servers, or, as in Mailpit, of our own services.

    These give their names in EHLO. Before that nobody can tell them from others.
    """
    return session.purpose is _TRANSFER or session.client_name in _OURS


class BadLine:
    """The line of a connection: as the default world has it, until the client's name has said another world.

    So only the default world can have slow lines, and connections that are not even greeted.
    """

    def __init__(self, faults: WorldFaults) -> None:
        self._faults = faults
        self._first = faults.of(DEFAULT_WORLD)  # those that were in force when it began

    def refuses(self, session: Session) -> bool:
        """Whether the connection is closed before it is greeted."""
        return not is_spared(session) and self._of(session).refuses_connection()

    def speed(self, session: Session) -> float | None:
        """Return the connection's speed, in octets per second."""
        return None if is_spared(session) else self._of(session).speed()

    def breaks(self, session: Session) -> bool:
        """Whether the connection is closed once the octets that have just come are answered."""
        return not is_spared(session) and self._of(session).loses_connection()

    def _of(self, session: Session) -> Faults:
        return self._first if session.world in {None, DEFAULT_WORLD} else self._faults.of(str(session.world))
