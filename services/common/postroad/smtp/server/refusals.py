"""Refusals leave a trace: each one a line in the log and an event in the journal, within bounds.

`BURST` refusals of a peer are recorded at once, and one more every `REFILL` seconds. Further ones are counted, and the
next refusal that is recorded says how many were not. So a client that guesses passwords for a night fills neither the
disk nor the journal, whose older events are history that somebody may want.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad.journal import Kind

if TYPE_CHECKING:
    from postroad.clock import Clock
    from postroad.journal import Journal
    from postroad.mail.reply import Reply
    from postroad.smtp.server.service import Session

log = logging.getLogger("postroad.smtp.refused")

BURST = 500  # refusals of one peer
REFILL = 5.0  # seconds per further refusal
PEERS = 1000  # remembered; the one that was refused least recently is forgotten first


@dataclass(slots=True)
class _Allowance:
    """How many refusals of one peer may be recorded."""

    left: float
    at: float  # when `left` was right, in seconds of the monotonic clock
    silent: int = 0  # refusals that were not recorded

    def take(self, now: float) -> bool:
        """Return True if one more may be recorded."""
        self.left = min(float(BURST), self.left + (now - self.at) / REFILL)
        self.at = now
        if self.left < 1.0:
            self.silent += 1
            return False
        self.left -= 1.0
        return True


class Refusals:
    """Records the refusals of one service. All methods are for the event loop's thread."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._peers: dict[str, _Allowance] = {}

    def note(
        self, session: Session, command: str, answer: Reply, *, message_id: str | None = None, **details: Any
    ) -> None:
        """Note a refusal: `command` is MAIL, RCPT, AUTH or content; `details` are sender, recipient or login."""
        now = self._clock.monotonic()
        allowance = self._peers.pop(session.host, None)
        if allowance is None:
            allowance = _Allowance(float(BURST), now)
            if len(self._peers) >= PEERS:
                del self._peers[next(iter(self._peers))]
        self._peers[session.host] = allowance  # at the end
        if not allowance.take(now):
            if allowance.silent == 1:
                log.warning(
                    "%s is refused so often that only one refusal in %g seconds is recorded", session.host, REFILL
                )
            return
        if allowance.silent:
            details["not_noted"], allowance.silent = allowance.silent, 0
        if session.account is not None:
            details.setdefault("login", session.account.login)
        facts = {
            "peer": session.host,
            "client": session.client_name,
            "port": session.purpose.value,
            "session": session.session_id,
            **details,
            "reply": str(answer),
        }
        self._journal.record(Kind.REFUSED, None, message_id, command=command, **facts)
        log.info("refused %s", command, extra={name: value for name, value in facts.items() if value is not None})
