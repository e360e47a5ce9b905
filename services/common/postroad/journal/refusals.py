"""Refusals leave a trace: each one a line in the log and an event in the journal, within bounds.

`BURST` refusals of a peer are recorded at once, and one more every `REFILL` seconds. Further ones are counted, and the
next refusal that is recorded says how many were not. So a client that guesses passwords for a night fills neither the
disk nor the journal, whose older events are history that somebody may want.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from postroad.bucket import Bucket
from postroad.journal.kinds import Kind

if TYPE_CHECKING:
    from postroad.clock import Clock
    from postroad.journal.writer import Journal
    from postroad.mail.reply import Reply

log = logging.getLogger("postroad.refused")

BURST = 500  # refusals of one peer
REFILL = 5.0  # seconds per further refusal
PEERS = 1000  # remembered; the one that was refused least recently is forgotten first


class _Peer:
    """What may be recorded of one peer."""

    __slots__ = ("allowance", "silent")

    def __init__(self, clock: Clock) -> None:
        self.allowance = Bucket(clock, 1.0 / REFILL, BURST)
        self.silent = 0  # refusals that were not recorded


class Refusals:
    """Records the refusals of one service. All methods are for the event loop's thread."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._peers: dict[str, _Peer] = {}

    def note(
        self,
        command: str,
        reply: Reply,
        *,
        peer: str,
        message_id: str | None = None,
        **details: Any,
    ) -> None:
        """Note a refusal: `command` is MAIL, RCPT, AUTH, content or connection (`kinds`)."""
        facts = self.record(command, peer=peer, message_id=message_id, **details, reply=str(reply))
        if facts is not None:
            log.info("refused %s", command, extra=facts)

    def record(
        self, command: str, *, peer: str, message_id: str | None = None, **details: Any
    ) -> dict[str, Any] | None:
        """Note a refusal that has its line in the log already; return its details, None where it is too many."""
        known = self._peers.pop(peer, None)
        if known is None:
            known = _Peer(self._clock)
            if len(self._peers) >= PEERS:
                del self._peers[next(iter(self._peers))]
        self._peers[peer] = known  # at the end
        if not known.allowance.take():
            known.silent += 1
            if known.silent == 1:
                log.warning("%s is refused so often that only one refusal in %g seconds is recorded", peer, REFILL)
            return None
        if known.silent:
            details["not_noted"], known.silent = known.silent, 0
        facts = {"peer": peer} | {name: value for name, value in details.items() if value is not None}
        self._journal.record(Kind.REFUSED, message_id=message_id, command=command, **facts)
        return facts
